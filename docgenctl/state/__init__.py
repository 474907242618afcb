"""What a project remembers outside its workspace, and the lock that guards it."""
