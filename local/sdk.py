# botocore has no interface for what is changed here; the pinned version is the check instead.
# pyright: reportPrivateUsage=false
"""Runs a workload's module with an SDK that speaks to the embedded AWS directly: `python -m local.sdk MODULE …`.

botocore's own way to a socket is made for networks: proxies, TLS, redirects, and head and body sent one after the
other, each of which wakes the receiving process. On one machine that is half of what a call costs; of the rest, a
quarter is a signature that nobody here checks. What a workload sees of the SDK stays: its serializers, retries,
time-outs and exceptions are botocore's.
"""

import io
import runpy
import select
import socket
import sys
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

import botocore
import httptools
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSResponse
from botocore.compat import get_current_datetime
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.httpsession import URLLib3Session

BOTOCORE_VERSION: Final = "1.43.106"
_READ_BYTES: Final = 65_536
_NO_SIGNATURE: Final = "0" * 64


class SdkError(Exception):
    """The installed botocore is not the one that the change was written for."""


class Request(Protocol):
    """What is used of botocore's prepared request."""

    method: str
    url: str
    headers: Mapping[str, str | bytes]
    body: object
    stream_output: bool


def speak_directly() -> None:
    """Send plain HTTP requests whose body and answer are in memory over a kept connection, in one write, unsigned."""
    if botocore.__version__ != BOTOCORE_VERSION:
        message = f"botocore {botocore.__version__} is installed; local/sdk.py was written for {BOTOCORE_VERSION}"
        raise SdkError(message)
    session: Any = URLLib3Session
    send = session.send

    def send_directly(self: Any, request: Request) -> AWSResponse:
        plain = request.url.startswith("http://") and (request.body is None or isinstance(request.body, bytes))
        # The answer to HEAD has the length of a body that does not follow, and streams stay streams.
        if not plain or request.stream_output or request.method == "HEAD" or "Expect" in request.headers:
            return send(self, request)
        return _send(self, request)

    session.send = send_directly
    signer: Any = SigV4Auth
    signer.add_auth = _name_caller


class Connection:
    """One connection, for one exchange at a time."""

    def __init__(self, address: tuple[str, int], *, connect_seconds: float, read_seconds: float) -> None:
        self._socket = socket.create_connection(address, connect_seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(read_seconds)
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)

    def is_idle(self) -> bool:
        """Tell whether nothing came unasked: if something did, the other side has closed."""
        return not self._readable.poll(0)

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def exchange(self, request: bytes) -> "Answer":
        """Send a request and return the answer to it; raises TimeoutError, OSError or EOFError."""
        self._socket.sendall(request)
        answer = Answer()
        while not answer.complete:
            data = self._socket.recv(_READ_BYTES)
            if not data:
                raise EOFError("the connection was closed before the answer was complete")
            answer.feed(data)
        return answer


class Answer:
    """An answer as it arrives."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.complete = False
        self.keeps_connection = False
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._parser.feed_data(data)

    @property
    def status(self) -> int:
        """Return the status code."""
        return self._parser.get_status_code()

    @property
    def body(self) -> bytes:
        """Return the whole body."""
        return b"".join(self._body)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; the last of a name counts, and the embedded AWS sends none twice."""
        self.headers[name.decode("latin-1")] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Note the end, and whether another request may follow: the parser knows that only now."""
        self.complete = True
        self.keeps_connection = self._parser.should_keep_alive()


def _name_caller(signer: Any, request: Any) -> None:
    """Say who calls whom in which Region, as a signature does, and sign nothing."""
    if signer.credentials is None:
        raise NoCredentialsError
    request.context["timestamp"] = get_current_datetime().strftime(SIGV4_TIMESTAMP)
    signer._modify_request_before_signing(request)
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders=host, Signature={_NO_SIGNATURE}"
    )


def _send(session: Any, request: Request) -> AWSResponse:
    """Exchange request and answer; raises what botocore's own session raises, for its retries go by the type."""
    kept: list[Connection] = session.__dict__.setdefault("_kept_connections", [])
    try:
        connection = _connection(session, request, kept)
    except TimeoutError as error:
        raise ConnectTimeoutError(endpoint_url=request.url, error=error) from error
    except OSError as error:
        raise EndpointConnectionError(endpoint_url=request.url, error=error) from error
    try:
        answer = connection.exchange(_encoded(request))
    except BaseException as error:
        # Whatever came in between, the next answer on this connection would be that to this request.
        connection.close()
        if isinstance(error, TimeoutError):
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        if isinstance(error, OSError | EOFError | httptools.HttpParserError):
            raise ConnectionClosedError(endpoint_url=request.url, error=error, request=request) from error
        raise
    if answer.keeps_connection:
        kept.append(connection)
    else:
        connection.close()
    response = AWSResponse(request.url, answer.status, cast("Any", answer.headers), io.BytesIO(answer.body))
    response._content = answer.body  # pyright: ignore[reportAttributeAccessIssue] - what reading the stream would set
    return response


def _connection(session: Any, request: Request, kept: list[Connection]) -> Connection:
    """Take a connection that is kept for this client, which has one endpoint, or open one."""
    while kept:
        connection = kept.pop()
        if connection.is_idle():
            return connection
        connection.close()
    url = urlsplit(request.url)
    timeout = session._timeout
    return Connection(
        (cast("str", url.hostname), url.port or 80), connect_seconds=timeout._connect, read_seconds=timeout._read
    )


def _encoded(request: Request) -> bytes:
    url = urlsplit(request.url)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    body = cast("bytes", request.body or b"")
    headers = {"Host": url.netloc, "Accept-Encoding": "identity", **request.headers}
    if "Content-Length" not in headers and request.method not in {"GET", "HEAD"}:
        headers["Content-Length"] = str(len(body))
    lines = [f"{name}: {_text(value)}\r\n" for name, value in headers.items()]
    return f"{request.method} {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


if __name__ == "__main__":
    speak_directly()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
