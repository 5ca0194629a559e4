"""Writes down what the embedded AWS is asked for and what it runs, one JSON object a line: for whoever counts it."""

import json
import re
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

from ministack.services import lambda_svc

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
Application = Callable[[_Message, _Receive, _Send], Awaitable[None]]

# Credential=…/20261122/us-east-1/dynamodb/aws4_request (Signature Version 4).
_SCOPE: Final = re.compile(rb"Credential=[^/]+/\d+/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


class RequestLog:
    """Wraps the embedded AWS's application and its runner of functions."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._writing = threading.Lock()

    def watch_requests(self, application: Application) -> Application:
        """Return an application that answers the same and writes down each request that names an operation."""

        async def watched(scope: _Message, receive: _Receive, send: _Send) -> None:
            headers: dict[bytes, bytes] = dict(scope.get("headers", ()))
            signed = _SCOPE.search(headers.get(b"authorization", b""))
            target = headers.get(b"x-amz-target")
            if signed is None or target is None:
                await application(scope, receive, send)
                return
            asked, answered = bytearray(), bytearray()
            status = 0

            async def receive_and_keep() -> _Message:
                message = await receive()
                asked.extend(message.get("body", b""))
                return message

            async def send_and_keep(message: _Message) -> None:
                nonlocal status
                status = message.get("status", status)
                answered.extend(message.get("body", b""))
                await send(message)

            await application(scope, receive_and_keep, send_and_keep)
            self._write(
                region=signed[1].decode(),
                service=signed[2].decode(),
                operation=target.decode().rpartition(".")[2],
                status=status,
                request=_decoded(asked),
                answer=_decoded(answered),
            )

        return watched

    def watch_invocations(self) -> None:
        """Write down each invocation of a function with its duration in seconds."""
        dispatch: Callable[..., dict[str, Any]] = lambda_svc._execute_function_dispatch  # pyright: ignore[reportPrivateUsage]

        def dispatch_and_write(func: Any, config: Any, event: Any, request_id: str, started: float) -> dict[str, Any]:
            began = time.monotonic()
            result = dispatch(func, config, event, request_id, started)
            arn = str(config.get("FunctionArn", "::::"))
            self._write(
                region=arn.split(":")[3],
                function=config.get("FunctionName"),
                seconds=time.monotonic() - began,
            )
            return result

        lambda_svc._execute_function_dispatch = dispatch_and_write  # pyright: ignore[reportPrivateUsage]

    def _write(self, **fields: object) -> None:
        line = json.dumps(fields) + "\n"
        with self._writing:
            self._file.write(line)
            self._file.flush()


def _decoded(body: bytearray) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None
