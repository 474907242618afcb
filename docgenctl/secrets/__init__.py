"""Where secret values live and how they are made."""
