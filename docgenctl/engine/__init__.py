"""The container engine behind a protocol in our words; `client` is the only importer of the Docker SDK."""
