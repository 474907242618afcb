"""The one endpoint clients use: aggregates and routes what all servers offer."""
