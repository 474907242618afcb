"""A stack as a stdio server: for clients that know only stdio, or would not trust a private certificate.

Theory of operation. The main thread reads lines from the client. Each request gets a thread, which sends it
to the stack as a POST of revision 2026-07-28 and writes what comes back, as it comes, as lines to the client.
Threads and not an event loop: a client has a handful of requests open, blocking sockets over TLS need no code
of ours, and Python starts a third faster without asyncio.

Two kinds of clients are told apart request by request, by the envelope that those of 2026-07-28 put in
`_meta`. Theirs are carried as they are, byte for byte (`modern`). Those of the handshake revisions live in a
session (`legacy`), which has what the stack does not keep: what the client can do, the revision it speaks,
which resources it wants to hear of. It gives their requests an envelope, asks them the questions that the
stack answers with (`questions`), and shapes results for their revision (`shapes`).

Where the stack is, and what proves it, is read for each new connection (`upstream`): keys, ports and
certificates may change while a client runs. A stack that is not there is an error of the single request; the
streams by which changes are told (`listening`) are begun again until they hold, and then tell that everything
may have changed. That is how clients find a restarted stack without being restarted.

Cancelling closes the request's connection from the main thread, which the stack understands. A cancelled
request is not answered.
"""
