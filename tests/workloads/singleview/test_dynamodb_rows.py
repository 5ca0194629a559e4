"""The rows in the embedded AWS: conditions, order, pages, replication, and writes that break."""

from __future__ import annotations

import random
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from botocore.exceptions import ReadTimeoutError

from tests.workloads.conftest import HERE, THERE, Emulator
from tests.workloads.singleview.builders import completed, credited, event, placed, points, rejected
from tests.workloads.singleview.test_record_fact import HISTORY
from workloads.contracts.events import DomainEvent
from workloads.contracts.money import Money
from workloads.singleview.adapters.dynamodb_rows import ORDERS_A_PAGE, DynamoDBRows
from workloads.singleview.application.ports import PageTokenError, View
from workloads.singleview.application.record_fact import Recorded, record_fact
from workloads.singleview.domain.facts import Fact, fact_of


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    return emulator.table("single-view")


@pytest.fixture(scope="module")
def rows(emulator: Emulator, table: str) -> DynamoDBRows:
    return DynamoDBRows(emulator.dynamodb(), table)


@pytest.fixture
def customer() -> str:
    return f"{HERE}.c-{uuid4().hex[:12]}"


def fact(message: DomainEvent) -> Fact:
    found = fact_of(message)
    assert found is not None
    return found


def test_a_row_is_read_as_it_was_written(rows: DynamoDBRows, customer: str) -> None:
    facts = [fact(message) for message in (credited(500, 3), points(29, 1), rejected())]

    for one in facts:
        assert rows.record(msgspec.structs.replace(one, customer_id=customer), origin_region=HERE)

    view = anonymous(rows.read(customer, page_token=None))
    assert [view.wallet, view.points, *view.orders] == [msgspec.structs.replace(one, customer_id="") for one in facts]


def test_items_say_where_they_were_written(emulator: Emulator, table: str, rows: DynamoDBRows, customer: str) -> None:
    rows.record(fact(placed(customer=customer)), origin_region=HERE)

    [item] = items(emulator, table, customer)

    assert item["origin_region"] == {"S": HERE}
    assert item["sk"] == {"S": "ORDER#2026-01-02T03:04:05.000000Z#o-1"}


def test_a_wallet_that_the_first_release_wrote_is_read(
    emulator: Emulator, table: str, rows: DynamoDBRows, customer: str
) -> None:
    written = {
        "pk": {"S": f"CUSTOMER#{customer}"},
        "sk": {"S": "WALLET"},
        "balance": {"N": "7067"},
        "currency": {"S": "USD"},
        "sequence": {"N": "4"},
        "origin_region": {"S": HERE},
    }
    emulator.dynamodb().put_item(TableName=table, Item=written)

    wallet = rows.read(customer, page_token=None).wallet

    assert wallet is not None
    assert (wallet.balance, wallet.sequence) == (Money(7067, "USD"), 4)


def test_both_events_of_an_order_hit_the_same_item(
    emulator: Emulator, table: str, rows: DynamoDBRows, customer: str
) -> None:
    rows.record(fact(completed(customer=customer)), origin_region=HERE)

    assert not rows.record(fact(placed(customer=customer)), origin_region=HERE)
    assert [item["state"] for item in items(emulator, table, customer)] == [{"S": "Completed"}]


def test_a_history_in_any_order_ends_in_the_same_view(rows: DynamoDBRows) -> None:
    views: list[View] = []
    for seed in range(4):
        customer = f"{HERE}.c-{uuid4().hex[:12]}"
        delivered = [*HISTORY, *HISTORY]
        random.Random(seed).shuffle(delivered)  # noqa: S311 - a fixed order of deliveries
        for message in delivered:
            own = msgspec.structs.replace(message, customer_id=customer)
            record_fact(event(own), region=HERE, rows=rows)
        views.append(anonymous(rows.read(customer, page_token=None)))

    assert views == [views[0]] * 4
    assert [order.state for order in views[0].orders] == ["Rejected", "Completed"]


def test_what_is_written_at_home_is_read_in_every_region(
    emulator: Emulator, table: str, rows: DynamoDBRows, customer: str
) -> None:
    rows.record(fact(credited(500, 3, customer=customer)), origin_region=HERE)

    there = DynamoDBRows(emulator.dynamodb(THERE), table)

    assert there.read(customer, page_token=None) == rows.read(customer, page_token=None)


@pytest.mark.parametrize("count", [ORDERS_A_PAGE, ORDERS_A_PAGE + 1, 2 * ORDERS_A_PAGE])
def test_pages_hold_the_newest_orders_first_and_end_with_the_last(
    rows: DynamoDBRows, customer: str, count: int
) -> None:
    rows.record(fact(credited(500, 1, customer=customer)), origin_region=HERE)
    for number in range(count):
        order = placed(f"o-{number:03d}", customer=customer, placed_at=f"2026-01-02T03:04:05.{number:06d}Z")
        rows.record(fact(order), origin_region=HERE)

    first = rows.read(customer, page_token=None)
    seen = list(first.orders)
    while first.next_page_token:
        first = rows.read(customer, page_token=first.next_page_token)
        assert first.orders
        assert first.wallet is not None
        seen += first.orders

    assert [order.order_id for order in seen] == [f"o-{number:03d}" for number in reversed(range(count))]


@pytest.mark.parametrize("token", ["", "%%%", "V0FMTEVU", "x" * 5000, "T1JERVIj4oKs/w"])
def test_a_token_that_no_page_gave_is_refused(rows: DynamoDBRows, customer: str, token: str) -> None:
    with pytest.raises(PageTokenError):
        rows.read(customer, page_token=token)


def test_a_write_whose_answer_was_lost_is_harmless_to_repeat(
    emulator: Emulator, table: str, rows: DynamoDBRows, customer: str
) -> None:
    broken = DynamoDBRows(AnswerLost(emulator.dynamodb()), table)  # type: ignore[arg-type]
    message = event(credited(500, 3, customer=customer))
    with pytest.raises(ReadTimeoutError):
        record_fact(message, region=HERE, rows=broken)

    assert record_fact(message, region=HERE, rows=rows) is Recorded.OUTDATED
    assert rows.read(customer, page_token=None).wallet == fact(credited(500, 3, customer=customer))


class AnswerLost:
    """A client whose writes are carried out, but whose answers never come."""

    def __init__(self, client: Any) -> None:
        self.exceptions = client.exceptions
        self._client = client

    def put_item(self, **arguments: Any) -> None:
        self._client.put_item(**arguments)
        raise ReadTimeoutError(endpoint_url="https://aws.invalid")


def items(emulator: Emulator, table: str, customer: str) -> list[Any]:
    return emulator.dynamodb().query(
        TableName=table,
        KeyConditionExpression="pk = :customer",
        ExpressionAttributeValues={":customer": {"S": f"CUSTOMER#{customer}"}},
    )["Items"]


def anonymous(view: View) -> View:
    """Return the view without the customer's id, so that the views of several customers compare."""
    assert view.wallet is not None
    assert view.points is not None
    replace = msgspec.structs.replace
    return View(
        wallet=replace(view.wallet, customer_id=""),
        points=replace(view.points, customer_id=""),
        orders=tuple(replace(order, customer_id="") for order in view.orders),
    )
