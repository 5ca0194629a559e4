"""The Runtime API of one execution environment, served by whoever invokes the function, on its own thread.

A runtime asks for nothing but its next invocation until it has one, so nobody has to listen in between. With a server
on threads of its own an invocation goes from thread to thread a dozen times, and each waits for the interpreter.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import os
import re
import select
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, Final

import httptools
import msgspec

_NEXT: Final = "/runtime/invocation/next"
_INIT_ERROR: Final = "/runtime/init/error"
_RESULT: Final = re.compile(r"/runtime/invocation/(?P<request>[^/]+)/(?P<kind>response|error)$")
_READ_BYTES: Final = 65_536
_LOOK_SECONDS: Final = 0.25
"""How long the end of a process that leaves its connection open may go unnoticed."""
_LOG_BYTES: Final = 1_000_000
"""Of the lines of one invocation, the newest."""


class EnvironmentTimeoutError(Exception):
    """The environment did not come so far in time."""


class EnvironmentEndedError(Exception):
    """The process ended before it came so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What a runtime is told of an invocation."""

    request_id: str
    event: Any
    function_arn: str
    trace_id: str | None
    deadline_ms: int
    """Milliseconds since 1970."""

    def headers(self) -> dict[str, str]:
        """Return the headers of the answer that carries its event."""
        return {
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
            **({"Lambda-Runtime-Trace-Id": self.trace_id} if self.trace_id else {}),
        }


@dataclass(frozen=True, slots=True)
class Result:
    """What a function answered, or the error that it or its runtime reported."""

    payload: Any
    is_error: bool


class RuntimeApi:
    """Listens on a port of its own; reads what a runtime sends only while somebody waits for it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._readable = select.poll()
        self._readable.register(self._listener, select.POLLIN)
        self._connections: dict[int, _Connection] = {}
        self._output: IO[bytes] | None = None
        self._log = bytearray()
        self._waiting: _Connection | None = None
        self._under_way: str | None = None
        self._result: Result | None = None
        self.init_error: Result | None = None

    @property
    def port(self) -> int:
        """Where the runtime finds it."""
        return self._listener.getsockname()[1]

    def follow(self, output: IO[bytes]) -> None:
        """Keep what the process writes, so that the pipe never fills while it works."""
        os.set_blocking(output.fileno(), False)
        self._output = output
        self._readable.register(output, select.POLLIN)

    def await_runtime(self, has_ended: Callable[[], bool], seconds: float) -> None:
        """Return when the runtime asks for its first invocation, or has reported that it can not start.

        Raises EnvironmentTimeoutError, EnvironmentEndedError.
        """
        self._serve(lambda: self._waiting is not None or self.init_error is not None, has_ended, seconds)

    def run(self, invocation: Invocation, has_ended: Callable[[], bool], seconds: float) -> Result:
        """Hand the invocation out and return its result; raises EnvironmentTimeoutError, EnvironmentEndedError."""
        until = time.monotonic() + seconds
        self._result, self._under_way = None, invocation.request_id
        self._serve(lambda: self._waiting is not None, has_ended, seconds)
        connection, self._waiting = self._waiting, None
        if connection is not None:
            connection.answer(HTTPStatus.OK, msgspec.json.encode(invocation.event), invocation.headers())
        self._serve(lambda: self._result is not None, has_ended, until - time.monotonic())
        if self._result is None:
            raise EnvironmentEndedError
        return self._result

    def take_log(self) -> str:
        """Return what was written since it was last asked for: a function writes its lines before it answers."""
        self._read_output()
        text = self._log.decode(errors="replace")
        self._log.clear()
        return text.rstrip("\n")

    def close(self) -> None:
        """End it; what was written last can still be taken."""
        self._read_output()
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        self._listener.close()
        if self._output is not None:
            self._output.close()
            self._output = None

    def _serve(self, is_done: Callable[[], bool], has_ended: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not is_done():
            left = until - time.monotonic()
            if left <= 0:
                raise EnvironmentTimeoutError
            came = self._readable.poll(1000 * min(left, _LOOK_SECONDS))
            for descriptor, _ in came:
                self._take(descriptor)
            # What an ended process sent before its end is read first.
            if not is_done() and not (came and self._connections) and has_ended():
                raise EnvironmentEndedError

    def _take(self, descriptor: int) -> None:
        if descriptor == self._listener.fileno():
            connection = _Connection(self._listener.accept()[0], self._answer)
            self._connections[connection.descriptor] = connection
            self._readable.register(connection.descriptor, select.POLLIN)
        elif descriptor in self._connections:
            if not self._connections[descriptor].read():
                self._drop(descriptor)
        elif not self._read_output():
            self._readable.unregister(descriptor)

    def _drop(self, descriptor: int) -> None:
        self._readable.unregister(descriptor)
        connection = self._connections.pop(descriptor)
        connection.close()
        if self._waiting is connection:
            self._waiting = None

    def _read_output(self) -> bool:
        """Tell whether more can come."""
        try:
            while self._output is not None and (data := os.read(self._output.fileno(), _READ_BYTES)):
                self._log += data
        except BlockingIOError:
            del self._log[:-_LOG_BYTES]
            return True
        return False

    def _answer(self, connection: "_Connection", method: bytes, path: str, body: bytes) -> None:
        result = _RESULT.search(path)
        if method == b"GET" and path.endswith(_NEXT):
            self._waiting = connection
        elif method == b"POST" and path.endswith(_INIT_ERROR):
            self.init_error = self._result = Result(_parsed(body), is_error=True)
            connection.answer(HTTPStatus.ACCEPTED)
        elif method == b"POST" and result is not None:
            self._take_result(connection, result, body)
        else:
            connection.answer(HTTPStatus.NOT_FOUND)

    def _take_result(self, connection: "_Connection", named: re.Match[str], body: bytes) -> None:
        if named["request"] != self._under_way:
            # As ministack answers to the result of an invocation that is not the one in flight.
            connection.answer(
                HTTPStatus.BAD_REQUEST, b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}'
            )
            return
        self._under_way = None
        self._result = Result(_parsed(body), is_error=named["kind"] == "error")
        connection.answer(HTTPStatus.ACCEPTED)


class _Connection:
    """One connection of a runtime, with answers that leave in one write."""

    def __init__(self, client: socket.socket, serve: Callable[["_Connection", bytes, str, bytes], None]) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        self._serve = serve
        self._parser = httptools.HttpRequestParser(self)
        self._url, self._body = b"", bytearray()
        self.descriptor: Final = client.fileno()

    def read(self) -> bool:
        """Serve what came; tells whether the connection goes on."""
        try:
            data = self._client.recv(_READ_BYTES)
            self._parser.feed_data(data)
        except (ConnectionError, httptools.HttpParserError):
            return False
        return bool(data)

    def close(self) -> None:
        """End it."""
        self._client.close()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"expect" and value.lower() == b"100-continue":
            self._client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        url, body = self._url.decode(), bytes(self._body)
        self._url, self._body = b"", bytearray()
        self._serve(self, self._parser.get_method(), url, body)

    def answer(self, status: HTTPStatus, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send it; a runtime that has gone is noticed by who waits for it."""
        named = {**(headers or {}), "Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in named.items())]
        try:
            self._client.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        except ConnectionError:
            return


def _parsed(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode(errors="replace")
