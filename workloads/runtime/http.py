"""The HTTP rim of a function behind API Gateway: proxy event in, proxy answer out (payload format 1.0)."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from workloads.runtime.logging import logger
from workloads.runtime.principal import Principal, expiry_in, from_context
from workloads.runtime.problems import MEDIA_TYPE, Problem, ProblemError

MAXIMUM_BODY: Final = 16 * 1024
"""Bytes. The largest valid request is under 4 KiB; API Gateway's own limit is 10 MB."""

_JSON: Final = "application/json"

T = TypeVar("T")

_log: Final = logger("http")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler needs of a proxy event."""

    operation: str
    """Method and resource of the OpenAPI document, as in `POST /v1/orders`."""
    path: str
    path_parameters: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    request_id: str
    authorizer: Mapping[str, Any]
    query: Mapping[str, str] = {}

    @property
    def principal(self) -> Principal:
        """Return who calls; raises KeyError where the operation has no authorizer."""
        return from_context(dict(self.authorizer))


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler answers; the body is encoded as JSON."""

    status: int
    body: object
    headers: Mapping[str, str] = {}


Handler = Callable[[Request], Response]


def serve(
    routes: Mapping[str, Handler],
    event: Mapping[str, Any],
    *,
    problem_base: str,
    service: str,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Route a proxy event to its handler and return the proxy answer; what a handler raises becomes a problem."""
    request = _read(event)
    try:
        _refuse_expired(request, now())
        _refuse_oversized(request.body)
        _refuse_other_media(request)
        route = routes.get(request.operation)
        if route is None:
            raise ProblemError(
                Problem(type="not-found", title="Not found", status=404, detail=f"no operation {request.operation}")
            )
        response = route(request)
    except ProblemError as error:
        return _answer_problem(error.problem, request, problem_base)
    except Exception:  # noqa: BLE001 - the rim: whatever went wrong must become an answer, and a log line for us
        _log.exception("request failed", extra={"request_id": request.request_id, "operation": request.operation})
        failed = Problem(
            type="internal",
            title="The request could not be carried out",
            status=500,
            detail=f"{service} failed; a retry with the same Idempotency-Key is safe. Request {request.request_id}",
        )
        return _answer_problem(failed, request, problem_base)
    headers = {"Content-Type": _JSON, "Cache-Control": "no-store", **response.headers}
    return {
        "statusCode": response.status,
        "headers": headers,
        "body": msgspec.json.encode(response.body).decode(),
        "isBase64Encoded": False,
    }


def parse(body: bytes, expected: type[T]) -> T:
    """Decode and validate a JSON body; raises ProblemError with 400 that says where it does not fit."""
    try:
        return msgspec.json.decode(body, type=expected)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ProblemError(
            Problem(type="invalid-body", title="The body does not fit", status=400, detail=str(error))
        ) from error


def _read(event: Mapping[str, Any]) -> Request:
    context: Mapping[str, Any] = event["requestContext"]
    headers: Mapping[str, str] = event.get("headers") or {}
    return Request(
        operation=f"{event['httpMethod']} {event['resource']}",
        path=event["path"],
        path_parameters=event.get("pathParameters") or {},
        headers={name.lower(): value for name, value in headers.items()},
        body=_body(event),
        request_id=context["requestId"],
        authorizer=context.get("authorizer") or {},
        query=event.get("queryStringParameters") or {},
    )


def _body(event: Mapping[str, Any]) -> bytes:
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        # What is no text becomes invalid UTF-8, which the decoder of the body refuses.
        return body.encode(errors="surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""


def _refuse_expired(request: Request, now: float) -> None:
    """Refuse a token that has expired since the authorizer saw it: the gateway remembers its answer for minutes.

    No WWW-Authenticate goes with it: API Gateway renames that header of a function's answer.
    """
    expires_at = expiry_in(request.authorizer)
    if expires_at is not None and expires_at <= now:
        raise ProblemError(
            Problem(
                type="unauthorized",
                title="No accepted access token",
                status=401,
                detail="The access token has expired: send an unexpired one as Authorization: Bearer <token>.",
            )
        )


def _refuse_oversized(body: bytes) -> None:
    if len(body) > MAXIMUM_BODY:
        raise ProblemError(
            Problem(
                type="body-too-large",
                title="The body is too large",
                status=413,
                detail=f"the body has {len(body)} bytes; at most {MAXIMUM_BODY} are read",
            )
        )


def _refuse_other_media(request: Request) -> None:
    """Refuse a body that says it is no JSON: API Gateway hands it on unread, as no model of ours is for its type.

    A body without a type is read as JSON, which is also what API Gateway takes it for.
    """
    given = request.headers.get("content-type", _JSON)
    if request.body and given.partition(";")[0].strip().lower() != _JSON:
        raise ProblemError(
            Problem(
                type="unsupported-media-type",
                title="Unsupported media type",
                status=415,
                detail=f"the body is sent as {given!r}: send it as {_JSON}",
            )
        )


def _answer_problem(problem: Problem, request: Request, base: str) -> dict[str, Any]:
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return {
        "statusCode": problem.status,
        "headers": headers,
        "body": problem.document(base, request.path).decode(),
        "isBase64Encoded": False,
    }
