"""What was decided on an order and its reservation holds only while they are so still, whatever else is committed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.auditing import write
from tests.workloads.checkout.builders import CD, CUSTOMER, allot, place, replaced, shop
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.test_home_moves import (
    BOUGHT,
    GIVEN_UP,
    HELD,
    PAID,
    Work,
    add_money,
    cancel,
    move,
    open_wallet,
    order_first,
    order_more,
    start_again,
    take_back,
)
from tests.workloads.checkout.test_transfers import transfer
from tests.workloads.conftest import HERE
from workloads.checkout.application.changes import (
    AdmitOrder,
    Change,
    ChangeWallet,
    ConsumeReservation,
    CountRedrive,
    EndOrder,
    ForgetExpiry,
    MoveReservation,
    RefundOrder,
    RefundPayment,
    RequestCancellation,
    ReturnUnits,
    SendTransferAgain,
)
from workloads.checkout.application.ports import ConcurrentWriteError, OutboxEntry
from workloads.checkout.application.transfer import remind

LATER = "2026-03-01T13:00:00.000000Z"
# What was done before, what is decided, the change that it makes, and what somebody else has written meanwhile.
CASES: dict[str, tuple[tuple[Work, ...], Work, type, tuple[str, str, Any]]] = {
    "completed after the end": (PAID, steps.complete, EndOrder, ("ORDER", "state", "Rejected")),
    "completed after a cancellation": (PAID, steps.complete, EndOrder, ("ORDER", "cancellation_requested_at", LATER)),
    "rejected after the end": ((), steps.reject, EndOrder, ("ORDER", "state", "Completed")),
    "cancelled after the end": (GIVEN_UP, steps.reject, EndOrder, ("ORDER", "state", "Completed")),
    "called off after the end": (HELD, cancel, RequestCancellation, ("ORDER", "state", "Completed")),
    "called off twice": (HELD, cancel, RequestCancellation, ("ORDER", "cancellation_requested_at", LATER)),
    "taken back without a purchase": (BOUGHT, take_back, RefundOrder, ("ORDER", "state", "Rejected")),
    "taken back twice": (BOUGHT, take_back, RefundOrder, ("ORDER", "refunded_at", LATER)),
    "redriven twice": ((), start_again, CountRedrive, ("REDRIVES", "redrives", 1)),
    "redriven again twice": ((start_again,), start_again, CountRedrive, ("REDRIVES", "redrives", 2)),
    "sold after the release": (PAID, steps.complete, ConsumeReservation, ("RESERVATION", "state", "Released")),
    "released after the sale": (HELD, steps.release, MoveReservation, ("RESERVATION", "state", "Consumed")),
    "given back without a sale": (BOUGHT, take_back, ReturnUnits, ("RESERVATION", "state", "Released")),
    "given back twice": (BOUGHT, take_back, ReturnUnits, ("RESERVATION", "returned_at", LATER)),
}

MONEY: dict[str, tuple[tuple[Work, ...], Work, type, tuple[str, str, Any]]] = {
    "debited beside another": (HELD, steps.debit, ChangeWallet, ("WALLET", "version", 1)),
    "deposited beside another": ((), add_money, ChangeWallet, ("WALLET", "version", 1)),
    "opened beside another": ((), open_wallet, ChangeWallet, ("WALLET", "version", 1)),
    "ordered beside another": ((), order_more, AdmitOrder, ("WALLET", "order_bucket", "drawn")),
    "ordered first beside another": ((), order_first, AdmitOrder, ("WALLET", "order_bucket", "drawn")),
    "refunded twice": (PAID, steps.refund, RefundPayment, ("ENTRY#DEBIT#", "state", "Refunded")),
}


class CommittedError(Exception):
    """A decision was made; nothing is written yet."""


class Decided:
    """A store that keeps what is to be committed."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.changes: Sequence[Change] = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, changes: Sequence[Change], entries: Sequence[OutboxEntry] = ()) -> None:  # noqa: ARG002 - the port's
        self.changes = changes
        raise CommittedError


@pytest.mark.parametrize("case", CASES)
def test_a_change_by_itself_is_refused_where_somebody_else_was_quicker(case: str) -> None:
    before, work, kind, (item, attribute, value) = CASES[case]
    cells = MemoryCells()
    order = a_shop_with_an_order(cells, before)
    change = decided(cells, work, order, kind)

    write(cells, f"ORDER#{order}", item, attribute, value)

    with pytest.raises(ConcurrentWriteError):
        cells.ports().store.commit([change])


@pytest.mark.parametrize("moved", [False, True], ids=["at home since birth", "moved"])
@pytest.mark.parametrize("case", MONEY)
def test_a_wallets_change_by_itself_is_refused_where_somebody_else_was_quicker(case: str, *, moved: bool) -> None:
    before, work, kind, (item, attribute, value) = MONEY[case]
    cells = MemoryCells()
    order = a_shop_with_an_order(cells, before)
    wallet = f"WALLET#{CUSTOMER}" + "-new" * (work in {open_wallet, order_first})
    if moved:
        move(cells, wallet, home=HERE, epoch=2)
    change = decided(cells, work, order, kind)

    write(cells, wallet, item + order * item.endswith("#"), attribute, value)

    with pytest.raises(ConcurrentWriteError):
        cells.ports().store.commit([change])


def test_a_reminder_of_a_transfer_that_somebody_else_has_sent_is_refused() -> None:
    cells = MemoryCells()
    allot(cells.ports())
    transfer(cells.ports())
    change = decided(cells, lambda ports, _: remind(ports, "t-1"), "", SendTransferAgain)

    cells.ports().store.commit([change])

    with pytest.raises(ConcurrentWriteError):
        cells.ports().store.commit([change])


def a_shop_with_an_order(cells: MemoryCells, before: Sequence[Work]) -> str:
    ports = cells.ports()
    shop(ports)
    order = place(ports, (CD, 1))
    for done in before:
        done(ports, order)
    return order


def decided(cells: MemoryCells, work: Work, order: str, kind: type) -> Change:
    """Return the one change of this kind that is decided on, and nothing is written."""
    store = Decided(cells.ports().store)
    with pytest.raises(CommittedError):
        work(replaced(cells.ports(), store=store), order)
    [change] = [change for change in store.changes if isinstance(change, kind)]
    return change


def test_what_is_held_is_not_forgotten() -> None:
    cells = MemoryCells()
    shop(cells.ports())
    order = place(cells.ports())
    steps.reserve(cells.ports(), order)

    with pytest.raises(ConcurrentWriteError):
        cells.ports().store.commit([ForgetExpiry(order)])
