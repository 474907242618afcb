"""The tools, one module for each name prefix."""
