"""Parameter mappings (`integration.request.…`, `method.response.…`, `gatewayresponse.header.…`).

https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from local.standins.gateway import jsonpath
from local.standins.gateway.call import Call
from local.standins.gateway.definition import ParameterSource

_METHOD_REQUEST: Final = re.compile(r"method\.request\.(?P<location>header|querystring|path)\.(?P<name>.+)")


class MappingError(Exception):
    """A mapping expression that API Gateway does not know."""


def evaluate(
    expression: str,
    call: Call,
    *,
    response_headers: Mapping[str, str] | None = None,
    response_body: bytes = b"",
) -> str | None:
    """The value of one mapping expression, or None where its source has none."""
    if expression.startswith("'") and expression.endswith("'"):
        return expression[1:-1]
    if match := _METHOD_REQUEST.fullmatch(expression):
        return call.parameter(ParameterSource(match["location"], match["name"]))
    root, _, rest = expression.partition(".")
    if root == "context":
        return context_value(call.request_context(), rest)
    if root == "stageVariables":
        return call.api.stage_variables.get(rest)
    if expression.startswith("integration.response.header.") and response_headers is not None:
        return response_headers.get(expression.removeprefix("integration.response.header.").lower())
    if expression.startswith("integration.response.body") and response_headers is not None:
        return _from_body(response_body, "$" + expression.removeprefix("integration.response.body"))
    raise MappingError(f"{expression!r} is no mapping expression that API Gateway knows")


def context_value(context: Mapping[str, Any], path: str) -> str | None:
    """A variable of `$context` as text."""
    value: Any = context
    for name in path.split("."):
        value = cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else None
    return None if value is None else _text(value)


def _from_body(body: bytes, expression: str) -> str | None:
    if expression == "$":
        return body.decode("utf-8", errors="replace")
    try:
        found = jsonpath.find(json.loads(body), expression)
    except ValueError:
        return None
    return _text(found[0]) if found else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
