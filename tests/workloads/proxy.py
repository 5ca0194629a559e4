"""Proxy events as API Gateway sends them to a function, and what a function's answer says (payload format 1.0)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workloads.runtime.principal import Principal, PrincipalType, to_context

DEPOSITOR = Principal(type=PrincipalType.SYSTEM, client_id="payments", scopes=frozenset({"wallets.deposit"}))
CATALOGUE = Principal(type=PrincipalType.SYSTEM, client_id="catalogue", scopes=frozenset({"catalogue.write"}))
OPERATOR = Principal(type=PrincipalType.OPERATOR, client_id="shop", operator="anna")


NEVER = 9_999_999_999
"""Epoch seconds at which the tokens of these callers expire."""


def customer(customer_id: str) -> Principal:
    return Principal(type=PrincipalType.CUSTOMER, client_id="shop", customer_id=customer_id)


def proxy_event(
    operation: str,
    *,
    principal: Principal | None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    **path_parameters: str,
) -> dict[str, Any]:
    """Return the event of a call; a body that is no text is sent as JSON."""
    method, resource = operation.split(" ", 1)
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    path = resource
    for name, value in path_parameters.items():
        path = path.replace("{" + name + "}", value)
    return {
        "httpMethod": method,
        "resource": resource,
        "path": path,
        "pathParameters": path_parameters or None,
        "headers": dict(headers or {}),
        "queryStringParameters": dict(query) if query else None,
        "body": text,
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": "request-1",
            "authorizer": to_context(principal, NEVER) if principal else None,
        },
    }


class Answer:
    """A function's proxy answer."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.status: int = answer["statusCode"]
        self.headers: Mapping[str, str] = answer["headers"]
        self.body: Any = json.loads(answer["body"])

    @property
    def problem(self) -> str:
        """Return the kind of problem; fails where the answer is no problem document."""
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.body["status"] == self.status
        assert {"type", "title", "detail", "instance"} <= self.body.keys()
        return self.body["type"].removeprefix("https://shop.example/problems/")
