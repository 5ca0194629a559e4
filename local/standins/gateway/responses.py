"""Gateway responses: what a client gets when the gateway itself answers.

Types, default statuses and texts: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
Their templates know variables only, no Velocity.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from local.standins.gateway import mapping
from local.standins.gateway.call import Call, GatewayError, GatewayReply
from local.standins.gateway.definition import GatewayResponse

# response type -> default status, error type in the header x-amzn-ErrorType, default text
_DEFAULTS: Final[Mapping[str, tuple[int, str, str | None]]] = {
    "ACCESS_DENIED": (403, "AccessDeniedException", "User is not authorized to access this resource"),
    "API_CONFIGURATION_ERROR": (500, "InternalServerErrorException", "Internal server error"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "AuthorizerConfigurationException", None),
    "AUTHORIZER_FAILURE": (500, "AuthorizerConfigurationException", None),
    "BAD_REQUEST_BODY": (400, "BadRequestException", "Invalid request body"),
    "BAD_REQUEST_PARAMETERS": (400, "BadRequestException", "Missing required request parameters"),
    "INTEGRATION_FAILURE": (504, "InternalServerErrorException", "Network error communicating with endpoint"),
    "INTEGRATION_TIMEOUT": (504, "InternalServerErrorException", "Endpoint request timed out"),
    "MALFORMED_PROXY_RESPONSE": (502, "InternalServerErrorException", "Internal server error"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    "REQUEST_TOO_LARGE": (413, "RequestTooLargeException", "Request Too Long"),
    "THROTTLED": (429, "TooManyRequestsException", "Too Many Requests"),
    "UNAUTHORIZED": (401, "UnauthorizedException", "Unauthorized"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "UnsupportedMediaTypeException", "Unsupported Media Type"),
}
# AWS has no type of its own for a function that fails or answers in a wrong form: DEFAULT_5XX with status 502.
_UNTYPED: Final = frozenset({"MALFORMED_PROXY_RESPONSE"})
_DEFAULT_TEMPLATES: Final = {"application/json": '{"message":$context.error.messageString}'}
_VARIABLE: Final = re.compile(r"\$(?P<root>context|stageVariables|method\.request)\.(?P<path>[\w-]+(?:\.[\w-]+)*)")


def gateway_reply(call: Call, error: GatewayError, declared: Mapping[str, GatewayResponse]) -> GatewayReply:
    """The reply to `error`, customised by its type, else by DEFAULT_4XX or DEFAULT_5XX."""
    status, error_type, _ = _DEFAULTS[error.response_type]
    fallback = declared.get("DEFAULT_4XX" if status < 500 else "DEFAULT_5XX", GatewayResponse(status=None))
    own = None if error.response_type in _UNTYPED else declared.get(error.response_type)
    response = own or fallback
    message = message_of(error)
    context: dict[str, Any] = {
        **call.request_context(),
        "error": {
            "message": message or "",
            "messageString": json.dumps(message),
            "responseType": "DEFAULT_5XX" if error.response_type in _UNTYPED else error.response_type,
            # Inside of the quotes that a template puts around it.
            "validationErrorString": json.dumps(error.validation_error)[1:-1],
        },
    }
    content_type, template = negotiate(call, response.templates or _DEFAULT_TEMPLATES)
    body = _substitute(template, call, context)
    headers = {"content-type": content_type, "x-amzn-errortype": error_type}
    for target, expression in response.parameters.items():
        value = mapping.evaluate(expression, call)
        if value is not None:
            headers[target.removeprefix("gatewayresponse.header.").lower()] = value
    return GatewayReply(response.status or status, list(headers.items()), body.encode("utf-8", errors="replace"))


def message_of(error: GatewayError) -> str | None:
    """The error's own text, else that of its type."""
    return error.message if error.message is not None else _DEFAULTS[error.response_type][2]


def negotiate(call: Call, templates: Mapping[str, str]) -> tuple[str, str]:
    """The template for the first media type that the client accepts, else for JSON, else the first one."""
    accepted = (call.headers.last("Accept") or "").partition(",")[0].partition(";")[0].strip()
    for content_type in (accepted, "application/json"):
        if content_type in templates:
            return content_type, templates[content_type]
    return next(iter(templates.items()))


def _substitute(template: str, call: Call, context: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        if match["root"] == "context":
            found = mapping.context_value(context, match["path"])
        else:
            found = mapping.evaluate(f"{match['root']}.{match['path']}", call)
        return found or ""

    return _VARIABLE.sub(value, template)
