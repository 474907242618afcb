"""The container's health check: does the server in this container answer?

Run as ``python -I -S healthcheck.py``: standard library only, and little of it, because it runs every few
seconds for the life of the container and importing is most of its cost. Exit status 0 when ``/health``
answers 200, else 1.
"""

import os
import socket
import sys


def healthy(port: int, seconds: float = 3.0) -> bool:
    """Whether ``/health`` on 127.0.0.1 at ``port`` answers 200 within ``seconds``."""
    request = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            connection.sendall(request)
            answer = b""
            while len(answer) < 12 and (chunk := connection.recv(4096)):
                answer += chunk
    except OSError:
        return False
    return answer[:5] == b"HTTP/" and answer[9:12] == b"200"


if __name__ == "__main__":
    sys.exit(0 if healthy(int(os.environ.get("DOCGEN_PORT", "8000"))) else 1)
