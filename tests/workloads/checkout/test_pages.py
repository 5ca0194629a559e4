"""A customer's orders and ledger, page by page: each entry once, for nobody else, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import (
    CUSTOMER,
    FOREIGNER,
    allot,
    command,
    deposit,
    list_price,
    order_of,
    place,
    refund_of,
    replaced,
    request,
    shop,
    usd,
)
from tests.workloads.checkout.cell import AnyCells, MemoryCells
from tests.workloads.conftest import HERE
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.pages import read_ledger, read_orders
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import OrderPlace, Ports
from workloads.checkout.application.queries import read_command, read_deposit, read_order
from workloads.checkout.application.refund import refund_purchase
from workloads.checkout.application.results import HandedOver
from workloads.checkout.domain.ledger import EntryId, EntryKind, LedgerEntry
from workloads.checkout.domain.order import OrderStatus
from workloads.contracts.commands import PlaceOrder
from workloads.contracts.envelope import open_as
from workloads.contracts.events import RejectionReason

NEIGHBOUR = "us-east-1.c-2"
MOST_PAGES = 20


class StoppedClock:
    """A clock that shows one moment to all."""

    def now(self) -> datetime:
        return datetime(2026, 3, 1, 13, tzinfo=UTC)


def open_shop(ports: Ports) -> None:
    list_price(ports)
    allot(ports, units=100)


def place_many(ports: Ports, number: int, *, by: str = CUSTOMER, prefix: str = "order") -> list[str]:
    return [place(ports, customer=by, key=f"{prefix}-{index}") for index in range(number)]


def pages_of_orders(ports: Ports, limit: int, meanwhile: Callable[[], object] = list[str]) -> list[list[str]]:
    """Return the ids on each page until there is none; between two pages something may happen."""
    pages: list[list[str]] = []
    after: OrderPlace | None = None
    for _ in range(MOST_PAGES):
        page = read_orders(ports, CUSTOMER, after=after, limit=limit)
        pages.append([order.id for order in page.shown])
        if (after := page.last) is None:
            return pages
        meanwhile()
    pytest.fail(f"no end in sight after {pages}")


def whole_ledger(ports: Ports, limit: int = 100) -> list[LedgerEntry]:
    entries: list[LedgerEntry] = []
    after: EntryId | None = None
    for _ in range(MOST_PAGES):
        page = read_ledger(ports, CUSTOMER, after=after, limit=limit)
        assert len(page.shown) <= limit
        entries += page.shown
        if (after := page.last) is None:
            return entries
    pytest.fail(f"no end in sight after {entries}")


def balance_by(entries: list[LedgerEntry]) -> int:
    signs = {EntryKind.DEPOSIT: 1, EntryKind.REFUND: 1, EntryKind.DEBIT: -1}
    return sum(signs[entry.id.kind] * entry.amount.minor_units for entry in entries)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 100])
def test_pages_show_each_order_once_and_the_newest_first(here: Ports, limit: int) -> None:
    open_shop(here)
    place_many(here, 2, by=NEIGHBOUR)
    orders = place_many(here, 6)

    pages = pages_of_orders(here, limit)

    assert [order for page in pages for order in page] == orders[::-1]
    assert len(pages) == -(-6 // limit)


def test_what_was_placed_at_the_same_moment_is_shown_once_too(here: Ports) -> None:
    open_shop(here)
    orders = place_many(replaced(here, clock=StoppedClock()), 5)

    pages = pages_of_orders(here, 2)

    assert sorted(order for page in pages for order in page) == sorted(orders)


def test_what_is_placed_between_two_pages_moves_nothing(here: Ports) -> None:
    open_shop(here)
    orders = place_many(here, 5)
    newer: Iterator[int] = iter(range(100))

    pages = pages_of_orders(here, 2, lambda: place_many(here, 1, prefix=f"newer-{next(newer)}"))

    assert [order for page in pages for order in page] == orders[::-1]


def test_orders_are_listed_as_they_stand_and_what_belongs_to_them_is_not(here: Ports) -> None:
    shop(here, stock=10, price=1000, balance=10_00)
    completed, rejected, pending = place_many(here, 3)
    for order in (completed, rejected):
        steps.reserve(here, order)
        steps.debit(here, order)
    steps.complete(here, completed)
    steps.release(here, rejected)
    steps.reject(here, rejected)

    shown = read_orders(here, CUSTOMER, after=None, limit=100).shown

    assert [(order.id, order.status) for order in shown] == [
        (pending, OrderStatus.PENDING),
        (rejected, OrderStatus.REJECTED),
        (completed, OrderStatus.COMPLETED),
    ]


def test_an_order_that_was_handed_over_is_listed_once_its_home_has_placed_it(
    cells: AnyCells, here: Ports, there: Ports
) -> None:
    open_shop(here)
    asked = order_of(customer=FOREIGNER)
    handed_over = place_order(here, asked, request())
    assert isinstance(handed_over, HandedOver)
    assert read_orders(here, FOREIGNER, after=None, limit=1).shown == ()

    [event] = [event for event in cells.events() if event.type == "PlaceOrder"]
    carry_out(there, open_as(event, PlaceOrder), command(event.id, FOREIGNER))

    for ports in (here, there):
        [order] = read_orders(ports, FOREIGNER, after=None, limit=1).shown
        assert order.id == handed_over.handover.subject


def test_a_new_order_may_be_listed_late_but_is_read_at_once_by_its_id() -> None:
    cells = MemoryCells()
    here = cells.ports()
    open_shop(here)
    cells.aws.model.index_lag = lambda: 3600.0

    order = place(here)

    assert read_orders(here, CUSTOMER, after=None, limit=20).shown == ()
    assert here.store.order(order).order is not None


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_ledger_is_complete_and_comes_to_the_balance(here: Ports, limit: int) -> None:
    shop(here, stock=10, price=1000, balance=25_00)
    deposit(here, 5_00, key="second")
    deposit(here, 77_00, customer=NEIGHBOUR)
    bought, returned, given_back, too_dear, given_up = place_many(here, 5)
    for order in (bought, returned, given_back):
        steps.reserve(here, order)
        steps.debit(here, order)
    steps.refund(here, given_up)
    steps.reserve(here, too_dear)
    steps.debit(here, too_dear)
    steps.complete(here, bought)
    steps.complete(here, returned)
    refund_purchase(here, refund_of(returned), request("refund-1"))
    steps.refund(here, given_back)

    entries = whole_ledger(here, limit=limit)

    wallet = here.store.account(CUSTOMER).wallet
    assert wallet is not None
    assert balance_by(entries) == wallet.balance.minor_units == 20_00
    ids = [(entry.id.kind, entry.id.subject) for entry in entries]
    assert ids == sorted(set(ids))
    assert {subject for kind, subject in ids if kind is EntryKind.REFUND} == {returned, given_back}
    assert all(entry.made_at is not None for entry in entries)
    nothing = {entry.id.subject: entry.refusal for entry in entries if entry.amount == usd(0)}
    assert nothing == {too_dear: RejectionReason.INSUFFICIENT_FUNDS, given_up: None}


def test_only_the_index_is_not_read_consistently() -> None:
    cells = MemoryCells()
    shop(cells.ports(), price=1000)
    order = place(cells.ports())
    asked: list[tuple[str, Mapping[str, Any]]] = []

    def network(operation: str, request: Mapping[str, Any], carry_out: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        asked.append((operation, request))
        return carry_out()

    here = cells.ports(client=cells.aws.dynamodb(HERE, network))
    read_order(here, order)
    read_deposit(here, CUSTOMER, f"d-{'0' * 40}")
    read_command(here, "a-command")
    read_orders(here, CUSTOMER, after=None, limit=1)
    read_ledger(here, CUSTOMER, after=None, limit=1)

    late = {
        (operation, request.get("IndexName"))
        for operation, request in asked
        if not all(one.get("ConsistentRead") for one in request.get("RequestItems", {"": request}).values())
    }
    assert {operation for operation, _ in asked} == {"BatchGetItem", "GetItem", "Query"}
    assert late == {("Query", "orders-by-customer")}


def test_debits_of_the_first_release_are_in_the_ledger_without_a_time(cells: AnyCells, here: Ports) -> None:
    paid = {
        "pk": f"WALLET#{CUSTOMER}",
        "sk": f"ENTRY#DEBIT#o-{'0' * 40}",
        "order_id": f"o-{'0' * 40}",
        "customer_id": CUSTOMER,
        "amount": 700,
        "currency": "USD",
        "state": "Paid",
    }
    cells.put({**paid})

    [entry] = read_ledger(here, CUSTOMER, after=None, limit=20).shown

    assert entry == LedgerEntry(id=EntryId(EntryKind.DEBIT, f"o-{'0' * 40}"), amount=usd(700))
