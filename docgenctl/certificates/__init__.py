"""The stack's own small certificate authority."""
