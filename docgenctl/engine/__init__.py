"""The container engine behind a protocol in our words; `docker_engine` is the only importer of the SDK."""
