"""The back ends of operations: Lambda proxy, a direct call of an AWS service, and the mock."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast
from urllib.parse import urlencode

from local.standins.emulator import Emulator, EmulatorTimeoutError, EmulatorUnreachableError
from local.standins.gateway import mapping
from local.standins.gateway.call import Call, GatewayError, GatewayReply
from local.standins.gateway.definition import Integration, IntegrationResponse, IntegrationType, Passthrough
from local.standins.gateway.openapi import function_of
from local.standins.gateway.permissions import Permissions
from local.standins.gateway.proxy_event import is_binary, proxy_event
from local.standins.gateway.responses import negotiate
from local.standins.gateway.templates import Rendered, TemplateFailedError, render
from local.standins.http_client import HttpResponse
from local.standins.reporting import Report

PROXY_RESPONSE_KEYS: Final = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
# API Gateway keeps these for itself and renames what an integration answers under them.
REMAPPED_HEADERS: Final = frozenset(
    {"authorization", "connection", "content-length", "date", "server", "transfer-encoding", "www-authenticate"}
)
_SERVICE_URI: Final = re.compile(
    r"arn:[\w-]+:apigateway:(?P<region>[\w-]+):(?P<service>[\w.-]+):(?:action/(?P<action>\w+)|path/(?P<path>.*))"
)

Handler: TypeAlias = Callable[[Call, Integration], Awaitable[GatewayReply]]


class Integrations:
    """Calls the back end of an operation and makes the client's reply of its answer."""

    def __init__(self, emulator: Emulator, permissions: Permissions, report: Report) -> None:
        self._emulator = emulator
        self._permissions = permissions
        self._report = report
        self._handlers: Mapping[IntegrationType, Handler] = {
            IntegrationType.LAMBDA_PROXY: self._lambda_proxy,
            IntegrationType.AWS: self._service,
            IntegrationType.MOCK: self._mock,
        }

    async def reply(self, call: Call, integration: Integration) -> GatewayReply:
        """The reply of the back end; raises what the gateway answers itself."""
        started = time.perf_counter()
        try:
            return await self._handlers[integration.kind](call, integration)
        except EmulatorTimeoutError as error:
            raise GatewayError("INTEGRATION_TIMEOUT") from error
        except EmulatorUnreachableError as error:
            raise GatewayError("INTEGRATION_FAILURE") from error
        except (TemplateFailedError, mapping.MappingError) as error:
            self._report.failure(f"gateway {call.method} {call.path}", [str(error)])
            raise GatewayError("API_CONFIGURATION_ERROR") from error
        finally:
            call.integration_latency_ms = int((time.perf_counter() - started) * 1000)

    async def _lambda_proxy(self, call: Call, integration: Integration) -> GatewayReply:
        function_arn = function_of(integration.uri)
        # The source of an invocation is the method's resource, its parameters in braces, not the request's path.
        resource = call.operation.resource if call.operation else ""
        self._permissions.check(function_arn, call.api.method_arn(call.method, resource))
        response = await self._emulator.invoke(
            region=call.api.region,
            function_arn=function_arn,
            payload=json.dumps(proxy_event(call)).encode(),
            timeout_seconds=integration.timeout_seconds,
        )
        call.integration_status = response.status
        # Invocations that Lambda refuses are 500, functions that fail or answer in a wrong form are 502:
        # https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
        if response.status != 200:
            self._report.failure(function_arn, [response.body.decode(errors="replace")])
            raise GatewayError("API_CONFIGURATION_ERROR")
        if "x-amz-function-error" in response.headers:
            self._report.failure(function_arn, [response.body.decode(errors="replace")])
            raise GatewayError("MALFORMED_PROXY_RESPONSE")
        try:
            return _proxy_reply(call, json.loads(response.body))
        except ValueError as error:
            self._report.failure(function_arn, [f"malformed proxy response: {error}"])
            raise GatewayError("MALFORMED_PROXY_RESPONSE") from error

    async def _service(self, call: Call, integration: Integration) -> GatewayReply:
        match = _SERVICE_URI.fullmatch(integration.uri)
        if match is None:
            self._report.failure("gateway", [f"{integration.uri!r} is no URI of an AWS service action"])
            raise GatewayError("API_CONFIGURATION_ERROR")
        rendered = _request_body(call, integration)
        headers, query = _request_parameters(call, integration)
        headers |= rendered.override_headers
        headers.setdefault("Content-Type", call.content_type)
        if match["action"]:
            query["Action"] = match["action"]
        response = await self._emulator.send(
            region=match["region"],
            service=match["service"],
            method=integration.http_method,
            path="/" + (match["path"] or "") + (f"?{urlencode(query)}" if query else ""),
            headers=headers,
            body=rendered.text.encode("utf-8", errors="replace"),
            timeout_seconds=integration.timeout_seconds,
        )
        call.integration_status = response.status
        return _mapped_reply(call, integration, response, selected_by=str(response.status))

    async def _mock(self, call: Call, integration: Integration) -> GatewayReply:
        try:
            status = str(json.loads(_request_body(call, integration).text)["statusCode"])
        except (ValueError, KeyError, TypeError) as error:
            # A mock without a statusCode in its rendered template is a 500 on AWS too.
            raise GatewayError("API_CONFIGURATION_ERROR") from error
        return _mapped_reply(call, integration, HttpResponse(int(status), {}, b""), selected_by=status)


@dataclass(frozen=True, slots=True)
class _ProxyAnswer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def _proxy_reply(call: Call, answer: object) -> GatewayReply:
    if not isinstance(answer, Mapping):
        raise ValueError(f"a proxy integration answers an object, not {type(answer).__name__}")
    fields = cast("Mapping[str, Any]", answer)
    if unknown := sorted(set(fields) - PROXY_RESPONSE_KEYS):
        raise ValueError(f"{', '.join(unknown)} is not a key of a proxy response")
    body = fields.get("body") or ""
    if not isinstance(body, str):
        raise ValueError(f"body must be text, not {type(body).__name__}")
    status = int(fields.get("statusCode") or 200)
    if not 100 <= status <= 599:
        raise ValueError(f"statusCode {status} is no HTTP status")
    headers: dict[str, list[str]] = {}
    for name, value in _object(fields, "headers").items():
        headers[name.lower()] = [_header_value(name, value)]
    for name, values in _object(fields, "multiValueHeaders").items():
        headers[name.lower()] = [_header_value(name, value) for value in values]
    headers.setdefault("content-type", ["application/json"])
    accepted = (call.headers.last("Accept") or "").partition(",")[0].partition(";")[0].strip()
    if fields.get("isBase64Encoded") and is_binary(accepted, call.api.binary_media_types):
        payload = base64.b64decode(body, validate=True)
    else:
        payload = body.encode("utf-8", errors="replace")
    pairs = [(_remapped(name), value) for name, values in headers.items() for value in values]
    return GatewayReply(status, pairs, payload)


def _object(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = fields.get(key) or {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must be an object, not {type(value).__name__}")
    return cast("Mapping[str, Any]", value)


def _header_value(name: str, value: object) -> str:
    if isinstance(value, (dict, list)):
        raise ValueError(f"header {name} must be text")
    return value if isinstance(value, str) else json.dumps(value)


def _remapped(name: str) -> str:
    return f"x-amzn-remapped-{name}" if name in REMAPPED_HEADERS else name


def _request_body(call: Call, integration: Integration) -> Rendered:
    # Integration passthrough behaviors:
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html
    template = integration.request_templates.get(call.content_type)
    if template is not None:
        return render(template, call=call, body=call.body, override="requestOverride")
    passes = integration.passthrough is Passthrough.WHEN_NO_MATCH or (
        integration.passthrough is Passthrough.WHEN_NO_TEMPLATES and not integration.request_templates
    )
    if not passes:
        raise GatewayError("UNSUPPORTED_MEDIA_TYPE")
    return Rendered(text=call.body.decode("utf-8", errors="replace"), override_status=None, override_headers={})


def _request_parameters(call: Call, integration: Integration) -> tuple[dict[str, str], dict[str, str]]:
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    for target, expression in integration.request_parameters.items():
        value = mapping.evaluate(expression, call)
        _, _, place = target.partition("integration.request.")
        location, _, name = place.partition(".")
        if location not in {"header", "querystring"}:
            raise mapping.MappingError(f"{target} is not served by the laptop's gateway")
        if value is not None:
            (headers if location == "header" else query)[name] = value
    return headers, query


def _mapped_reply(call: Call, integration: Integration, response: HttpResponse, *, selected_by: str) -> GatewayReply:
    chosen = _select(integration.responses, selected_by)
    if chosen is None:
        # "No match for output mapping and no default endpoint response configured."
        raise GatewayError("API_CONFIGURATION_ERROR")
    headers = {"content-type": "application/json"}
    status, body = chosen.status, response.body
    overrides: Mapping[str, str] = {}
    if chosen.templates:
        headers["content-type"], template = negotiate(call, chosen.templates)
        rendered = render(template, call=call, body=response.body, override="responseOverride")
        body = rendered.text.encode("utf-8", errors="replace")
        status = rendered.override_status or status
        overrides = rendered.override_headers
    for target, expression in chosen.parameters.items():
        value = mapping.evaluate(expression, call, response_headers=response.headers, response_body=response.body)
        if value is not None:
            headers[target.removeprefix("method.response.header.").lower()] = value
    for name, value in overrides.items():
        headers[name.lower()] = value
    return GatewayReply(status, list(headers.items()), body)


def _select(responses: tuple[IntegrationResponse, ...], selected_by: str) -> IntegrationResponse | None:
    default: IntegrationResponse | None = None
    for response in responses:
        if response.selection_pattern is None:
            default = response
        elif re.fullmatch(response.selection_pattern, selected_by):
            return response
    return default
