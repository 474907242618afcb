"""The gateway of stacks that run without containers: TLS doors in front of the orchestrator.

Run as ``python -m docgen_orchestrator.doors``, a process of its own that knows no key. What HAProxy's
configuration enforces in a container is enforced here: docs/decisions/0016-process-engine.md compares them.
"""
