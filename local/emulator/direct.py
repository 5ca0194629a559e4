# It goes past a part of ministack, and so uses what that part used.
# pyright: reportPrivateUsage=false
"""Answers the requests that an order consists of where their last byte is read.

On the way through ministack's application a task is made for each, and some dozens of services are asked whether its
path or its host is theirs: for a read of an item that is most of the work. The SDKs name what they ask for in one
header, and of the operations here only invocations and sign-ins wait for anything.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from types import ModuleType
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from ministack import app
from ministack.core import responses
from ministack.services import cognito, dynamodb, eventbridge, lambda_svc, sqs, stepfunctions

from local.emulator.encoding import new_id
from local.emulator.one_write import OneWriteProtocol
from local.emulator.pinned import check_pinned


@dataclass(frozen=True, slots=True)
class _Operation:
    service: str
    module: ModuleType
    waits: bool = False


@dataclass(frozen=True, slots=True)
class _Request:
    operation: _Operation
    access_key: str
    region: str
    headers: dict[str, str]


_Answer = tuple[int, dict[str, str], bytes | str]
_DYNAMODB: Final = (
    "GetItem",
    "BatchGetItem",
    "Query",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "TransactGetItems",
    "TransactWriteItems",
)
_SQS: Final = ("SendMessage", "SendMessageBatch", "DeleteMessage", "DeleteMessageBatch", "GetQueueAttributes")
_COGNITO: Final = ("AdminCreateUser", "AdminSetUserPassword", "InitiateAuth")
_OPERATIONS: Final[dict[bytes, _Operation]] = {
    **{f"DynamoDB_20120810.{name}".encode(): _Operation("dynamodb", dynamodb) for name in _DYNAMODB},
    **{f"AmazonSQS.{name}".encode(): _Operation("sqs", sqs) for name in _SQS},
    b"AWSEvents.PutEvents": _Operation("events", eventbridge),
    b"AWSStepFunctions.StartExecution": _Operation("states", stepfunctions),
    **{
        f"AWSCognitoIdentityProviderService.{name}".encode(): _Operation("cognito-idp", cognito, waits=True)
        for name in _COGNITO
    },
}
_INVOKE: Final = _Operation("lambda", lambda_svc, waits=True)
_INVOCATION: Final = re.compile(rb"/2015-03-31/functions/[^/?]+/invocations(\?[^?]*)?")
# Credential=…/20261122/us-east-1/dynamodb/aws4_request (Signature Version 4).
_CREDENTIAL: Final = re.compile(rb"Credential=([^/]+)/[0-9]{8}/([a-z0-9-]+)/")
_CALLERS: Final = 256
_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_LOG: Final = logging.getLogger(__name__)


def direct_protocol(application_only: Callable[[], bool]) -> type[OneWriteProtocol]:
    """Return a protocol that answers them itself, unless just now all requests have to go through the application."""
    check_pinned(app._dispatch_service_request, "17e5ef6dcfa0d4e6")
    check_pinned(dynamodb.handle_request, "1201f2ac993ce1a0")

    class DirectProtocol(_DirectProtocol):
        _application_only = staticmethod(application_only)

    return DirectProtocol


class _DirectProtocol(OneWriteProtocol):
    """uvicorn's protocol, but for the requests that are answered directly."""

    _application_only: Callable[[], bool]
    _request: _Request | None = None
    _asked: bytearray
    _under_way: asyncio.Task[None] | None = None

    def on_headers_complete(self) -> None:
        """Look whether the request is one of them."""
        self._request = self._directly_answered()
        self._asked = bytearray()
        if self._request is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Gather it."""
        if self._request is None:
            super().on_body(body)
        else:
            self._asked += body

    def on_message_complete(self) -> None:
        """Answer, or begin what is waited for."""
        request = self._request
        if request is None:
            super().on_message_complete()
        elif self._under_way is not None:
            # No SDK sends a request before it has the answer to the one before.
            self.send_400_response("A connection carries one request at a time.")
        else:
            self._begin(request)

    def _begin(self, request: _Request) -> None:
        path, _, query = self.url.decode("ascii").partition("?")
        module, content = request.operation.module, bytes(self._asked)
        asked = module.handle_request("POST", unquote(path), request.headers, content, parse_qs(query))
        context = Context()
        context.run(_know_caller, request)
        if request.operation.waits:
            waiting = self._answer_in_time(request.operation.service, asked)
            self._under_way = self.loop.create_task(waiting, context=context)
        else:
            self._answer(request.operation.service, context.run(_at_once, asked))

    async def _answer_in_time(self, service: str, asked: Coroutine[Any, Any, _Answer]) -> None:
        try:
            answer = await asked
        except Exception as error:  # noqa: BLE001 - as ministack answers to what its services did not expect
            answer = _unexpected(error)
        self._under_way = None
        self._answer(service, answer)

    def _answer(self, service: str, answer: _Answer) -> None:
        if not self.transport.is_closing():
            self.transport.write(_encoded(service, answer))
            self.on_response_complete()

    def _directly_answered(self) -> _Request | None:
        named = dict(self.headers)
        operation = _OPERATIONS.get(named.get(b"x-amz-target", b"")) if self.url == b"/" else None
        if operation is None and _INVOCATION.fullmatch(self.url):
            operation = _INVOKE
        caller = _caller_of(named.get(b"authorization", b"").partition(b",")[0])
        if operation is None or caller is None or self._is_special(named):
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in named.items()}
        return _Request(operation, *caller, headers)

    def _is_special(self, named: dict[bytes, bytes]) -> bool:
        # uvicorn has no cycle before its first request.
        cycle: Any = self.cycle
        parser: Any = self.parser
        by_application = cycle is not None and not cycle.response_complete
        ends = parser.should_upgrade() or not parser.should_keep_alive()
        differs = self.expect_100_continue or b"content-encoding" in named or parser.get_method() != b"POST"
        return by_application or ends or differs or app._get_reset_lock().locked() or self._application_only()


def _know_caller(request: _Request) -> None:
    responses.set_request_account_id(request.access_key)
    responses.set_request_region(request.region)


def _at_once(asked: Coroutine[Any, Any, _Answer]) -> _Answer:
    try:
        asked.send(None)
    except StopIteration as end:
        return end.value
    except Exception as error:  # noqa: BLE001 - as above
        return _unexpected(error)
    asked.close()
    return _unexpected(RuntimeError("the operation waits: it is none to be answered at once"))


def _unexpected(error: Exception) -> _Answer:
    _LOG.error("Error handling a request", exc_info=error)
    return responses.error_response_json("InternalError", str(error), 500)


def _encoded(service: str, answer: _Answer) -> bytes:
    status, headers, content = answer
    body = content if isinstance(content, bytes) else content.encode()
    responses.fix_error_content_type(service, status, headers)
    responses.fix_success_content_type(service, status, headers)
    headers["x-amzn-requestid"] = new_id()
    headers["content-length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return _STATUS_LINES[status] + lines.encode("latin-1") + b"\r\n" + body


@lru_cache(_CALLERS)
def _caller_of(credential: bytes) -> tuple[str, str] | None:
    """Return access key and Region of who signed."""
    found = _CREDENTIAL.search(credential)
    return None if found is None else (found[1].decode(), found[2].decode())
