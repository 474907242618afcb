"""The documents server: facts from the workspace, documents made of them, guarded files."""
