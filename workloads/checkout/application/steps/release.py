"""Compensate `reserve`."""

from __future__ import annotations

from workloads.checkout.application.changes import AddReservation, CheckOrderPending, MoveReservation
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.hot_items.returning import Return, announce_returned, plan_return
from workloads.checkout.application.outbox_entries import order_level_entries, stock_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps.subject import Checkout, load
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain.reservation import ReservationState
from workloads.checkout.domain.step import Outcome, end_of
from workloads.contracts.clock import timestamp


def release(ports: Ports, checkout: Checkout) -> Outcome:
    """Give back what an order holds, and see to it that it holds nothing from now on."""
    outcome, returned = decide(ports, lambda: _release(ports, checkout))
    announce_returned(ports, returned)
    return outcome


def _release(ports: Ports, checkout: Checkout) -> tuple[Outcome, Return]:
    progress = load(ports, checkout)
    order, before = progress.order, progress.reservation
    now = timestamp(ports.clock.now())
    end = end_of(order)
    if end is Outcome.COMPLETED:
        return end, Return()
    if before is None:
        if end is None:
            ports.store.commit([CheckOrderPending(order), AddReservation(reservations.release(order, None, now=now))])
        return Outcome.RELEASED, Return()
    if before.state is not ReservationState.HELD:
        return Outcome.RELEASED, Return()
    returned = plan_return(ports, before)
    ports.store.commit(
        [
            CheckOrderPending(order),
            MoveReservation(reservations.release(order, before, now=now)),
            *returned.changes,
        ],
        [
            stock_entry(ports, order, reservations.released(order)),
            *order_level_entries(ports, order, returned.movements),
        ],
    )
    return Outcome.RELEASED, returned
