# It wraps parts of ministack, and so uses what those parts used.
# pyright: reportPrivateUsage=false
"""Lets what the embedded AWS is asked to do fail as it is told to: before it is done, after, or too late.

`PUT /_meridian/faults` sets the faults, a JSON array of `Fault`s; `GET` answers how often each has struck and was over
again, by its name.
With none set, nothing fails by this.
"""

import json
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ministack.services import lambda_svc, stepfunctions

from local.emulator.pinned import check_pinned

PATH: Final = "/_meridian/faults"
ERROR_TYPE: Final = "InjectedFault"
_SEND: Final = "arn:aws:states:::sqs:sendMessage"

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
Application = Callable[[_Message, _Receive, _Send], Awaitable[None]]


class Moment(StrEnum):
    """When it fails."""

    BEFORE = "before"
    """Nothing has been done."""
    AFTER = "after"
    """All has been done, and nobody learns of it."""
    LATE = "late"
    """Of an invocation: nothing is done for `late_seconds`, then all is, and nobody learns of it."""


class Point(StrEnum):
    """What can fail."""

    INVOCATION = "invocation"
    """A function's, of which the event is looked at."""
    SENDING = "sending"
    """A message that a state machine sends to a queue."""
    REQUEST = "request"
    """One that an SDK makes by the JSON protocol; its answer is an error that no SDK retries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """So many failures of one thing."""

    name: str
    point: Point
    subject: str
    """The function's name, the end of the queue's URL, or the operation's name."""
    texts: tuple[str, ...]
    """All of these are in what is asked for, written as JSON without spaces."""
    moment: Moment
    times: int
    late_seconds: float = 0.0


class Faults:
    """The faults that are set, and how often each has struck."""

    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._begun: dict[str, int] = {}
        self._struck: dict[str, int] = {}
        self._lock = threading.Lock()

    def fail_invocations(self) -> None:
        """Let invocations fail as a function's exception does."""
        dispatch: Callable[..., dict[str, Any]] = lambda_svc._execute_function_dispatch

        def dispatch_or_fail(func: Any, config: Any, event: Any, request_id: str, started: float) -> dict[str, Any]:
            fault = self._strike(Point.INVOCATION, str(config.get("FunctionName")), event)
            if fault is None:
                return dispatch(func, config, event, request_id, started)
            if fault.moment is Moment.LATE:
                time.sleep(fault.late_seconds)
            if fault.moment is not Moment.BEFORE:
                dispatch(func, config, event, request_id, started)
            self._over(fault)
            error = {"errorType": ERROR_TYPE, "errorMessage": fault.name, "stackTrace": []}
            return {"body": error, "error": True, "log": ""}

        lambda_svc._execute_function_dispatch = dispatch_or_fail

    def fail_sendings(self) -> None:
        """Let a state machine's messages fail as a queue that is not there."""
        integrations: dict[str, Any] = stepfunctions._SERVICE_DISPATCH
        send = integrations[_SEND]
        check_pinned(send, "7f9c14f5e0270ddb")

        def send_or_fail(resource: Any, message: dict[str, Any]) -> Any:
            queue = str(message.get("QueueUrl", "")).rpartition("/")[2]
            fault = self._strike(Point.SENDING, queue, message)
            if fault is None:
                return send(resource, message)
            if fault.moment is Moment.AFTER:
                send(resource, message)
            self._over(fault)
            raise stepfunctions._ExecutionError(f"SQS.{ERROR_TYPE}", fault.name)

        integrations[_SEND] = send_or_fail

    def fail_requests(self, application: Application) -> Application:
        """Return an application of which requests fail, and which answers to PATH."""

        async def answer_or_fail(scope: _Message, receive: _Receive, send: _Send) -> None:
            if scope.get("path") == PATH:
                await self._serve(scope, receive, send)
                return
            if not self.strike_requests:
                await application(scope, receive, send)
                return
            target = dict(scope.get("headers", ())).get(b"x-amz-target", b"").decode().rpartition(".")[2]
            body = await _body(receive)
            fault = self._strike(Point.REQUEST, target, _decoded(body)) if target else None

            async def receive_again() -> _Message:
                return {"type": "http.request", "body": body, "more_body": False}

            async def lose(_message: _Message) -> None:
                return

            if fault is None:
                await application(scope, receive_again, send)
                return
            if fault.moment is Moment.AFTER:
                await application(scope, receive_again, lose)
            self._over(fault)
            await _answer(send, 400, {"__type": ERROR_TYPE, "message": fault.name})

        return answer_or_fail

    @property
    def strike_requests(self) -> bool:
        """Whether any fault is set that a request can meet."""
        return any(fault.point is Point.REQUEST for fault in self._set)

    def _strike(self, point: Point, subject: str, asked: object) -> Fault | None:
        if not self._set:
            return None
        text: str | None = None
        with self._lock:
            for fault in self._set:
                if (fault.point, fault.subject) != (point, subject) or self._begun[fault.name] >= fault.times:
                    continue
                text = text or json.dumps(asked, separators=(",", ":"))
                if all(part in text for part in fault.texts):
                    self._begun[fault.name] += 1
                    return fault
        return None

    def _over(self, fault: Fault) -> None:
        with self._lock:
            # Unless another set of faults was planned meanwhile.
            if fault.name in self._struck:
                self._struck[fault.name] += 1

    async def _serve(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["method"] == "PUT":
            faults = [_fault(fields) for fields in json.loads(await _body(receive))]
            with self._lock:
                self._set = faults
                self._begun = {fault.name: self._begun.get(fault.name, 0) for fault in faults}
                self._struck = {fault.name: self._struck.get(fault.name, 0) for fault in faults}
        await _answer(send, 200, self._struck)


def _fault(fields: dict[str, Any]) -> Fault:
    return Fault(
        name=fields["name"],
        point=Point(fields["point"]),
        subject=fields["subject"],
        texts=tuple(fields["texts"]),
        moment=Moment(fields["moment"]),
        times=fields["times"],
        late_seconds=fields["late_seconds"],
    )


async def _body(receive: _Receive) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


async def _answer(send: _Send, status: int, content: object) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/x-amz-json-1.0"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
