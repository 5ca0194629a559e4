"""What the API answers page by page: whose lists are shown to whom, and which page tokens it takes."""

from __future__ import annotations

import base64
import json
from typing import Any

import jsonschema
import pytest
import yaml

from components.entry_api.document import TEMPLATE
from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CUSTOMER, place, shop
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.proxy import CATALOGUE, DEPOSITOR, OPERATOR, Answer, customer, proxy_event
from workloads.checkout.application.ports import Ports
from workloads.checkout.entrypoints.pages import Pages
from workloads.runtime.http import serve
from workloads.runtime.principal import Principal

ORDERS = "GET /v1/orders"
LEDGER = "GET /v1/wallets/{customerId}/ledger"
NEIGHBOUR = "us-east-1.c-2"


class Gateway:
    """Calls the lists of a Region with a few orders, as API Gateway does."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        shop(ports, balance=100_00)
        self.orders = [place(ports, key=f"order-{number}") for number in range(3)]
        steps.reserve(ports, self.orders[0])
        steps.debit(ports, self.orders[0])

    def call(self, operation: str, principal: Principal, customer_id: str = CUSTOMER, **query: str) -> Answer:
        event = proxy_event(operation, principal=principal, query=query, customerId=customer_id)
        base = "https://shop.example/problems"
        return Answer(serve(Pages(self.ports).routes, event, problem_base=base, service="checkout"))


@pytest.fixture
def gateway() -> Gateway:
    return Gateway(MemoryCells().ports())


def fits(answer: Answer, schema: str) -> bool:
    document: Any = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    expected = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    return jsonschema.Draft4Validator(expected).is_valid(answer.body)


def test_a_customer_pages_through_their_orders(gateway: Gateway) -> None:
    first = gateway.call(ORDERS, customer(CUSTOMER), limit="2")
    second = gateway.call(ORDERS, customer(CUSTOMER), limit="2", pageToken=first.body["nextPageToken"])

    assert (first.status, second.status) == (200, 200)
    shown = [order["orderId"] for page in (first, second) for order in page.body["orders"]]
    assert shown == gateway.orders[::-1]
    assert "nextPageToken" not in second.body
    assert fits(first, "Orders")
    assert fits(second, "Orders")


def test_a_customer_pages_through_their_ledger(gateway: Gateway) -> None:
    first = gateway.call(LEDGER, customer(CUSTOMER), limit="1")
    second = gateway.call(LEDGER, customer(CUSTOMER), limit="1", pageToken=first.body["nextPageToken"])

    assert [page.body["entries"][0]["kind"] for page in (first, second)] == ["Debit", "Deposit"]
    assert first.body["entries"][0]["orderId"] == gateway.orders[0]
    assert second.body["entries"][0]["amount"] == {"minorUnits": 100_00, "currency": "USD"}
    assert "nextPageToken" not in second.body
    assert fits(first, "Ledger")
    assert fits(second, "Ledger")


def test_who_has_nothing_yet_is_shown_nothing(gateway: Gateway) -> None:
    orders = gateway.call(ORDERS, customer(NEIGHBOUR))
    ledger = gateway.call(LEDGER, customer(NEIGHBOUR), NEIGHBOUR)

    assert (orders.status, orders.body) == (200, {"customerId": NEIGHBOUR, "orders": []})
    assert (ledger.status, ledger.body) == (200, {"customerId": NEIGHBOUR, "entries": []})
    assert fits(orders, "Orders")
    assert fits(ledger, "Ledger")


def test_an_operator_names_the_customer_and_a_customer_nobody_else(gateway: Gateway) -> None:
    own = gateway.call(ORDERS, customer(CUSTOMER))

    assert gateway.call(ORDERS, OPERATOR, customerId=CUSTOMER).body == own.body
    assert gateway.call(ORDERS, customer(CUSTOMER), customerId=CUSTOMER).body == own.body
    assert gateway.call(ORDERS, OPERATOR).problem == "invalid-parameters"
    assert gateway.call(ORDERS, OPERATOR, customerId="nobody").problem == "invalid-parameters"
    for stranger in (customer(NEIGHBOUR), DEPOSITOR, CATALOGUE):
        refused = gateway.call(ORDERS, stranger, customerId=CUSTOMER)
        assert (refused.status, refused.problem) == (403, "forbidden")
    assert gateway.call(ORDERS, DEPOSITOR).problem == "forbidden"


def test_a_ledger_is_for_its_owner_and_for_operators(gateway: Gateway) -> None:
    assert gateway.call(LEDGER, OPERATOR).body == gateway.call(LEDGER, customer(CUSTOMER)).body
    for stranger in (customer(NEIGHBOUR), DEPOSITOR, CATALOGUE):
        assert gateway.call(LEDGER, stranger).problem == "forbidden"
    assert gateway.call(LEDGER, OPERATOR, "nobody").problem == "not-found"


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.0", "", "ten", " 5", "1000", "٣"])
@pytest.mark.parametrize("operation", [ORDERS, LEDGER])
def test_a_limit_has_bounds(gateway: Gateway, operation: str, limit: str) -> None:
    assert gateway.call(operation, customer(CUSTOMER), limit=limit).problem == "invalid-parameters"


def test_without_a_limit_a_page_shows_twenty() -> None:
    gateway = Gateway(MemoryCells().ports())
    for number in range(20):
        place(gateway.ports, key=f"more-{number}")

    assert len(gateway.call(ORDERS, customer(CUSTOMER)).body["orders"]) == 20
    assert len(gateway.call(ORDERS, customer(CUSTOMER), limit="100").body["orders"]) == 23


def test_a_page_token_is_refused_in_other_hands_and_on_another_list(gateway: Gateway) -> None:
    of_orders = gateway.call(ORDERS, customer(CUSTOMER), limit="1").body["nextPageToken"]
    of_ledger = gateway.call(LEDGER, customer(CUSTOMER), limit="1").body["nextPageToken"]

    assert of_orders.replace("-", "").replace("_", "").isalnum()
    for principal, operation, token in (
        (customer(NEIGHBOUR), ORDERS, of_orders),
        (customer(CUSTOMER), ORDERS, of_ledger),
        (customer(CUSTOMER), LEDGER, of_orders),
    ):
        refused = gateway.call(operation, principal, pageToken=token)
        assert (refused.status, refused.problem) == (400, "invalid-page-token")
    assert gateway.call(LEDGER, customer(NEIGHBOUR), NEIGHBOUR, pageToken=of_ledger).problem == "invalid-page-token"


def encoded(token: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(token, separators=(",", ":")).encode()).decode().rstrip("=")


TIME = "2026-03-01T12:00:00.000001Z"
ORDER_ID = f"o-{'a' * 40}"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "=",
        "a",
        "not a token",
        "%%%%",
        "ä",
        "\ud800",
        encoded(None),
        encoded({}),
        encoded([]),
        encoded(["orders", CUSTOMER]),
        encoded(["orders", CUSTOMER, "yesterday", ORDER_ID]),
        encoded(["orders", CUSTOMER, TIME, "WALLET"]),
        encoded(["orders", CUSTOMER, TIME, ORDER_ID, "more"]),
        encoded(["orders", CUSTOMER, TIME, ORDER_ID]) + "==",
        encoded(["orders", CUSTOMER, TIME, ORDER_ID]) + "\n",
        base64.urlsafe_b64encode(json.dumps(["orders", CUSTOMER, TIME, ORDER_ID]).encode()).decode(),
        encoded(["ledger", CUSTOMER, "WALLET", ORDER_ID]),
        "A" * 10_000,
    ],
)
@pytest.mark.parametrize("operation", [ORDERS, LEDGER])
def test_what_is_no_page_token_is_refused(gateway: Gateway, operation: str, token: str) -> None:
    refused = gateway.call(operation, customer(CUSTOMER), pageToken=token)

    assert (refused.status, refused.problem) == (400, "invalid-page-token")


def test_a_page_token_for_a_place_that_is_no_more_goes_on_behind_it(gateway: Gateway) -> None:
    behind_all = encoded(["orders", CUSTOMER, "2020-01-01T00:00:00.000000Z", ORDER_ID])

    answer = gateway.call(ORDERS, customer(CUSTOMER), pageToken=behind_all)

    assert (answer.status, answer.body["orders"]) == (200, [])
