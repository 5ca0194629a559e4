"""Who may call the entry API, and what reaches a function."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.infrastructure.entry_api.requests import (
    CUSTOMER,
    ORDER,
    STAGE,
    EmbeddedAws,
    allow,
    assert_problem,
    post,
)
from tests.local.standins.gateway_setup import GatewayClient


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer not-a-token", "Basic dXNlcjpwYXNz"])
def test_without_a_bearer_token_nobody_is_asked(api: GatewayClient, aws: EmbeddedAws, authorization: str) -> None:
    response = post(api, "/v1/orders", ORDER, Authorization=authorization)

    assert_problem(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert aws.invoked == []


def deny(event: Mapping[str, Any]) -> dict[str, Any]:
    answered = allow(event, CUSTOMER, None)
    answered["policyDocument"]["Statement"][0]["Effect"] = "Deny"
    return answered


def fail(_event: Mapping[str, Any]) -> dict[str, Any]:
    return {"principalId": CUSTOMER}


@pytest.mark.parametrize(("authorizer", "status", "kind"), [(deny, 403, "forbidden"), (fail, 500, "internal")])
def test_what_the_authorizer_does_not_allow_is_refused(
    api: GatewayClient, aws: EmbeddedAws, authorizer: Callable[[Any], Any], status: int, kind: str
) -> None:
    aws.functions["meridian-identity-authorizer"] = authorizer

    assert_problem(post(api, "/v1/orders", ORDER), status, kind)
    assert "meridian-checkout-api" not in [name for name, _ in aws.invoked]


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/nowhere"), ("DELETE", "/v1/orders"), ("GET", "/")])
def test_what_is_no_operation_is_not_found(api: GatewayClient, method: str, path: str) -> None:
    assert_problem(api.request(method, f"{STAGE}{path}"), 404, "not-found")


def test_an_order_reaches_its_function_with_who_asked(api: GatewayClient, aws: EmbeddedAws) -> None:
    response = post(api, "/v1/orders", ORDER, Prefer="wait=2")

    assert response.status_code == 201
    name, event = aws.invoked[-1]
    assert name == "meridian-checkout-api"
    assert (event["httpMethod"], event["resource"]) == ("POST", "/v1/orders")
    assert event["requestContext"]["authorizer"]["customerId"] == CUSTOMER
    assert json.loads(event["body"]) == ORDER


def test_health_is_open_to_all(api: GatewayClient, aws: EmbeddedAws) -> None:
    api.get(f"{STAGE}/v1/health")

    assert [(name, event["resource"]) for name, event in aws.invoked] == [("meridian-checkout-api", "/v1/health")]


def test_a_function_that_is_late_is_a_504(api: GatewayClient, aws: EmbeddedAws) -> None:
    aws.seconds = 60

    assert_problem(api.get(f"{STAGE}/v1/health"), 504, "no-answer")
