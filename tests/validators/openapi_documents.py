"""Checks the entry API's document: by openapi-spec-validator, and by the rules of API Gateway's import.

API Gateway refuses or silently drops what OpenAPI allows: models are JSON Schema draft 4, names are letters and digits,
an operation without an integration makes a deployment fail.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import jsonschema
from openapi_spec_validator import OpenAPIV30SpecValidator

from local.recording import RecordedResource

API: Final = "aws:apigateway/restApi:RestApi"
_INTEGRATION: Final = "x-amazon-apigateway-integration"
_METHODS: Final = frozenset(
    {"get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"}
)
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
_UNSUPPORTED_IN_MODELS: Final = (
    "discriminator",
    "nullable",
    "readOnly",
    "writeOnly",
    "xml",
    "externalDocs",
    "deprecated",
    "const",
)
_KINDS: Final = frozenset({"aws", "aws_proxy", "http", "http_proxy", "mock"})
_MAXIMUM_TIMEOUT_MILLISECONDS: Final = 29_000


def violations(resources: Iterable[RecordedResource]) -> list[str]:
    """Return what is wrong in any API's document."""
    return [
        f"{resource.urn} {problem}"
        for resource in resources
        if resource.type == API
        for problem in problems(json.loads(resource.inputs["body"]))
    ]


def problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a document."""
    for error in OpenAPIV30SpecValidator(cast("Any", document)).iter_errors():
        yield f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message}"
    if not re.fullmatch(r"3\.0\.\d", str(document.get("openapi"))):
        yield f"openapi: API Gateway imports version 3.0, not {document.get('openapi')}"
    components = document.get("components", {})
    yield from _models(components.get("schemas", {}))
    for path, methods in document["paths"].items():
        yield from _path(path, methods)
        for method, operation in methods.items():
            if method in _METHODS:
                for problem in _operation(document, path, operation):
                    yield f"{method.upper()} {path}: {problem}"


def _models(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        if not re.fullmatch(r"[A-Za-z0-9]+", name):
            yield f"{name}: a model's name is letters and digits only"
        try:
            jsonschema.Draft4Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            yield f"{name}: no schema of draft 4: {error.message}"
        for word in _words(schema):
            if word in _UNSUPPORTED_IN_MODELS:
                yield f"{name}: API Gateway's models do not know {word}"


def _words(schema: object) -> Iterator[str]:
    match schema:
        case Mapping():
            for key, value in cast("Mapping[str, object]", schema).items():
                yield key
                # Below `properties` stand names of the shop's own.
                yield from _words(list(cast("Mapping[str, object]", value).values()) if key == "properties" else value)
        case list():
            for item in cast("list[object]", schema):
                yield from _words(item)
        case _:
            return


def _path(path: str, methods: Mapping[str, Any]) -> Iterator[str]:
    for part in path.split("/")[1:]:
        if not re.fullmatch(r"[A-Za-z0-9._:-]*|\{[A-Za-z0-9._:-]+\+?\}", part):
            yield f"{path}: {part!r} is no part of a path to API Gateway: braces hold a whole part"
    for word in methods.keys() - _METHODS - {"parameters", "summary", "description"}:
        yield f"{path}: there is no method {word}"


def _operation(document: Mapping[str, Any], path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    declared = {(p["in"], p["name"]) for p in operation.get("parameters", [])}
    for name in re.findall(r"\{([^}+]+)\+?\}", path):
        if ("path", name) not in declared:
            yield f"parameter {name} of the path is not declared"
    schemes = document.get("components", {}).get("securitySchemes", {})
    for requirement in operation.get("security", []):
        for name in requirement.keys() - schemes.keys():
            yield f"there is no security scheme {name}"
    validator = operation.get("x-amazon-apigateway-request-validator")
    if validator is not None and validator not in document.get("x-amazon-apigateway-request-validators", {}):
        yield f"there is no request validator {validator}"
    integration = operation.get(_INTEGRATION)
    if integration is None:
        yield f"{_INTEGRATION} is missing: the deployment fails"
        return
    yield from _integration(integration, declared, operation)


def _integration(
    integration: Mapping[str, Any], declared: set[tuple[str, str]], operation: Mapping[str, Any]
) -> Iterator[str]:
    kind = str(integration.get("type", "")).lower()
    if kind not in _KINDS:
        yield f"integration type {integration.get('type')!r} is none of {', '.join(sorted(_KINDS))}"
    if kind != "mock":
        yield from _backend(integration, kind)
    if integration.get("timeoutInMillis", 50) not in range(50, _MAXIMUM_TIMEOUT_MILLISECONDS + 1):
        yield f"timeoutInMillis is {integration['timeoutInMillis']}: 50 to {_MAXIMUM_TIMEOUT_MILLISECONDS}"
    for source in integration.get("requestParameters", {}).values():
        place, _, name = source.removeprefix("method.request.").partition(".")
        known = {"header": "header", "path": "path", "querystring": "query"}
        if source.startswith("method.request.") and place in known and (known[place], name) not in declared:
            yield f"the integration maps {source}, which the operation does not declare"
    for pattern, answer in integration.get("responses", {}).items():
        if pattern != "default":
            try:
                re.compile(pattern)
            except re.error as error:
                yield f"{pattern!r} is no regular expression: {error}"
        if str(answer["statusCode"]) not in operation["responses"]:
            yield f"the integration answers {answer['statusCode']}, which the operation does not declare"


def _backend(integration: Mapping[str, Any], kind: str) -> Iterator[str]:
    uri = str(integration.get("uri", ""))
    if kind.startswith("aws") and not re.fullmatch(r"arn:aws:apigateway:[a-z0-9-]+:[a-z.0-9-]+:(path|action)/.+", uri):
        yield f"uri {uri!r} is no ARN of an integration"
    if "httpMethod" not in integration:
        yield "an integration with a backend needs httpMethod"
    elif ":lambda:path/" in uri and integration["httpMethod"] != "POST":
        yield f"functions are invoked by POST, not by {integration['httpMethod']}"
