"""The project's own OpenAPI document, served as it is: its templates, models and problem documents."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.entry_api.document import TEMPLATE, PlaceholderError, render
from tests.local.standins.gateway_setup import (
    ACCOUNT,
    API_ID,
    REGION,
    FakeAws,
    GatewayClient,
    api_resources,
    function_arn,
)

FUNCTIONS = ("authorizer", "checkout", "singleview")
TOKEN = {"Authorization": "Bearer a.b.c", "Idempotency-Key": "key-1"}
CUSTOMER = "us-east-1.c-1"


def document() -> dict[str, Any]:
    values = {
        "CheckoutApi": function_arn("checkout"),
        "CheckoutOperations": function_arn("operations"),
        "SingleviewApi": function_arn("singleview"),
        "IdentityAuthorizer": function_arn("authorizer"),
        "Region": REGION,
        "Partition": "aws",
        "Domain": "shop.example",
        "EventBus": "meridian",
        "PutEventsRole": f"arn:aws:iam::{ACCOUNT}:role/put-events",
    }
    try:
        return json.loads(render(values))
    except PlaceholderError as error:  # pragma: no cover - says which value this test must give
        pytest.fail(f"{TEMPLATE.name}: {error}")


Answer = tuple[int, Any]


def take(payload: dict[str, Any]) -> Answer:
    """As EventBridge: a request without entries is refused."""
    if not payload["Entries"]:
        return 400, {"__type": "ValidationException", "message": "1 validation error detected: Value '[]' at 'entries'"}
    return 200, {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}


def refuse_the_entry(_payload: dict[str, Any]) -> Answer:
    return 200, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}


def throttle(_payload: dict[str, Any]) -> Answer:
    return 400, {"__type": "ThrottlingException", "message": "Rate exceeded"}


def fail(_payload: dict[str, Any]) -> Answer:
    return 500, {"__type": "InternalException"}


def aws_of_the_shop(*, customer: str = CUSTOMER) -> FakeAws:
    def authorize(_event: dict[str, Any]) -> dict[str, Any]:
        resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API_ID}/live/*"
        statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
        return {
            "principalId": customer,
            "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": {"customerId": customer, "principalType": "customer"},
        }

    def answer(_event: dict[str, Any]) -> dict[str, Any]:
        return {"statusCode": 200, "body": "{}"}

    return FakeAws(functions={"authorizer": authorize, "checkout": answer, "singleview": answer}, bus=take)


def client_of_the_shop(aws: FakeAws) -> GatewayClient:
    return GatewayClient(api_resources(document(), functions=FUNCTIONS), aws)


@pytest.mark.parametrize("customer", [CUSTOMER, 'a"b', "it's", "a\\b", "$context.requestId", "\u2028\n"])
def test_a_place_order_command_becomes_an_event_with_the_callers_identity(customer: str) -> None:
    aws = aws_of_the_shop(customer=customer)
    lines = [{"sku": "CD-1099", "quantity": 2}]

    response = client_of_the_shop(aws).post("/v1/commands/place-order", json={"lines": lines}, headers=TOKEN)

    identifier = response.headers["x-amzn-requestid"]
    assert response.status_code == 202
    assert response.json() == {"commandId": identifier}
    assert response.headers["location"] == f"/v1/commands/{identifier}"
    [(target, payload)] = aws.calls
    [entry] = payload["Entries"]
    assert target == "AWSEvents.PutEvents"
    assert (entry["EventBusName"], entry["DetailType"]) == ("meridian", "PlaceOrder")
    event = json.loads(entry["Detail"])
    assert event["id"] == event["correlationid"] == event["causationid"] == identifier
    assert event["subject"] == customer
    assert event["originregion"] == event["destinationregion"] == REGION
    assert event["data"] == {"customerId": customer, "idempotencyKey": "key-1", "lines": lines}


@pytest.mark.parametrize("key", ['a"b', "it's", "a\\b", "$context.requestId", "k" * 129])
def test_a_key_that_the_request_validator_can_not_see_is_refused_by_the_templates(key: str) -> None:
    aws = aws_of_the_shop()
    body = {"lines": [{"sku": "CD-1099", "quantity": 2}]}

    response = client_of_the_shop(aws).post(
        "/v1/commands/place-order", json=body, headers={**TOKEN, "Idempotency-Key": key}
    )

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 400


@pytest.mark.parametrize(
    ("path", "body", "type_"),
    [
        ("set-price", {"sku": "CD-1", "price": {"minorUnits": 1, "currency": "USD"}, "version": 3}, "SetPrice"),
        ("set-allotment", {"sku": "CD-1", "units": 7, "version": 1}, "SetAllotment"),
        ("set-selling-mode", {"sku": "CD-1", "mode": "Hot", "version": 1}, "SetSellingMode"),
        ("stop-selling", {"sku": "CD-1", "version": 1}, "StopSelling"),
        ("resume-selling", {"sku": "CD-1", "version": 2}, "ResumeSelling"),
    ],
)
def test_commands_of_systems_of_record_carry_their_body_as_data(path: str, body: dict[str, Any], type_: str) -> None:
    aws = aws_of_the_shop()

    assert client_of_the_shop(aws).post(f"/v1/commands/{path}", json=body, headers=TOKEN).status_code == 202

    [entry] = aws.calls[0][1]["Entries"]
    event = json.loads(entry["Detail"])
    assert (event["type"], event["subject"], event["data"]) == (type_, "CD-1", body)


def test_a_transfer_carries_the_key_as_its_id() -> None:
    aws = aws_of_the_shop()
    body = {"sku": "CD-1", "units": 7, "toRegion": "eu-west-1"}

    response = client_of_the_shop(aws).post("/v1/commands/transfer-allotment", json=body, headers=TOKEN)

    assert response.status_code == 202
    [entry] = aws.calls[0][1]["Entries"]
    event = json.loads(entry["Detail"])
    assert (event["type"], event["subject"]) == ("TransferAllotment", "CD-1")
    assert event["data"] == {"transferId": "key-1", **body}
    assert event["destinationregion"] == REGION


@pytest.mark.parametrize("bus", [refuse_the_entry, throttle, fail])
def test_a_command_that_the_bus_refuses_is_a_503_problem(bus: Callable[[dict[str, Any]], Answer]) -> None:
    aws = aws_of_the_shop()
    aws.bus = bus
    body = {"lines": [{"sku": "CD-1", "quantity": 1}]}

    response = client_of_the_shop(aws).post("/v1/commands/place-order", json=body, headers=TOKEN)

    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 503
    assert "location" not in response.headers


@pytest.mark.parametrize(
    ("request_", "status", "problem"),
    [
        ({"path": "/v1/nowhere"}, 404, "not-found"),
        ({"path": "/v1/orders", "headers": {}}, 401, "unauthorized"),
        ({"path": "/v1/orders", "headers": {"Authorization": "Basic x"}}, 401, "unauthorized"),
        ({"path": "/v1/orders", "headers": {"Authorization": "Bearer a.b.c"}}, 400, "invalid-parameters"),
        ({"path": "/v1/orders", "content": "{"}, 400, "invalid-body"),
        ({"path": "/v1/orders", "json": {"lines": [], "price": 1}}, 400, "invalid-body"),
        ({"path": "/v1/orders", "json": {"lines": [{"sku": "CD-1", "quantity": -1}]}}, 400, "invalid-body"),
        ({"path": "/v1/orders", "json": {"lines": [{"sku": "CD-1", "quantity": "1"}]}}, 400, "invalid-body"),
        (
            {"path": "/v1/wallets/c/deposits", "json": {"amount": {"minorUnits": 0, "currency": "USD"}}},
            400,
            "invalid-body",
        ),
        (
            {"path": "/v1/commands/place-order", "content": "x", "headers": {**TOKEN, "Content-Type": "text/plain"}},
            415,
            "unsupported-media-type",
        ),
        ({"path": "/v1/orders", "content": b"x" * 11_000_000}, 413, "body-too-large"),
    ],
)
def test_a_bad_request_is_a_problem_document_and_reaches_no_back_end(
    request_: dict[str, Any], status: int, problem: str
) -> None:
    aws = aws_of_the_shop()

    options = {"headers": TOKEN, **request_}
    path = str(options.pop("path"))
    response = client_of_the_shop(aws).post(path, **options)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"].endswith(f"/{problem}")
    assert response.json()["instance"] == f"urn:uuid:{response.headers['x-amzn-requestid']}"
    assert not aws.calls
    assert [name for name, _ in aws.invoked if name != "authorizer"] == []


def test_queries_reach_the_function_of_their_context() -> None:
    aws = aws_of_the_shop()
    client = client_of_the_shop(aws)

    for path in ("/v1/orders/o-1", "/v1/commands/c-1", f"/v1/customers/{CUSTOMER}/view", "/v1/health"):
        assert client.get(path, headers=TOKEN).status_code == 200

    invoked = [name for name, _ in aws.invoked if name != "authorizer"]
    assert invoked == ["checkout", "checkout", "singleview", "checkout"]
