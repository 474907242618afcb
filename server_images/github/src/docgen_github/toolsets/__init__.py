"""The tools in their groups: one module for what a group reads, one for what it changes."""
