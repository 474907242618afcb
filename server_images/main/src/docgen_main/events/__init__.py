"""What happens in this server, in order, for whoever listens."""

from docgen_main.events.hub import Event, EventType, Hub, SlowListenerError, Subscription

__all__ = ["Event", "EventType", "Hub", "SlowListenerError", "Subscription"]
