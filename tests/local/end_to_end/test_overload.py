"""A Region whose orders wait too long for their checkout takes no more of them, and says for how long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from tests.local.end_to_end.shop import Shop, eventually
from tests.local.end_to_end.test_order_lifecycle import sagas_standing_still
from tests.local.end_to_end.test_stock import problem_of
from workloads.checkout.domain.admission import SagaCapacity
from workloads.checkout.entrypoints.saga_messages import SagaStart

QUEUE = "meridian-checkout-saga-start"
DECLARED = SagaCapacity()
"""The default of the stack's settings, which the laptop has."""
MOST = DECLARED.starts_per_second * DECLARED.longest_wait
BATCH = 10
"""Messages that SQS takes at a time."""


def test_orders_are_answered_503_while_too_many_wait_and_are_taken_under_their_keys_afterwards(shop: Shop) -> None:
    home, elsewhere = shop.regions
    customer, neighbour = shop.customer(home, cents=10_000), shop.customer(elsewhere, cents=100)
    sku = shop.title(cents=100, units=50)
    early: list[str] = []
    keys: list[str] = []

    def ask() -> httpx.Response:
        # Each worker of the function asks for the queue's length once a second, and has not yet as it starts.
        keys.append(shop.unique("order"))
        answer = shop.order(customer, sku, key=keys[-1])
        if answer.status_code == 201:
            early.append(answer.headers["Location"])
        return answer

    with sagas_standing_still(shop, home):
        let_wait(shop, home, MOST + BATCH)
        try:
            refused = eventually(ask, lambda answer: answer.status_code == 503)
            assert shop.order(neighbour, sku, wait=10).json()["state"] == "Completed"
        finally:
            # In place of those that waited among the others; an order is begun once, however often it is asked for.
            empty(shop, home)
            begin(shop, home, customer.id, early)
        taken = eventually(lambda: shop.order(customer, sku, key=keys[-1]), lambda answer: answer.status_code == 201)

    assert problem_of(refused) == "overloaded"
    assert refused.headers["Content-Type"] == "application/problem+json"
    # As long as it takes to begin what waits, the early ones among it.
    soonest = MOST // DECLARED.starts_per_second + 1
    assert soonest <= int(refused.headers["Retry-After"]) <= soonest + 1
    assert "Location" not in refused.headers
    for location in [*early, taken.headers["Location"]]:
        assert shop.ended(customer, location)["state"] == "Completed"


def let_wait(shop: Shop, region: str, orders: int) -> None:
    """Let so many messages wait where the orders do."""
    sqs, url = shop.sqs(region), url_of(shop, region)
    entries: Any = [{"Id": str(number), "MessageBody": "an order that is as good as any"} for number in range(BATCH)]
    for _ in range(orders // BATCH):
        assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")


def empty(shop: Shop, region: str) -> None:
    """Let nobody wait any more."""
    shop.sqs(region).purge_queue(QueueUrl=url_of(shop, region))


def begin(shop: Shop, region: str, customer_id: str, locations: Sequence[str]) -> None:
    """Ask for the sagas of orders, as the outbox's consumer does."""
    for location in locations:
        start = SagaStart(order_id=location.rpartition("/")[2], customer_id=customer_id)
        body = msgspec.json.encode(start).decode()
        shop.sqs(region).send_message(QueueUrl=url_of(shop, region), MessageBody=body)


def url_of(shop: Shop, region: str) -> str:
    """Return where the orders wait."""
    return shop.sqs(region).get_queue_url(QueueName=QUEUE)["QueueUrl"]
