"""The raw path: ``tools/call`` and ``tools/list`` of 2026-07-28 callers, answered without the SDK.

Theory of operation. Almost every request that a stack serves is one of these two, and what the SDK, ASGI and
pydantic do for one costs ten times what the request itself needs. So the HTTP protocol class of this server
(``protocol``) holds a request back when its head says that it is one of them, in the plainest form there is:
one line for each header, JSON, the key, the names that the body has to repeat. When the body is there,
``request`` takes it apart two levels deep, and nothing deeper: arguments, results and whatever else is not
ours stay bytes from one side to the other. ``exchange`` then does what the SDK's path does: key, rate, the
tool's owner, a place at its server, the call, the answer or its events, one log line, the metrics.

The raw path only ever answers what it fully understands. Anything else (another method or revision, a header
twice, an odd id, a name that does not match, an unknown tool, a key that is refused) is handed to the
application with the bytes that came, as if this were not here. So there is one place for every refusal, and
this one cannot be talked into being laxer than that.
"""
