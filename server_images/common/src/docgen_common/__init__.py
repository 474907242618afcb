"""What every server shares: the app factory, authentication, settings, logs, metrics, health."""
