"""From a blueprint to the text of every file; no decisions are made here."""
