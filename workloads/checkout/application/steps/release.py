"""Compensate `reserve`."""

from __future__ import annotations

from workloads.checkout.application.changes import AddReservation, CheckOrderPending, MoveReservation, MoveStock
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import order_level_entries, stock_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps.subject import Checkout, load
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain.reservation import ReservationState
from workloads.checkout.domain.step import Outcome, end_of


def release(ports: Ports, checkout: Checkout) -> Outcome:
    """Give back what an order holds, and see to it that it holds nothing from now on."""
    return decide(ports, lambda: _release(ports, checkout))


def _release(ports: Ports, checkout: Checkout) -> Outcome:
    progress = load(ports, checkout)
    order, before = progress.order, progress.reservation
    end = end_of(order)
    if end is Outcome.COMPLETED:
        return end
    if before is None:
        if end is None:
            ports.store.commit([CheckOrderPending(order), AddReservation(reservations.release(order, None))])
        return Outcome.RELEASED
    if before.state is not ReservationState.HELD:
        return Outcome.RELEASED
    movements = reservations.movements_to_release(before, ports.store.allotments(before.units, ports.region))
    ports.store.commit(
        [
            CheckOrderPending(order),
            MoveReservation(reservations.release(order, before)),
            *map(MoveStock, movements),
        ],
        [
            stock_entry(ports, order, reservations.released(order)),
            *order_level_entries(ports, order, movements),
        ],
    )
    return Outcome.RELEASED
