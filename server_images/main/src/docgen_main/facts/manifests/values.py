"""Reading values of any shape: other people's manifests say what they like."""

from typing import Any


def text(value: object) -> str:
    """`value` when it is text, else ""."""
    return value.strip() if isinstance(value, str) else ""


def table(value: object) -> dict[str, Any]:
    """`value` when it is a table, else an empty one."""
    return value if isinstance(value, dict) else {}


def texts(value: object) -> list[str]:
    """The texts in a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []
