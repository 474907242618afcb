"""Runs inside a container: answers every request with what it was asked, as JSON.

`X-Test: stream` answers in two parts and sends the second one only once another request said `X-Test: go`;
`X-Test: flood` answers without end, `X-Test: echo` switches protocols and sends back what comes in capitals;
`X-Test: slow` answers after 4 seconds, `X-Test: quiet` sends two parts 4 seconds apart.
"""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

go = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Internal/1.2.3"

    def answer(self) -> None:
        length = self.read_body()
        if self.headers.get("X-Test") == "stream":
            self.stream(lambda: go.wait(20))
            return
        if self.headers.get("X-Test") == "quiet":
            self.stream(lambda: time.sleep(4))
            return
        if self.headers.get("X-Test") == "flood":
            self.flood()
            return
        if self.headers.get("X-Test") == "echo":
            self.echo()
            return
        if self.headers.get("X-Test") == "slow":
            time.sleep(4)
        if self.headers.get("X-Test") == "go":
            go.set()
        document = {
            "method": self.command,
            "target": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "length": length,
        }
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-cache, private")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self) -> int:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return len(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        length = 0
        while size := int(self.rfile.readline().split(b";")[0], 16):
            length += len(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return length

    def stream(self, pause: Callable[[], object]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"7\r\nfirst\n\n\r\n")
        self.wfile.flush()
        pause()
        self.wfile.write(b"8\r\nsecond\n\n\r\n0\r\n\r\n")
        self.close_connection = True

    def flood(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        try:
            while True:
                self.wfile.write(chunk)
        except OSError:
            self.close_connection = True

    def echo(self) -> None:
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", self.headers.get("Upgrade", ""))
        self.send_header("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")  # RFC 6455, 1.3
        self.end_headers()
        while data := self.connection.recv(65536):
            self.connection.sendall(data.upper())
        self.close_connection = True

    do_GET = do_POST = do_DELETE = do_HEAD = do_OPTIONS = answer  # noqa: N815 - names of the base class

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - name of the base class
        """Nothing: the engine's log of this container is not looked at."""


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
