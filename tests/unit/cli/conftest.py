"""Fixtures for tests of the command line."""

from tests.engine_fixtures import engine

__all__ = ["engine"]
