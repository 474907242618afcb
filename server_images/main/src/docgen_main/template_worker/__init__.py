"""What runs in the process that renders users' templates: little, so that it starts fast and can little."""
