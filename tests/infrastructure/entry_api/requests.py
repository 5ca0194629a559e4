"""What the tests of the entry API send, and who answers it."""

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest import mock

import httpx

from local.deployment import DeployedResource, Handling
from local.recording import Graph
from tests.local.standins.gateway_setup import FakeAws, GatewayClient

REGION = "us-east-1"
STAGE = "/live"
CUSTOMER = "us-east-1.c-00042"
TOKEN = "Bearer e30.e30.c2ln"
ORDER = {"lines": [{"sku": "CD-1099", "quantity": 1}]}
DIRECT = {
    "place-order": ({"lines": [{"sku": "CD-1099", "quantity": 2}]}, CUSTOMER),
    "set-price": ({"sku": "CD-1099", "price": {"minorUnits": 1099, "currency": "USD"}, "version": 3}, "CD-1099"),
    "set-allotment": ({"sku": "CD-1099", "units": 250, "version": 1}, "CD-1099"),
    "set-selling-mode": ({"sku": "CD-1099", "mode": "Hot", "version": 1}, "CD-1099"),
    "transfer-allotment": ({"sku": "CD-1099", "units": 25, "toRegion": "eu-west-1"}, "CD-1099"),
    "stop-selling": ({"sku": "CD-1099", "version": 1}, "CD-1099"),
    "resume-selling": ({"sku": "CD-1099", "version": 2}, "CD-1099"),
}
HOSTILE = (
    'a"b',
    "it's",
    "back\\slash",
    '"}, "originregion": "eu-west-1", "x": {"y": "',
    "\\",
    "\\'\\\"",
    "$context.requestId #set($x = 1) ${util}",
    "</script>",
)


def operations(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


class EmbeddedAws(FakeAws):
    """Functions that note who asked, and a bus that takes everything."""

    def __init__(self) -> None:
        super().__init__(
            functions={
                "meridian-identity-authorizer": lambda event: allow(event, self.customer, self.expires_at),
                "meridian-checkout-api": answer,
                "meridian-singleview-api": answer,
            },
            bus=take,
        )
        self.customer = CUSTOMER
        self.expires_at: int | None = 9_999_999_999


def take(payload: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    if not payload["Entries"]:
        return 400, {"__type": "ValidationException", "message": "1 validation error detected"}
    return 200, {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"} for _ in payload["Entries"]]}


def entries_on_the_bus(aws: FakeAws) -> list[Any]:
    return [entry for _, payload in aws.calls for entry in payload["Entries"]]


def allow(event: Mapping[str, Any], customer: str, expires_at: int | None) -> dict[str, Any]:
    context = {"principalType": "customer", "customerId": customer, "clientId": "shop", "scopes": ""}
    return {
        "principalId": CUSTOMER,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "execute-api:Invoke",
                    "Resource": "/".join([*event["methodArn"].split("/")[:2], "*"]),
                }
            ],
        },
        "context": context if expires_at is None else {**context, "expiresAt": str(expires_at)},
    }


def answer(_event: Mapping[str, Any]) -> dict[str, Any]:
    return {"statusCode": 201, "headers": {"Location": "/v1/orders/o-1"}, "body": "{}"}


def post(api: GatewayClient, path: str, document_: object, **headers: str) -> httpx.Response:
    sent = {"Authorization": TOKEN, "Idempotency-Key": "k-1", "Content-Type": "application/json", **headers}
    content = document_ if isinstance(document_, str) else json.dumps(document_)
    return api.post(f"{STAGE}{path}", content=content, headers={k: v for k, v in sent.items() if v})


@contextmanager
def clock_at(seconds: float) -> Generator[None]:
    """Let the gateway's clock stand at these epoch seconds."""
    clock = SimpleNamespace(now=partial(datetime.fromtimestamp, seconds))
    with mock.patch("local.standins.gateway.call.datetime", clock):
        yield


def assert_problem(response: httpx.Response, status: int, kind: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["type"] == f"https://unicorn-retail.example/problems/{kind}"
    assert problem.get("status", status) == status
    assert problem["detail"]


def gateway(cell: Graph, aws: FakeAws) -> GatewayClient:
    """Serve the API that a cell declares."""
    declared = [
        DeployedResource(
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            parent=resource.parent,
            stack=resource.stack,
            region=REGION,
            id=resource.id,
            inputs=dict(resource.inputs),
            outputs=dict(resource.outputs),
            handling=Handling.STAND_IN,
        )
        for resource in cell
        if resource.type.startswith("aws:apigateway/") or resource.type == "aws:lambda/permission:Permission"
    ]
    return GatewayClient(declared, aws)
