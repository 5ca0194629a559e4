"""Reads an OpenAPI 3.0 document with Amazon's extensions as API Gateway imports it.

What the stand-in can not serve is a `DefinitionError` at start, never a silent difference at the first request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

from local.standins.gateway.definition import (
    DEFAULT_INTEGRATION_TIMEOUT_SECONDS,
    Authorizer,
    AuthorizerType,
    DefinitionError,
    GatewayResponse,
    Integration,
    IntegrationResponse,
    IntegrationType,
    Operation,
    ParameterSource,
    Passthrough,
    RequestValidation,
    Throttle,
)

JsonObject: TypeAlias = Mapping[str, Any]
Throttles: TypeAlias = Callable[[str, str], Throttle | None]

EXTENSION: Final = "x-amazon-apigateway-"
METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", f"{EXTENSION}any-method")
LOCATIONS: Final = {"header": "header", "query": "querystring", "path": "path"}
DEFAULT_RESULT_TTL_SECONDS: Final = 300

# Extensions of the document's root that change nothing a client of the laptop could see, or that are read below.
KNOWN_ROOT_EXTENSIONS: Final = frozenset(
    EXTENSION + name
    for name in (
        "binary-media-types",
        "documentation",
        "endpoint-configuration",
        "gateway-responses",
        "importexport-version",
        "request-validator",
        "request-validators",
    )
)

_INVOCATION: Final = re.compile(
    r"arn:[\w-]+:apigateway:[\w-]+:lambda:path/2015-03-31/functions/(?P<function>arn:.+)/invocations"
)
_IDENTITY: Final = re.compile(r"method\.request\.(?P<location>header|querystring|path)\.(?P<name>.+)")


def read_operations(document: JsonObject, *, throttles: Throttles) -> tuple[Operation, ...]:
    """Every method of every path; `throttles` answers the stage's settings for (resource, method)."""
    for key in document:
        if key.startswith(EXTENSION) and key not in KNOWN_ROOT_EXTENSIONS:
            raise DefinitionError(f"the OpenAPI document has {key}, which the laptop's gateway does not serve")
    authorizers = {
        name: authorizer
        for name, scheme in _object(document, "components", "securitySchemes").items()
        if (authorizer := _read_authorizer(name, scheme)) is not None
    }
    return tuple(
        _read_operation(document, resource, method, operation, authorizers=authorizers, throttles=throttles)
        for resource, method, operation in _methods(document)
    )


def read_gateway_responses(document: JsonObject) -> Mapping[str, GatewayResponse]:
    """The customised gateway responses by response type."""
    return {
        kind: GatewayResponse(
            status=int(declared["statusCode"]) if "statusCode" in declared else None,
            parameters=declared.get("responseParameters", {}),
            templates=declared.get("responseTemplates", {}),
        )
        for kind, declared in _object(document, f"{EXTENSION}gateway-responses").items()
    }


def function_of(uri: str) -> str:
    """The function's ARN (with its alias) in the URI of a Lambda integration or authorizer."""
    match = _INVOCATION.fullmatch(uri)
    if match is None:
        raise DefinitionError(
            f"{uri!r} is no Lambda invocation URI: "
            "expected arn:<partition>:apigateway:<Region>:lambda:path/2015-03-31/functions/<ARN>/invocations"
        )
    return match["function"]


def _object(document: JsonObject, *keys: str) -> JsonObject:
    value: Any = document
    for key in keys:
        value = value.get(key) or {}
    return cast("JsonObject", value)


def _methods(document: JsonObject) -> Iterator[tuple[str, str, JsonObject]]:
    for resource, item in _object(document, "paths").items():
        for method in METHODS:
            if method in item:
                operation = {
                    **item[method],
                    "parameters": [*item.get("parameters", ()), *item[method].get("parameters", ())],
                }
                yield resource, "ANY" if method.startswith(EXTENSION) else method.upper(), operation


def _read_operation(
    document: JsonObject,
    resource: str,
    method: str,
    operation: JsonObject,
    *,
    authorizers: Mapping[str, Authorizer],
    throttles: Throttles,
) -> Operation:
    where = f"{method} {resource}"
    if f"{EXTENSION}integration" not in operation:
        raise DefinitionError(f"{where}: no {EXTENSION}integration; API Gateway refuses to deploy such a method")
    return Operation(
        resource=resource,
        method=method,
        integration=_read_integration(where, operation),
        authorizer=_authorizer_of(where, document, operation, authorizers),
        validation=_read_validation(where, document, operation),
        throttle=throttles(resource, method),
    )


def _read_integration(where: str, operation: JsonObject) -> Integration:
    declared: JsonObject = operation[f"{EXTENSION}integration"]
    try:
        kind = IntegrationType(str(declared["type"]).lower())
    except ValueError as error:
        raise DefinitionError(
            f"{where}: integration type {declared['type']!r}; the laptop serves {', '.join(IntegrationType)}"
        ) from error
    uri = str(declared.get("uri", ""))
    if kind is IntegrationType.LAMBDA_PROXY:
        function_of(uri)
    if kind is IntegrationType.AWS and ":lambda:path/" in uri:
        raise DefinitionError(f"{where}: a Lambda function behind an integration of type aws; use aws_proxy")
    return Integration(
        kind=kind,
        uri=uri,
        http_method=str(declared.get("httpMethod", "POST")),
        timeout_seconds=declared.get("timeoutInMillis", DEFAULT_INTEGRATION_TIMEOUT_SECONDS * 1000) / 1000,
        passthrough=Passthrough(str(declared.get("passthroughBehavior", Passthrough.WHEN_NO_MATCH)).lower()),
        request_templates=declared.get("requestTemplates", {}),
        request_parameters=declared.get("requestParameters", {}),
        responses=tuple(
            _read_response(where, operation, pattern, response)
            for pattern, response in declared.get("responses", {}).items()
        ),
    )


def _read_response(where: str, operation: JsonObject, pattern: str, declared: JsonObject) -> IntegrationResponse:
    status = str(declared["statusCode"])
    methods_response = _object(operation, "responses").get(status)
    if methods_response is None:
        raise DefinitionError(
            f"{where}: the integration answers {status}, which the operation's responses do not declare"
        )
    for target in declared.get("responseParameters", {}):
        # API Gateway refuses the import of a mapping to a header that the method's response does not declare.
        header = target.removeprefix("method.response.header.")
        if header not in methods_response.get("headers", {}):
            raise DefinitionError(f"{where}: {target} is mapped, but response {status} declares no header {header}")
    return IntegrationResponse(
        selection_pattern=None if pattern == "default" else pattern,
        status=int(status),
        templates=declared.get("responseTemplates", {}),
        parameters=declared.get("responseParameters", {}),
    )


def _read_authorizer(name: str, scheme: JsonObject) -> Authorizer | None:
    declared = scheme.get(f"{EXTENSION}authorizer")
    if declared is None:
        return None
    try:
        kind = AuthorizerType(str(declared["type"]).lower())
    except ValueError as error:
        raise DefinitionError(
            f"security scheme {name}: authorizer type {declared['type']!r}; "
            f"the laptop serves {', '.join(AuthorizerType)}"
        ) from error
    default = f"method.request.header.{scheme['name']}" if kind is AuthorizerType.TOKEN else ""
    return Authorizer(
        name=name,
        kind=kind,
        function_arn=function_of(str(declared["authorizerUri"])),
        identity_sources=tuple(
            _identity_source(name, source.strip())
            for source in str(declared.get("identitySource", default)).split(",")
            if source.strip()
        ),
        validation_expression=declared.get("identityValidationExpression"),
        result_ttl_seconds=int(declared.get("authorizerResultTtlInSeconds", DEFAULT_RESULT_TTL_SECONDS)),
    )


def _identity_source(scheme: str, source: str) -> ParameterSource:
    match = _IDENTITY.fullmatch(source)
    if match is None:
        raise DefinitionError(
            f"security scheme {scheme}: identity source {source!r}; "
            "the laptop reads method.request.header.*, method.request.querystring.* and method.request.path.*"
        )
    return ParameterSource(match["location"], match["name"])


def _authorizer_of(
    where: str, document: JsonObject, operation: JsonObject, authorizers: Mapping[str, Authorizer]
) -> Authorizer | None:
    requirements = operation.get("security", document.get("security", []))
    if not requirements:
        return None
    names = [name for requirement in requirements for name in requirement]
    if len(names) != 1:
        raise DefinitionError(f"{where}: security {names}; API Gateway takes exactly one scheme a method")
    try:
        return authorizers[names[0]]
    except KeyError as error:
        raise DefinitionError(f"{where}: security scheme {names[0]!r} declares no Lambda authorizer") from error


def _read_validation(where: str, document: JsonObject, operation: JsonObject) -> RequestValidation:
    name = operation.get(f"{EXTENSION}request-validator", document.get(f"{EXTENSION}request-validator"))
    if name is None:
        return RequestValidation()
    try:
        validator = _object(document, f"{EXTENSION}request-validators")[name]
    except KeyError as error:
        raise DefinitionError(f"{where}: request validator {name!r} is not declared") from error
    parameters = tuple(
        ParameterSource(LOCATIONS[parameter["in"]], parameter["name"])
        for declared in operation["parameters"]
        if (parameter := _resolve(where, document, declared))["in"] in LOCATIONS and parameter.get("required", False)
    )
    body = _resolve(where, document, operation.get("requestBody", {}))
    schemas = {
        content_type: {"allOf": [media["schema"]], "components": document.get("components", {})}
        for content_type, media in body.get("content", {}).items()
        if "schema" in media
    }
    return RequestValidation(
        required_parameters=parameters if validator.get("validateRequestParameters", False) else (),
        body_required=bool(validator.get("validateRequestBody", False) and body.get("required", False)),
        body_schemas=schemas if validator.get("validateRequestBody", False) else {},
    )


def _resolve(where: str, document: JsonObject, declared: JsonObject) -> JsonObject:
    reference = declared.get("$ref")
    if reference is None:
        return declared
    if not str(reference).startswith("#/"):
        raise DefinitionError(f"{where}: {reference!r} leaves the document; API Gateway resolves local references only")
    return _object(document, *str(reference).removeprefix("#/").split("/"))
