"""Other programs' configuration files: found, read, and changed with all else in them kept."""
