"""The health check of a server that runs as a plain process: does it answer at its socket?

Run as ``python -I -S socket_check.py``, with ``DOCGEN_SOCKET`` set. It only looks: outside of a container the
supervisor ends what is ill. Exit status 0 when ``/health`` answers 200, else 1.
"""

import os
import socket
import sys


def healthy(path: str, seconds: float = 3.0) -> bool:
    """Whether ``/health`` at the socket ``path`` answers 200 within ``seconds``."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(path)
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b""
            while len(answer) < 12 and (chunk := connection.recv(4096)):
                answer += chunk
    except OSError:
        return False
    return answer[:5] == b"HTTP/" and answer[9:12] == b"200"


if __name__ == "__main__":
    sys.exit(0 if healthy(os.environ["DOCGEN_SOCKET"]) else 1)
