"""Faults on the way to AWS: a call that never arrived, one whose answer was lost, and one that is held up."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

WRITES: Final = frozenset({"transact_write_items", "put_item", "update_item", "delete_item", "put_events"})

PATIENCE: Final = 20.0
"""Seconds before what a test waits for counts as never happening."""


class Moment(StrEnum):
    """When a call breaks."""

    BEFORE = "before the call arrived"
    AFTER = "after it was carried out"


class Fault:
    """Breaks the nth write, counted over all clients that share it."""

    def __init__(self, position: int, moment: Moment) -> None:
        self._position = position
        self._moment = moment
        self._writes = 0
        self.struck = False

    def client(self, client: Any) -> Any:
        """Return the client with the fault in it."""
        return _Broken(client, self.call)

    def call(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        self._writes += 1
        if self._writes != self._position:
            return operation(**arguments)
        self.struck = True
        if self._moment is Moment.BEFORE:
            raise ConnectTimeoutError(endpoint_url="https://aws.invalid")
        operation(**arguments)
        raise ReadTimeoutError(endpoint_url="https://aws.invalid")


class _Broken:
    """A client whose writes go through the fault."""

    def __init__(self, client: Any, call: Callable[..., Any]) -> None:
        self._client = client
        self._call = call

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)
        if name not in WRITES:
            return operation
        return partial(self._call, operation)


class Gate:
    """An endpoint that holds every request until it is opened, then passes it on."""

    def __init__(self, target: str) -> None:
        self.arrived = threading.Event()
        self.open = threading.Event()
        self._server = _GateServer(("127.0.0.1", 0), _handler(self, target))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()


class _GateServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that was killed while it waited is what the gate is for."""


def _handler(gate: Gate, target: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            gate.arrived.set()
            gate.open.wait(PATIENCE)
            request = urllib.request.Request(target, body, dict(self.headers.items()))  # noqa: S310 - our own server
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
                content = answer.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Keep the test's output quiet."""

    return Handler
