"""An order is called off before it is a purchase: whoever comes first decides, and nothing is kept or lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, FOREIGNER, command, deposit, place, request, shop
from tests.workloads.checkout.cell import AnyCells, MemoryCells, events_of
from tests.workloads.checkout.invariants import check
from tests.workloads.conftest import HERE
from workloads.checkout.application.cancel import cancel_order
from workloads.checkout.application.carry_out import PostponedError, carry_out
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import HandedOver, PassedOn, Placed
from workloads.checkout.domain.admission import Postponed
from workloads.checkout.domain.order import Order, OrderStatus
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.step import Outcome
from workloads.contracts.commands import CancelOrder, PlaceOrder, RequestedLine
from workloads.contracts.envelope import open_message


def cancel(ports: Ports, order_id: str, customer: str = CUSTOMER) -> Placed | PassedOn | Refusal | Postponed:
    return cancel_order(ports, CancelOrder(customer_id=customer, order_id=order_id), request())


def order_of(ports: Ports, order_id: str) -> Order:
    order = ports.store.order(order_id).order
    assert order is not None
    return order


def go_back(ports: Ports, order_id: str) -> Outcome:
    steps.refund(ports, order_id)
    steps.release(ports, order_id)
    return steps.reject(ports, order_id)


def test_a_cancelled_order_ends_with_all_given_back(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=3, balance=50_00)
    order = place(here, (CD, 2))
    steps.reserve(here, order)
    steps.debit(here, order)

    asked = cancel(here, order)

    assert isinstance(asked, Placed)
    assert asked.order.status is OrderStatus.CANCELLING
    assert steps.complete(here, order) is Outcome.CANCELLATION_REQUESTED
    assert go_back(here, order) is Outcome.CANCELLED
    assert order_of(here, order).status is OrderStatus.CANCELLED
    [cancelled] = events_of(cells, "PurchaseCancelled")
    assert (cancelled["reason"], cancelled["sequence"]) == ("CustomerRequest", 2)
    assert events_of(cells, "PurchaseRejected") == []
    check(cells.state())


@pytest.mark.parametrize("step", [steps.reserve, steps.debit, steps.complete])
def test_no_step_goes_forward_after_the_request(here: Ports, step: Callable[[Ports, str], Outcome]) -> None:
    shop(here)
    order = place(here)
    cancel(here, order)

    assert step(here, order) is Outcome.CANCELLATION_REQUESTED
    assert go_back(here, order) is Outcome.CANCELLED


def test_a_request_is_answered_alike_however_often_it_comes(cells: AnyCells, here: Ports) -> None:
    shop(here)
    order = place(here)
    first = cancel(here, order)

    assert cancel(here, order) == first

    go_back(here, order)
    again = cancel(here, order)
    assert isinstance(again, Placed)
    assert again.order.status is OrderStatus.CANCELLED
    assert len(events_of(cells, "PurchaseCancelled")) == 1


def test_a_completed_purchase_is_not_called_off_but_refunded(here: Ports) -> None:
    shop(here)
    order = place(here)
    steps.reserve(here, order)
    steps.debit(here, order)
    steps.complete(here, order)

    refused = cancel(here, order)

    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.ALREADY_COMPLETED
    assert "refund" in refused.detail


@pytest.mark.parametrize(
    ("before", "step", "balance"),
    [
        pytest.param([], steps.reserve, 50_00, id="reserve"),
        pytest.param([steps.reserve], steps.debit, 50_00, id="debit"),
        pytest.param([steps.reserve], steps.debit, 5, id="debit of too little"),
        pytest.param([steps.reserve, steps.debit], steps.complete, 50_00, id="complete"),
    ],
)
def test_a_request_between_a_steps_reads_and_its_commit_wins(
    before: list[Callable[[Ports, str], Outcome]], step: Callable[[Ports, str], Outcome], balance: int
) -> None:
    memory_cells = MemoryCells()
    here = memory_cells.ports()
    shop(here, balance=balance)
    order = place(here)
    for done in before:
        done(here, order)

    def cancel_meanwhile() -> None:
        memory_cells.before_commit = lambda: None
        cancel(memory_cells.ports(), order)

    memory_cells.before_commit = cancel_meanwhile

    assert step(here, order) is Outcome.CANCELLATION_REQUESTED
    assert go_back(here, order) is Outcome.CANCELLED
    check(memory_cells.state())


def test_nobody_cancels_the_order_of_another(here: Ports) -> None:
    shop(here)
    order = place(here)

    refused = cancel(here, order, FOREIGNER)

    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.UNKNOWN_ORDER
    assert order_of(here, order).status is OrderStatus.PENDING


def test_elsewhere_the_request_is_handed_over_once_and_carried_out_at_home(
    cells: AnyCells, here: Ports, there: Ports
) -> None:
    shop(here)
    order = place(here)

    passed_on = cancel(there, order)

    assert isinstance(passed_on, PassedOn)
    assert cancel(there, order) == passed_on
    [sent] = [event for event in cells.events() if event.type == "CancelOrder"]
    assert (sent.id, sent.destinationregion) == (passed_on.handover.command_id, "us-east-1")
    assert order_of(here, order).status is OrderStatus.PENDING
    received = open_message(sent)
    assert isinstance(received, CancelOrder)
    carry_out(here, received, command(sent.id))
    carry_out(here, received, command(sent.id))
    assert order_of(here, order).status is OrderStatus.CANCELLING
    record = here.store.command(sent.id)
    assert record is not None
    assert (record.outcome, record.order_id) == ("Accepted", order)


def test_an_order_that_is_still_on_its_way_to_its_home_is_called_off_there(here: Ports, there: Ports) -> None:
    shop(here)
    ordered = PlaceOrder(customer_id=CUSTOMER, idempotency_key="key-1", lines=(RequestedLine(CD, 1),))
    handed_over = place_order(there, ordered, request())
    assert isinstance(handed_over, HandedOver)

    passed_on = cancel(there, handed_over.handover.subject)

    assert isinstance(passed_on, PassedOn)
    assert passed_on.handover.home_region == HERE


def test_a_request_that_overtakes_its_order_comes_again(here: Ports) -> None:
    deposit(here)

    with pytest.raises(PostponedError, match="there is no order"):
        carry_out(here, CancelOrder(customer_id=CUSTOMER, order_id="o-late"), command())


def test_a_handed_over_request_that_comes_too_late_keeps_its_refusal(here: Ports) -> None:
    shop(here)
    order = place(here)
    steps.reserve(here, order)
    steps.debit(here, order)
    steps.complete(here, order)

    carry_out(here, CancelOrder(customer_id=CUSTOMER, order_id=order), command("late"))

    record = here.store.command("late")
    assert record is not None
    assert record.refusal is not None
    assert record.refusal.kind is RefusalKind.ALREADY_COMPLETED


def test_a_request_that_comes_between_the_decision_to_reject_and_the_end_is_kept() -> None:
    cells = MemoryCells()
    here = cells.ports()
    shop(here, stock=0)
    order = place(here)
    steps.reserve(here, order)

    def come_first() -> None:
        cells.before_commit = _nothing
        asked = cancel(here, order)
        assert isinstance(asked, Placed)

    cells.before_commit = come_first

    assert steps.reject(here, order) is Outcome.CANCELLED
    assert order_of(here, order).status is OrderStatus.CANCELLED
    assert [len(events_of(cells, f"Purchase{end}")) for end in ("Cancelled", "Rejected")] == [1, 0]


def _nothing() -> None:
    return None
