"""docgen.yaml, the environment and flags, read into one checked set of settings."""
