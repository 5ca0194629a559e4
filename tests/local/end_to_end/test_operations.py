"""Who floods is slowed down, and operators set right what went wrong: by name, once, and in a trail."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.local.end_to_end.shop import Customer, Shop, eventually
from workloads.contracts.identifiers import order_id

BURST = 50
INTERVAL = 60 * 1_000_000 // 300
"""Microseconds for each order that a customer's bucket takes: what the cells are deployed with."""


@pytest.fixture(scope="module")
def operator(shop: Shop) -> str:
    """Return the access token of an operator."""
    return shop.operator(shop.regions[0], "anna")


def operate(shop: Shop, token: str, operation: str, body: dict[str, Any]) -> httpx.Response:
    """Ask the first Region for an operation, under a key that is the operation's own."""
    path = f"/v1/operations/{operation}"
    key = f"{operation}-{body.get('orderId', body.get('sku'))}"
    return shop.post(shop.regions[0], path, token, {**body, "reason": "incident 42"}, key=key)


def parked(shop: Shop, region: str) -> list[str]:
    """Return the bodies of what lies in the repair queue, and leave it there."""
    sqs = shop.sqs(region)
    url = sqs.get_queue_url(QueueName="meridian-checkout-repair")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=0)
    return [message.get("Body", "") for message in messages.get("Messages", [])]


def test_a_customer_who_floods_gets_429_and_is_served_after_retry_after(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0])
    sku = shop.title(cents=0, units=9)

    with emptied_bucket(shop, customer):
        refused = [shop.order(customer, sku, key=f"flood-{number}") for number in range(3)]
    served = eventually(lambda: shop.order(customer, sku, key="flood-1"), lambda answer: answer.status_code != 429)

    assert [answer.status_code for answer in refused] == [429] * 3
    assert all(answer.json()["type"].endswith("/too-many-orders") for answer in refused)
    assert [answer.headers["Retry-After"] for answer in refused] == ["1"] * 3
    assert served.status_code == 201


@contextmanager
def emptied_bucket(shop: Shop, customer: Customer) -> Generator[None]:
    """Keep a customer's bucket as empty as fifty orders at each moment would: a laptop is too slow to flood itself."""
    client, closed = shop.dynamodb(customer.home), threading.Event()

    def empty() -> None:
        client.update_item(
            TableName=shop.table("checkout"),
            Key={"pk": {"S": f"WALLET#{customer.id}"}, "sk": {"S": "WALLET"}},
            UpdateExpression="SET order_bucket = :full_at",
            ExpressionAttributeValues={":full_at": {"N": str(time.time_ns() // 1000 + BURST * INTERVAL)}},
        )

    def keep_empty() -> None:
        while not closed.wait(0.01):
            empty()

    empty()
    thread = threading.Thread(target=keep_empty)
    thread.start()
    try:
        yield
    finally:
        closed.set()
        thread.join()


@pytest.mark.usefixtures("quick_retries")
def test_a_parked_checkout_is_redriven_and_ends_well(shop: Shop, operator: str) -> None:
    home = shop.regions[0]
    customer = shop.customer(home, cents=1_000)
    sku = shop.title(cents=100, units=3)
    broken = debit_that_nobody_can_read(shop, customer, key="parked")
    location = shop.order(customer, sku, key="parked").headers["Location"]
    parked_id = location.rsplit("/", 1)[-1]

    eventually(lambda: parked(shop, home), lambda bodies: any(parked_id in body for body in bodies), seconds=60)
    assert shop.get(home, location, customer.token).json()["state"] == "Pending"
    shop.dynamodb(home).delete_item(TableName=shop.table("checkout"), Key=broken)
    answers = [operate(shop, operator, "redrive", {"orderId": parked_id}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert shop.ended(customer, location)["state"] == "Completed"
    assert shop.get(home, answers[0].headers["Location"], operator).json()["operator"] == "anna"
    assert trail(shop, "Redrive").count(parked_id) == 1


def debit_that_nobody_can_read(shop: Shop, customer: Customer, *, key: str) -> dict[str, Any]:
    """Put an item where the order's payment will be looked for; return its key."""
    order = order_id(customer.id, key)
    place: dict[str, Any] = {"pk": {"S": f"WALLET#{customer.id}"}, "sk": {"S": f"ENTRY#DEBIT#{order}"}}
    shop.dynamodb(customer.home).put_item(TableName=shop.table("checkout"), Item=place)
    return place


def trail(shop: Shop, action: str) -> list[str]:
    """Return what operators have done an action to, in the first Region."""
    prefix = f"OPERATIONS#{shop.regions[0]}#"
    entries = [item for (region, _, pk, _), item in shop.items().items() if region in prefix and pk.startswith(prefix)]
    return [entry["subject"]["S"] for entry in entries if entry["action"]["S"] == action]


def test_customers_and_systems_do_not_operate(shop: Shop) -> None:
    home = shop.regions[0]
    customer = shop.customer(home)
    body = {"orderId": "o-" + "0" * 40}

    for token in (customer.token, shop.system(home)):
        assert operate(shop, token, "redrive", body).status_code == 403


def test_an_operator_stops_the_sale_of_a_sku_in_every_region(shop: Shop, operator: str) -> None:
    sku = shop.title(cents=0, units=3)
    customers = [shop.customer(region) for region in shop.regions]

    stopped = operate(shop, operator, "stop-selling", {"sku": sku, "version": 1})

    assert stopped.status_code == 201
    for customer in customers:
        assert shop.order(customer, sku).json()["type"].endswith("/not-for-sale")


def test_the_auditor_of_each_region_reads_its_books_and_tells_its_numbers(shop: Shop) -> None:
    for region in shop.regions:
        customer = shop.customer(region, cents=1_000)
        sku = shop.title(cents=100, units=3)
        shop.ended(customer, shop.order(customer, sku).headers["Location"])

        answer = shop.functions(region).invoke(FunctionName="meridian-checkout-auditor", Payload=b"{}")

        report = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, report
        assert report["orders"] >= 1
        assert report["wallets"] >= 1
        told = shop.cloudwatch(region).list_metrics(Namespace="Meridian/Checkout", MetricName="AuditFindings")
        assert "StockDiffers" in {d.get("Value") for metric in told["Metrics"] for d in metric.get("Dimensions", [])}
