"""What API Gateway keeps of a REST API after the import of its OpenAPI document: typed, checked and immutable.

Only what the laptop serves is here; `openapi.py` reads it from the document and refuses everything else by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

DEFAULT_INTEGRATION_TIMEOUT_SECONDS: Final = 29.0


class DefinitionError(Exception):
    """The declared API can not be served as AWS would serve it."""


class IntegrationType(StrEnum):
    """The kinds of integration that the stand-in serves."""

    LAMBDA_PROXY = "aws_proxy"
    AWS = "aws"
    MOCK = "mock"


class Passthrough(StrEnum):
    """What happens to a request body without a template for its content type."""

    WHEN_NO_MATCH = "when_no_match"
    WHEN_NO_TEMPLATES = "when_no_templates"
    NEVER = "never"


class AuthorizerType(StrEnum):
    """What a Lambda authorizer is given: one header's token, or the whole request."""

    TOKEN = "token"  # noqa: S105 - the name that the OpenAPI extension uses
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class ParameterSource:
    """One place in a request: `header`, `querystring` or `path`, and the name there."""

    location: str
    name: str


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A Lambda authorizer as its security scheme declares it."""

    name: str
    kind: AuthorizerType
    function_arn: str
    identity_sources: tuple[ParameterSource, ...]
    validation_expression: str | None
    result_ttl_seconds: int


@dataclass(frozen=True, slots=True)
class IntegrationResponse:
    """How one answer of the back end becomes the client's answer."""

    selection_pattern: str | None
    status: int
    templates: Mapping[str, str] = field(default_factory=dict[str, str])
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Integration:
    """The back end of one operation."""

    kind: IntegrationType
    uri: str
    http_method: str
    timeout_seconds: float
    passthrough: Passthrough
    request_templates: Mapping[str, str]
    request_parameters: Mapping[str, str]
    responses: tuple[IntegrationResponse, ...]


@dataclass(frozen=True, slots=True)
class RequestValidation:
    """What a request validator checks; an empty one checks nothing."""

    required_parameters: tuple[ParameterSource, ...] = ()
    body_required: bool = False
    body_schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])


@dataclass(frozen=True, slots=True)
class Throttle:
    """A token bucket: `rate` tokens a second, at most `burst` of them."""

    rate: float
    burst: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one resource."""

    resource: str
    method: str
    integration: Integration
    authorizer: Authorizer | None
    validation: RequestValidation
    throttle: Throttle | None


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """What a client receives when the gateway itself answers."""

    status: int | None
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    templates: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Where a line for each request goes, and its format."""

    log_group: str
    format: str


@dataclass(frozen=True, slots=True)
class Api:
    """One deployed stage of one REST API in one Region."""

    api_id: str
    name: str
    region: str
    account: str
    stage: str
    operations: tuple[Operation, ...]
    gateway_responses: Mapping[str, GatewayResponse]
    binary_media_types: tuple[str, ...] = ()
    stage_variables: Mapping[str, str] = field(default_factory=dict[str, str])
    access_log: AccessLog | None = None
    base_paths: tuple[str, ...] = ("",)

    def method_arn(self, method: str, path: str) -> str:
        """The ARN of a method of the stage, with a request's path or with a resource's."""
        return (
            f"arn:aws:execute-api:{self.region}:{self.account}:{self.api_id}"
            f"/{self.stage}/{method}/{path.removeprefix('/')}"
        )

    def authorizer_arn(self, name: str) -> str:
        """The source ARN of an authorizer's invocation, which permissions name."""
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.api_id}/authorizers/{name}"
