"""Callers that keep asking over kept connections, and count what does not come back right."""

import ssl
import threading
from collections import Counter
from http.client import HTTPException, HTTPSConnection
from types import TracebackType

from tests.unit.rendering.small_stack import Client


class Load:
    """`callers` threads ask until the context is left; `failures` tells what went wrong, by its words."""

    def __init__(self, client: Client, callers: int, *, path: str = "/mcp", kept: bool = True) -> None:
        self._client, self._path, self._kept = client, path, kept
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(callers)]
        self._counting = threading.Condition()
        self.answered = 0
        self.failures: Counter[str] = Counter()

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(30)

    def wait_for(self, answers: int, seconds: float = 120) -> None:
        """Returns once so many more answers have come."""
        with self._counting:
            wanted = self.answered + answers
            assert self._counting.wait_for(lambda: self.answered >= wanted, seconds), (
                f"{self.answered} answers, {wanted} wanted; {dict(self.failures)}"
            )

    def _ask(self) -> None:
        connection: HTTPSConnection | None = None
        while not self._ending.is_set():
            connection = connection or self._client.open()
            try:
                connection.request("POST", self._path, b"{}")
                response = connection.getresponse()
                response.read()
                told = "" if response.status == 200 else f"status {response.status}"
                if response.will_close or not self._kept:
                    connection.close()
                    connection = None
            except (OSError, HTTPException, ssl.SSLError) as error:
                told = f"{type(error).__name__}: {error}"
                connection.close()
                connection = None
            with self._counting:
                self.answered += 1
                if told:
                    self.failures[told] += 1
                self._counting.notify_all()
