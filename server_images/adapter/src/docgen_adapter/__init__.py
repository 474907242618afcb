"""Speaks for a server of others, and makes it look like one of ours."""
