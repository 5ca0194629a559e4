"""What a container talks to in these tests: Lambda's Runtime API with one event, and a queue that stays empty."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

PATIENCE: Final = 30.0
"""Seconds before what a test waits for counts as never happening."""


class Endpoint:
    """A server on this machine's own address; each kind answers in its own way."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = _Server(("127.0.0.1", 0), handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class RuntimeApi(Endpoint):
    """Gives one event to a function and keeps what the function answers.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    """

    def __init__(self, event: dict[str, Any]) -> None:
        self.answered = threading.Event()
        self.outcome = ""
        """`response` or `error`, the last part of the path that the function answered on."""
        self.answer: Any = None
        self._event: bytes | None = json.dumps(event).encode()
        super().__init__(_runtime_handler(self))

    def take(self) -> bytes | None:
        """Return the event the first time, and None from then on."""
        event, self._event = self._event, None
        return event


class EmptyQueue(Endpoint):
    """Answers every receive with nothing, after as long a poll as the queue's own."""

    def __init__(self) -> None:
        self.polled = threading.Event()
        super().__init__(_queue_handler(self))


@contextmanager
def runtime_api(event: dict[str, Any]) -> Generator[RuntimeApi]:
    """Serve one event."""
    api = RuntimeApi(event)
    try:
        yield api
    finally:
        api.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: containers are stopped while they wait for an answer."""


class _Quiet(BaseHTTPRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the test's output quiet."""

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _runtime_handler(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(_Quiet):
        def do_GET(self) -> None:
            event = api.take()
            if event is None:
                time.sleep(PATIENCE)  # Lambda freezes a function that has nothing to do: the test ends it here
                return
            self.send(
                200,
                event,
                Content_Type="application/json",
                Lambda_Runtime_Aws_Request_Id="8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                Lambda_Runtime_Deadline_Ms=str(int((time.time() + PATIENCE) * 1000)),
                Lambda_Runtime_Invoked_Function_Arn="arn:aws:lambda:us-east-1:123456789012:function:test",
            )

        def do_POST(self) -> None:
            api.answer = json.loads(self.body() or b"null")
            api.outcome = self.path.rsplit("/", 1)[-1]
            self.send(202, b"{}")
            api.answered.set()

    return Handler


def _queue_handler(queue: EmptyQueue) -> type[BaseHTTPRequestHandler]:
    class Handler(_Quiet):
        def do_POST(self) -> None:
            self.body()
            queue.polled.set()
            time.sleep(20)  # the longest poll that SQS knows
            self.send(200, b"{}", Content_Type="application/x-amz-json-1.0")

    return Handler
