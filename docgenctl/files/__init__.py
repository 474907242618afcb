"""Files that only their owner may see: checked when read, replaced as a whole when written."""
