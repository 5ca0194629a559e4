"""One request on its way through the gateway: what the client sent, and what became known of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.standins.gateway.definition import Api, Operation, ParameterSource


class GatewayError(Exception):
    """The gateway itself answers, by the gateway response of this type."""

    def __init__(self, response_type: str, message: str | None = None, *, validation_error: str = "") -> None:
        super().__init__(f"{response_type}: {message}")
        self.response_type = response_type
        self.message = message
        self.validation_error = validation_error


@dataclass(frozen=True, slots=True)
class GatewayReply:
    """What the client receives."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Parameters:
    """Names with one or more values each; names of headers are compared without their case."""

    def __init__(self, pairs: list[tuple[str, str]], *, fold: bool) -> None:
        self._fold = fold
        self._values: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower() if fold else name
            self._names.setdefault(key, name)
            self._values.setdefault(key, []).append(value)

    def last(self, name: str) -> str | None:
        """The value that a single-value view shows: the last one."""
        values = self._values.get(name.lower() if self._fold else name)
        return values[-1] if values else None

    def single(self) -> dict[str, str]:
        """Each name with its last value."""
        return {self._names[key]: values[-1] for key, values in self._values.items()}

    def multiple(self) -> dict[str, list[str]]:
        """Each name with all of its values."""
        return {self._names[key]: values for key, values in self._values.items()}


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom the authorizer named, with the context that integrations receive."""

    principal_id: str
    context: Mapping[str, str]
    latency_ms: int


@dataclass(slots=True)
class Call:
    """A request; `operation`, `principal` and the rest are filled in as they become known."""

    api: Api
    method: str
    path: str
    stage_path: str
    headers: Parameters
    query: Parameters
    body: bytes
    source_ip: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    extended_request_id: str = field(default_factory=lambda: uuid.uuid4().hex[:15] + "=")
    trace_id: str = field(default_factory=lambda: f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}")
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_at: float = field(default_factory=time.perf_counter)
    operation: Operation | None = None
    path_parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    principal: Principal | None = None
    integration_latency_ms: int | None = None
    integration_status: int | None = None
    error: GatewayError | None = None

    @property
    def content_type(self) -> str:
        """The media type without parameters; API Gateway takes application/json where the client names none."""
        declared = self.headers.last("Content-Type") or "application/json"
        return declared.partition(";")[0].strip().lower()

    @property
    def method_arn(self) -> str:
        """The ARN of this request, which an authorizer's policy names."""
        return self.api.method_arn(self.method, self.path)

    def parameter(self, source: ParameterSource) -> str | None:
        """The value at one place of the request."""
        match source.location:
            case "header":
                return self.headers.last(source.name)
            case "querystring":
                return self.query.last(source.name)
            case _:
                return self.path_parameters.get(source.name)

    def request_context(self) -> dict[str, Any]:
        """`requestContext` of a proxy event; also the base of `$context`."""
        resource = self.operation.resource if self.operation else None
        context: dict[str, Any] = {
            "resourceId": _resource_id(resource) if resource else None,
            "resourcePath": resource,
            "httpMethod": self.method,
            "extendedRequestId": self.extended_request_id,
            "requestTime": self.started.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "path": self.stage_path,
            "accountId": self.api.account,
            "protocol": "HTTP/1.1",
            "stage": self.api.stage,
            "domainPrefix": self.api.api_id,
            "requestTimeEpoch": int(self.started.timestamp() * 1000),
            "requestId": self.request_id,
            "xrayTraceId": self.trace_id,
            "identity": {
                "cognitoIdentityPoolId": None,
                "accountId": None,
                "cognitoIdentityId": None,
                "caller": None,
                "sourceIp": self.source_ip,
                "principalOrgId": None,
                "accessKey": None,
                "cognitoAuthenticationType": None,
                "cognitoAuthenticationProvider": None,
                "userArn": None,
                "userAgent": self.headers.last("User-Agent"),
                "user": None,
            },
            "domainName": self.headers.last("Host"),
            "deploymentId": "laptop",
            "apiId": self.api.api_id,
        }
        if self.principal is not None:
            context["authorizer"] = {
                **self.principal.context,
                "principalId": self.principal.principal_id,
                "integrationLatency": self.principal.latency_ms,
            }
        return context


def _resource_id(resource: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, resource).hex[:6]
