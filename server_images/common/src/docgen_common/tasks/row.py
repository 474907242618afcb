"""One task: what is stored of it, and what a client sees."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Status = Literal["working", "input_required", "completed", "failed", "cancelled"]
TERMINAL = frozenset({"completed", "failed", "cancelled"})

POLL_MS = 500
"""How often a client is asked to look, in milliseconds."""

_RESULT_BYTES = 1 << 20
_MESSAGE_CHARACTERS = 200


@dataclass
class Task:
    """A row: ``key`` stands for the id, which only the owner knows. Times are seconds since 1970."""

    key: str
    owner: str | None
    tool: str
    created: float
    updated: float
    ttl_s: float
    status: Status = "working"
    message: str | None = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    input_requests: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing can change any more."""
        return self.status in TERMINAL

    def complete(self, result: dict[str, Any]) -> None:
        """It has a result; one that is too large to keep becomes an error of the tool that says so."""
        size = len(json.dumps(result, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if size > _RESULT_BYTES:
            said = (
                f"The result has {size} bytes; a task keeps {_RESULT_BYTES}. "
                "Ask for less, or call without tasks."
            )
            result = {"content": [{"type": "text", "text": said}], "isError": True}
        self.status, self.result, self.input_requests = "completed", result, {}

    def fail(self, code: int, message: str, data: Any = None) -> None:
        """It ended with a protocol error."""
        self.status, self.input_requests = "failed", {}
        self.error = {"code": code, "message": message, **({} if data is None else {"data": data})}
        self.message = message[:_MESSAGE_CHARACTERS]

    def wire(self, task_id: str) -> dict[str, Any]:
        """The fields of every answer about the task."""
        fields: dict[str, Any] = {
            "taskId": task_id,
            "status": self.status,
            "createdAt": _iso(self.created),
            "lastUpdatedAt": _iso(self.updated),
            "ttlMs": round(self.ttl_s * 1000),
            "pollIntervalMs": POLL_MS,
        }
        if self.message is not None:
            fields["statusMessage"] = self.message
        return fields

    def details(self, task_id: str) -> dict[str, Any]:
        """`wire`, with what belongs to the status: questions, result or error."""
        fields = self.wire(task_id)
        if self.status == "input_required":
            fields["inputRequests"] = self.input_requests
        elif self.status == "completed":
            fields["result"] = self.result
        elif self.status == "failed":
            fields["error"] = self.error
        return fields

    def dump(self) -> str:
        """For the disk."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Task:
        """From the disk. Raises ValueError or TypeError for anything else."""
        return cls(**json.loads(text))


def told(progress: float, total: float | None, message: str | None) -> str:
    """Progress as a status message; what is said with it only if it is short (some tell whole pages)."""
    said = f"{progress:g} of {total:g}" if total is not None else f"{progress:g}"
    short = message is not None and len(message) <= _MESSAGE_CHARACTERS and not message.startswith("{")
    return f"{said}: {message}" if short else said


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
