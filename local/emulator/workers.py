# It replaces a part of ministack, and so uses what that part used.
# pyright: reportPrivateUsage=false
"""A function's execution environment whose Runtime API and log cost little: an order takes about twenty invocations."""

import os
import queue
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import IO, Any, Final

import httptools
import msgspec
from ministack.core import lambda_runtime

_NEXT: Final = "/runtime/invocation/next"
_INIT_ERROR: Final = "/runtime/init/error"
_STOP_CHECK_SECONDS: Final = 1.0
_READ_BYTES: Final = 65_536


class Worker(lambda_runtime.ProvidedWorker):
    """ministack's worker of a custom runtime, with another server of the Runtime API and without a thread for its log.

    The log is read from the pipe when an answer has come: the function wrote its lines before it answered, so there is
    nothing to wait for. While it runs, the pipe is emptied often enough never to fill.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._pipe: IO[bytes] | None = None
        self._log = bytearray()
        self._response_ready = _WatchedEvent(self._collect)
        self._init_settled = _WatchedEvent(self._collect)

    def _build_handler_class(self, generation: int, pending: queue.Queue[Any]) -> Any:
        class Connection(_Connection):
            worker, served_generation, invocations = self, generation, pending

        return Connection

    def _pump_output(self, stream: IO[bytes], log_queue: queue.Queue[str]) -> None:
        del log_queue
        os.set_blocking(stream.fileno(), False)
        self._pipe = stream

    def _drain_stderr(self) -> str:
        self._collect()
        text = self._log.decode(errors="replace")
        self._log.clear()
        return text.rstrip("\n")

    def _drain_stderr_bounded(self, *_waits: float, **_named_waits: float) -> str:
        return self._drain_stderr()

    def _teardown(self) -> None:
        super()._teardown()
        self._collect()
        self._pipe = None

    def _collect(self) -> None:
        if self._pipe is None:
            return
        try:
            while data := os.read(self._pipe.fileno(), _READ_BYTES):
                self._log += data
        except BlockingIOError:
            pass
        # What only an endless writer fills has no reader either.
        del self._log[: -lambda_runtime._PROVIDED_LOG_MAX_LINES * 100]


class _WatchedEvent(threading.Event):
    """Does something whenever a wait was in vain: ministack waits for at most 50 ms at a time."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def wait(self, timeout: float | None = None) -> bool:
        came = super().wait(timeout)
        if not came:
            self._meanwhile()
        return came


class _Connection(socketserver.BaseRequestHandler):
    """One connection of a runtime to its Runtime API, with answers that leave in one write.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    """

    worker: Worker
    served_generation: int
    invocations: "queue.Queue[tuple[str, Any, int, str | None, str]]"
    request: socket.socket

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._url, self._body, self._complete = b"", bytearray(), False
        parser = httptools.HttpRequestParser(self)
        try:
            while data := self.request.recv(_READ_BYTES):
                parser.feed_data(data)
                if self._complete:
                    url, body = self._url.decode(), bytes(self._body)
                    self._url, self._body, self._complete = b"", bytearray(), False
                    self._serve(parser.get_method(), url, body)
        except (ConnectionError, httptools.HttpParserError):
            return

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"expect" and value.lower() == b"100-continue":
            self.request.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._complete = True

    def _serve(self, method: bytes, path: str, body: bytes) -> None:
        result = lambda_runtime._INVOCATION_RESULT_RE.search(path)
        if method == b"GET" and _NEXT in path:
            self._serve_next()
        elif method == b"POST" and _INIT_ERROR in path:
            self.worker._record_init_error(self.served_generation, _parsed(body))
            self._answer(HTTPStatus.ACCEPTED)
        elif method == b"POST" and result:
            known = self.worker._record_result(self.served_generation, result[1], result[2], _parsed(body))
            self._answer(HTTPStatus.ACCEPTED if known else HTTPStatus.BAD_REQUEST, _ANSWERS[known])
        else:
            self._answer(HTTPStatus.NOT_FOUND)

    def _serve_next(self) -> None:
        worker = self.worker
        if not worker._mark_first_poll(self.served_generation):
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, _STOPPED)
            return
        while not worker._stopping and self.served_generation == worker._generation:
            try:
                invocation = self.invocations.get(timeout=_STOP_CHECK_SECONDS)
            except queue.Empty:
                continue
            request_id, event, deadline_ms, trace_id, function_arn = invocation
            headers = {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": function_arn,
                **({"Lambda-Runtime-Trace-Id": trace_id} if trace_id else {}),
            }
            self._answer(HTTPStatus.OK, msgspec.json.encode(event), headers)
            return
        self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, _STOPPED)

    def _answer(self, status: HTTPStatus, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        named = {**(headers or {}), "Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in named.items())]
        self.request.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)


_STOPPED: Final = b'{"errorMessage":"execution environment stopped"}'
# As ministack answers to the result of an invocation that is not the one in flight.
_ANSWERS: Final = {True: b"", False: b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}'}


def _parsed(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode(errors="replace")
