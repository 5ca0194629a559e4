"""The event of a Lambda proxy integration, payload format 1.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
from typing import Any

from local.standins.gateway.call import Call


def request_fields(call: Call) -> dict[str, Any]:
    """What proxy integrations and REQUEST authorizers both receive; empty maps are null, as on AWS."""
    return {
        "resource": call.operation.resource if call.operation else None,
        "path": call.path,
        "httpMethod": call.method,
        "headers": call.headers.single() or None,
        "multiValueHeaders": call.headers.multiple() or None,
        "queryStringParameters": call.query.single() or None,
        "multiValueQueryStringParameters": call.query.multiple() or None,
        "pathParameters": dict(call.path_parameters) or None,
        "stageVariables": dict(call.api.stage_variables) or None,
        "requestContext": call.request_context(),
    }


def proxy_event(call: Call) -> dict[str, Any]:
    """The whole event; a body of a binary media type is base64."""
    event = request_fields(call)
    if not call.body:
        return {**event, "body": None, "isBase64Encoded": False}
    if is_binary(call.content_type, call.api.binary_media_types):
        return {**event, "body": base64.b64encode(call.body).decode(), "isBase64Encoded": True}
    return {**event, "body": call.body.decode("utf-8", errors="replace"), "isBase64Encoded": False}


def is_binary(media_type: str, binary_media_types: tuple[str, ...]) -> bool:
    """Whether the API treats this media type as binary."""
    main = media_type.partition("/")[0]
    return any(declared in {"*/*", media_type, f"{main}/*"} for declared in binary_media_types)
