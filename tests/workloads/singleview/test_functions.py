"""The functions as Lambda calls them: queue batches in, a view out."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.workloads.conftest import HERE, THERE, Emulator
from tests.workloads.functions import Handler, failures, load_handler, queue_batch
from tests.workloads.proxy import NEVER
from tests.workloads.singleview.builders import completed, credited, on_bus, placed, points, rejected
from workloads.runtime.principal import Principal, PrincipalType, to_context


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    return emulator.table("single-view")


@pytest.fixture
def customer() -> str:
    return f"{HERE}.c-{uuid4().hex[:12]}"


@pytest.fixture
def update(monkeypatch: pytest.MonkeyPatch, emulator: Emulator, table: str) -> Handler:
    return load_handler(monkeypatch, emulator, "workloads.singleview.entrypoints.updates", SINGLE_VIEW_TABLE=table)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, emulator: Emulator, table: str) -> Handler:
    return load_handler(
        monkeypatch,
        emulator,
        "workloads.singleview.entrypoints.api",
        region=THERE,
        SINGLE_VIEW_TABLE=table,
        PROBLEM_BASE="https://unicorn-retail.example/problems",
    )


def get_view(customer: str, caller: Principal, **query: str) -> dict[str, Any]:
    """Return the proxy event of a request for a customer's view."""
    return {
        "httpMethod": "GET",
        "resource": "/v1/customers/{customerId}/view",
        "path": f"/v1/customers/{customer}/view",
        "pathParameters": {"customerId": customer},
        "queryStringParameters": query or None,
        "headers": {},
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {"requestId": "request-1", "authorizer": to_context(caller, NEVER)},
    }


def shopper(customer: str) -> Principal:
    return Principal(type=PrincipalType.CUSTOMER, client_id="shop", customer_id=customer)


OPERATOR = Principal(type=PrincipalType.OPERATOR, client_id="shop")
SYSTEM = Principal(type=PrincipalType.SYSTEM, client_id="billing", scopes=frozenset({"wallets.deposit"}))


def test_events_at_home_become_a_view_in_the_other_region(update: Handler, api: Handler, customer: str) -> None:
    later = "2026-01-03T00:00:00.000000Z"
    messages = [
        completed("o-1", customer=customer),
        credited(7067, 4, customer=customer),
        placed("o-1", customer=customer),
        points(29, 1, customer=customer),
        rejected("o-2", customer=customer),
        placed("o-3", customer=customer, placed_at=later),
    ]

    assert failures(update(queue_batch(*[on_bus(message) for message in messages]), None)) == []
    answer = api(get_view(customer, shopper(customer)), None)

    total = {"minorUnits": 2933, "currency": "USD"}
    first = "2026-01-02T03:04:05.000000Z"
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {
        "customerId": customer,
        "homeRegion": HERE,
        "wallet": {"balance": {"minorUnits": 7067, "currency": "USD"}, "sequence": 4},
        "points": {"balance": 29, "sequence": 1},
        "orders": [
            {"orderId": "o-3", "state": "Pending", "total": total, "placedAt": later},
            {"orderId": "o-2", "state": "Rejected", "total": total, "placedAt": first, "reason": "SoldOut"},
            {"orderId": "o-1", "state": "Completed", "total": total, "placedAt": first},
        ],
    }


def test_what_is_not_known_yet_is_null(update: Handler, api: Handler, customer: str) -> None:
    update(queue_batch(on_bus(placed(customer=customer))), None)

    body = json.loads(api(get_view(customer, shopper(customer)), None)["body"])

    assert (body["wallet"], body["points"]) == (None, None)


def test_a_message_that_is_no_event_fails_alone(update: Handler, api: Handler, customer: str) -> None:
    unknown = on_bus(placed()).replace('"type":"OrderPlaced"', '"type":"OrderForgotten"')

    answer = update(queue_batch("?", unknown, on_bus(credited(1, 1, customer=customer))), None)

    assert failures(answer) == ["m-0", "m-1"]
    assert api(get_view(customer, shopper(customer)), None)["statusCode"] == 200


def test_an_event_of_another_home_is_taken_and_changes_nothing(update: Handler, api: Handler) -> None:
    stranger = f"{THERE}.c-{uuid4().hex[:12]}"

    assert failures(update(queue_batch(on_bus(credited(1, 1, customer=stranger))), None)) == []
    assert api(get_view(stranger, shopper(stranger)), None)["statusCode"] == 404


def test_pages_lead_from_one_to_the_next(update: Handler, api: Handler, customer: str) -> None:
    bodies = [
        on_bus(placed(f"o-{number:02d}", customer=customer, placed_at=f"2026-01-02T03:04:{number:02d}.000000Z"))
        for number in range(55)
    ]
    update(queue_batch(*bodies), None)

    first = json.loads(api(get_view(customer, shopper(customer)), None)["body"])
    second = json.loads(api(get_view(customer, shopper(customer), pageToken=first["nextPageToken"]), None)["body"])

    assert (len(first["orders"]), len(second["orders"])) == (50, 5)
    assert second["orders"][-1]["orderId"] == "o-00"
    assert "nextPageToken" not in second


def test_an_operator_sees_any_customer(update: Handler, api: Handler, customer: str) -> None:
    update(queue_batch(on_bus(placed(customer=customer))), None)

    assert api(get_view(customer, OPERATOR), None)["statusCode"] == 200


@pytest.mark.parametrize(
    ("path_customer", "caller", "status", "kind"),
    [
        ("us-east-1.c-other", shopper("us-east-1.c-1"), 403, "forbidden"),
        ("us-east-1.c-1", SYSTEM, 403, "forbidden"),
        ("us-east-1.c-unknown", shopper("us-east-1.c-unknown"), 404, "not-found"),
        ("nobody", OPERATOR, 400, "invalid-customer-id"),
        ("us-east-1.c-1#x", OPERATOR, 400, "invalid-customer-id"),
        ("us-east-1.c-1\n", OPERATOR, 400, "invalid-customer-id"),
    ],
)
def test_what_can_not_be_shown_is_a_problem_that_says_why(
    api: Handler, path_customer: str, caller: Principal, status: int, kind: str
) -> None:
    answer = api(get_view(path_customer, caller), None)

    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(answer["body"])["type"] == f"https://unicorn-retail.example/problems/{kind}"


def test_a_page_token_that_no_page_gave_is_a_400(api: Handler, customer: str) -> None:
    answer = api(get_view(customer, shopper(customer), pageToken="made-up"), None)

    assert answer["statusCode"] == 400
