"""Verbs: what docgenctl can do, each readable like its help text; collaborators are arguments."""
