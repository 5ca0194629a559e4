"""The gateway of one stage as an ASGI application: a request's way from top to bottom."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.standins.emulator import Emulator
from local.standins.gateway.access_log import AccessLogs
from local.standins.gateway.authorizer import Authorizers
from local.standins.gateway.call import Call, GatewayError, GatewayReply, Parameters
from local.standins.gateway.definition import Api
from local.standins.gateway.integrations import Integrations
from local.standins.gateway.permissions import Permissions
from local.standins.gateway.responses import gateway_reply
from local.standins.gateway.routing import Route, Router
from local.standins.gateway.throttling import Throttling
from local.standins.gateway.validation import RequestValidators
from local.standins.reporting import Report

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
LARGEST_PAYLOAD_BYTES: Final = 10 * 1024 * 1024


class GatewayApplication:
    """Serves one stage."""

    def __init__(self, api: Api, *, emulator: Emulator, permissions: Permissions, report: Report) -> None:
        self._api = api
        self._router = Router(api.operations)
        self._throttling = Throttling(api.operations)
        self._validators = RequestValidators(api.operations)
        self._authorizers = Authorizers(emulator, permissions, report)
        self._integrations = Integrations(emulator, permissions, report)
        self._report = report
        self.access_logs = AccessLogs(api, emulator, report)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"API Gateway REST APIs serve HTTP, not {scope['type']}")
        request = Request(scope, receive)
        try:
            call, too_large = await self._read(request)
        except ClientDisconnect:
            return
        try:
            if too_large:
                raise GatewayError("REQUEST_TOO_LARGE", f"HTTP content length exceeded {LARGEST_PAYLOAD_BYTES} bytes.")
            reply = await self._handle(call)
        except GatewayError as error:
            call.error = error
            reply = gateway_reply(call, error, self._api.gateway_responses)
        except Exception as error:  # noqa: BLE001 - a client gets an answer, the supervisor the reason
            self._report.failure(f"gateway {call.method} {call.path}", [repr(error)])
            call.error = GatewayError("API_CONFIGURATION_ERROR")
            reply = gateway_reply(call, call.error, self._api.gateway_responses)
        self.access_logs.write(call, reply)
        await _response(call, reply)(scope, receive, send)

    async def _handle(self, call: Call) -> GatewayReply:
        found = self._route(call)
        if found is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
        path, route = found
        call.path = unquote(path)
        call.operation = operation = route.operation
        call.path_parameters = route.path_parameters
        if not self._throttling.admits(operation):
            raise GatewayError("THROTTLED")
        if operation.authorizer is not None:
            call.principal = await self._authorizers.authorize(call, operation.authorizer)
        self._validators.check(call, operation)
        return await self._integrations.reply(call, operation.integration)

    def _route(self, call: Call) -> tuple[str, Route] | None:
        for path in _below_base_paths(call.path, self._api.base_paths):
            if route := self._router.find(call.method, path):
                return path, route
        return None

    async def _read(self, request: Request) -> tuple[Call, bool]:
        body = bytearray()
        too_large = False
        async for chunk in request.stream():
            # The rest is read and dropped, so that the client sees the answer and not a broken connection.
            too_large = too_large or len(body) + len(chunk) > LARGEST_PAYLOAD_BYTES
            if not too_large:
                body += chunk
        stage_path: str = request.scope["raw_path"].decode("ascii", errors="replace")
        call = Call(
            api=self._api,
            method=request.method,
            path=stage_path,
            stage_path=unquote(stage_path),
            headers=Parameters(
                [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
                + _forwarded(request),
                fold=True,
            ),
            query=Parameters(
                parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True), fold=False
            ),
            body=bytes(body),
            source_ip=request.client.host if request.client else "127.0.0.1",
        )
        return call, too_large


def _forwarded(request: Request) -> list[tuple[str, str]]:
    """What API Gateway adds for the back end to see."""
    source_ip = request.client.host if request.client else "127.0.0.1"
    added = [
        ("X-Forwarded-For", source_ip),
        ("X-Forwarded-Port", str(request.url.port or 80)),
        ("X-Forwarded-Proto", request.url.scheme),
    ]
    return [(name, value) for name, value in added if name.lower() not in request.headers]


def _below_base_paths(path: str, base_paths: tuple[str, ...]) -> list[str]:
    return [
        path[len(base) + 1 :] or "/" if base else path
        for base in base_paths
        if not base or path == f"/{base}" or path.startswith(f"/{base}/")
    ]


def _response(call: Call, reply: GatewayReply) -> Response:
    response = Response(content=reply.body, status_code=reply.status)
    headers = [
        *reply.headers,
        ("content-length", str(len(reply.body))),
        ("x-amzn-requestid", call.request_id),
        ("x-amz-apigw-id", call.extended_request_id),
    ]
    response.raw_headers = [(_header(name), _header(value)) for name, value in headers]
    return response


def _header(text: str) -> bytes:
    # A line break in a header's value would let a value start headers of its own.
    return text.replace("\r", " ").replace("\n", " ").encode("latin-1", errors="replace")
