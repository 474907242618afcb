"""A running stack for the examples, made as the end-to-end tests make theirs."""

from tests.e2e.conftest import engine, running_stack

__all__ = ["engine", "running_stack"]
