"""The steps of the saga: what each does once, does not do twice, and keeps the late from doing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import (
    BOOK,
    CD,
    CUSTOMER,
    FOREIGNER,
    allot,
    deposit,
    list_price,
    place,
    shop,
    usd,
)
from tests.workloads.checkout.cell import AnyCells, events_of
from tests.workloads.conftest import HERE
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps import UnknownOrderError
from workloads.checkout.domain.order import OrderState
from workloads.checkout.domain.step import Outcome, StepOutOfOrderError
from workloads.contracts.events import RejectionReason
from workloads.contracts.money import Money


def free(ports: Ports, sku: str = CD) -> int:
    return ports.store.allotments([sku], HERE)[sku].free


def balance(ports: Ports) -> int:
    wallet = ports.store.account(CUSTOMER).wallet
    assert wallet is not None
    return wallet.balance.minor_units


def state(ports: Ports, order_id: str) -> OrderState:
    order = ports.store.order(order_id).order
    assert order is not None
    return order.state


def test_an_order_with_stock_and_money_is_completed(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    order = place(here, (CD, 2))

    outcomes = [steps.reserve(here, order), steps.debit(here, order), steps.complete(here, order)]

    assert outcomes == [Outcome.RESERVED, Outcome.DEBITED, Outcome.COMPLETED]
    assert (free(here), balance(here), state(here, order)) == (1, 30_00, OrderState.COMPLETED)
    [completed] = events_of(cells, "PurchaseCompleted")
    assert (completed["sequence"], completed["total"]["minorUnits"]) == (2, 20_00)
    assert [event["sequence"] for event in events_of(cells, "OrderPlaced")] == [1]


def test_every_step_answers_the_same_when_its_answer_was_lost(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    order = place(here, (CD, 2))

    for step, outcome in (
        (steps.reserve, Outcome.RESERVED),
        (steps.debit, Outcome.DEBITED),
        (steps.complete, Outcome.COMPLETED),
    ):
        assert [step(here, order), step(here, order)] == [outcome, outcome]

    assert (free(here), balance(here)) == (1, 30_00)
    assert len(cells.events()) == 5  # credited, placed, reserved, debited, completed


def test_all_lines_are_held_or_none(here: Ports) -> None:
    shop(here, stock=3)
    list_price(here, BOOK)
    allot(here, BOOK, units=1)
    order = place(here, (CD, 3), (BOOK, 2))

    assert steps.reserve(here, order) is Outcome.SOLD_OUT

    assert (free(here, CD), free(here, BOOK)) == (3, 1)


def test_lines_of_one_sku_are_counted_together(here: Ports) -> None:
    shop(here, stock=3)
    order = place(here, (CD, 2), (CD, 2))

    assert steps.reserve(here, order) is Outcome.SOLD_OUT


def test_a_sku_without_allotment_in_this_region_is_sold_out(here: Ports) -> None:
    list_price(here)
    deposit(here)
    order = place(here, (CD, 1))

    assert steps.reserve(here, order) is Outcome.SOLD_OUT


def test_sold_out_stays_sold_out_for_an_order_even_when_stock_comes(here: Ports) -> None:
    shop(here, stock=0)
    order = place(here, (CD, 1))
    steps.reserve(here, order)
    allot(here, units=5, version=2)

    assert steps.reserve(here, order) is Outcome.SOLD_OUT

    assert free(here) == 5


@pytest.mark.parametrize(("opening", "outcome"), [(None, Outcome.WALLET_MISSING), (1098, Outcome.INSUFFICIENT_FUNDS)])
def test_a_wallet_that_can_not_pay_is_left_alone(here: Ports, opening: int | None, outcome: Outcome) -> None:
    list_price(here)
    allot(here)
    if opening is not None:
        deposit(here, opening)
    order = place(here, (CD, 1))
    steps.reserve(here, order)

    assert steps.debit(here, order) is outcome

    if opening is not None:
        assert balance(here) == opening


def test_a_wallet_of_another_currency_does_not_pay(here: Ports) -> None:
    shop(here)
    list_price(here, BOOK, price=Money(1000, "EUR"))
    allot(here, BOOK)
    order = place(here, (BOOK, 1))
    steps.reserve(here, order)

    assert steps.debit(here, order) is Outcome.CURRENCY_MISMATCH


def test_insufficient_funds_stay_insufficient_for_an_order_even_when_money_comes(here: Ports) -> None:
    shop(here, price=1000, balance=5_00)
    order = place(here, (CD, 1))
    steps.reserve(here, order)
    steps.debit(here, order)
    deposit(here, 50_00, key="late")

    assert steps.debit(here, order) is Outcome.INSUFFICIENT_FUNDS

    assert balance(here) == 55_00


def test_an_order_of_nothing_to_pay_completes_without_wallet_and_ledger_entry(cells: AnyCells, here: Ports) -> None:
    list_price(here, price=usd(0))
    allot(here)
    order = place(here, (CD, 1))

    outcomes = [steps.reserve(here, order), steps.debit(here, order), steps.complete(here, order)]

    assert outcomes == [Outcome.RESERVED, Outcome.DEBITED, Outcome.COMPLETED]
    assert here.store.checkout(order, CUSTOMER).payment is None
    assert events_of(cells, "WalletDebited") == []


def test_the_way_back_returns_stock_and_money_once(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    order = place(here, (CD, 2))
    steps.reserve(here, order)
    steps.debit(here, order)

    for _ in range(2):
        assert steps.refund(here, order) is Outcome.REFUNDED
        assert steps.release(here, order) is Outcome.RELEASED
        assert steps.reject(here, order) is Outcome.REJECTED

    assert (free(here), balance(here), state(here, order)) == (3, 50_00, OrderState.REJECTED)
    [rejected] = events_of(cells, "PurchaseRejected")
    assert (rejected["reason"], rejected["sequence"]) == ("TechnicalFailure", 2)
    assert len(events_of(cells, "WalletRefunded")) == len(events_of(cells, "StockReleased")) == 1


def test_nothing_is_held_after_a_release_that_came_first(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=3)
    order = place(here, (CD, 2))

    assert steps.release(here, order) is Outcome.RELEASED
    assert steps.reserve(here, order) is Outcome.RELEASED

    assert free(here) == 3
    assert events_of(cells, "StockReserved") == events_of(cells, "StockReleased") == []


def test_nothing_is_paid_after_a_refund_that_came_first(cells: AnyCells, here: Ports) -> None:
    shop(here, balance=50_00)
    order = place(here, (CD, 1))
    steps.reserve(here, order)

    assert steps.refund(here, order) is Outcome.REFUNDED
    assert steps.debit(here, order) is Outcome.REFUNDED

    assert balance(here) == 50_00
    assert events_of(cells, "WalletDebited") == events_of(cells, "WalletRefunded") == []


@pytest.mark.parametrize("undo", [steps.refund, steps.release])
def test_an_order_that_was_given_up_is_not_completed(here: Ports, undo: Callable[[Ports, str], Outcome]) -> None:
    shop(here)
    order = place(here, (CD, 1))
    steps.reserve(here, order)
    steps.debit(here, order)
    undo(here, order)

    assert steps.complete(here, order) in {Outcome.REFUNDED, Outcome.RELEASED}

    assert state(here, order) is OrderState.PENDING


def test_the_way_back_leaves_a_completed_order_as_it_is(here: Ports) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    order = place(here, (CD, 1))
    steps.reserve(here, order)
    steps.debit(here, order)
    steps.complete(here, order)

    outcomes = {
        steps.refund(here, order),
        steps.release(here, order),
        steps.reject(here, order),
    }

    assert outcomes == {Outcome.COMPLETED}
    assert (free(here), balance(here), state(here, order)) == (2, 40_00, OrderState.COMPLETED)


def test_an_order_that_holds_stock_or_money_is_not_rejected(here: Ports) -> None:
    shop(here)
    order = place(here, (CD, 1))
    steps.reserve(here, order)

    assert steps.reject(here, order) is Outcome.UNCOMPENSATED

    steps.debit(here, order)
    steps.release(here, order)
    assert steps.reject(here, order) is Outcome.UNCOMPENSATED
    assert state(here, order) is OrderState.PENDING


@pytest.mark.parametrize(
    ("stock", "funds", "reason"),
    [
        (0, 100_00, RejectionReason.SOLD_OUT),
        (5, 10_00, RejectionReason.INSUFFICIENT_FUNDS),
        (5, 100_00, RejectionReason.TECHNICAL_FAILURE),
    ],
)
def test_a_rejection_says_what_refused_the_order(
    cells: AnyCells, here: Ports, stock: int, funds: int, reason: RejectionReason
) -> None:
    shop(here, stock=stock, price=1099, balance=funds)
    order = place(here, (CD, 1))
    steps.reserve(here, order)
    steps.debit(here, order)
    steps.refund(here, order)
    steps.release(here, order)

    steps.reject(here, order)

    assert [event["reason"] for event in events_of(cells, "PurchaseRejected")] == [reason]


def test_an_order_is_not_completed_before_its_stock_and_its_money(here: Ports) -> None:
    shop(here)
    order = place(here, (CD, 1))

    with pytest.raises(StepOutOfOrderError, match="never reserved"):
        steps.complete(here, order)
    steps.reserve(here, order)
    with pytest.raises(StepOutOfOrderError, match="never debited"):
        steps.complete(here, order)


def test_a_rejected_order_takes_no_late_step(here: Ports) -> None:
    shop(here, stock=0)
    order = place(here, (CD, 1))
    steps.reserve(here, order)
    steps.reject(here, order)

    assert steps.debit(here, order) is Outcome.REJECTED
    assert steps.complete(here, order) is Outcome.REJECTED
    assert steps.refund(here, order) is Outcome.REFUNDED
    assert steps.release(here, order) is Outcome.RELEASED


def test_steps_run_only_where_the_order_is_at_home(here: Ports, there: Ports) -> None:
    shop(here)
    order = place(here, (CD, 1))

    with pytest.raises(UnknownOrderError, match="eu-west-1"):
        steps.reserve(there, order)
    with pytest.raises(UnknownOrderError):
        steps.reserve(here, "o-none")
    with pytest.raises(UnknownOrderError):
        steps.reserve(here, order, FOREIGNER)
