"""Hold the units of all lines of an order, or none."""

from __future__ import annotations

from workloads.checkout.application.changes import AddReservation, CheckOrderPending, MoveStock
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import order_level_entries, stock_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps.subject import Checkout, load
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain.reservation import ReservationState
from workloads.checkout.domain.step import Outcome, end_of, reservation_outcome


def reserve(ports: Ports, checkout: Checkout) -> Outcome:
    """Hold the units, once; a refusal stands, even when stock comes afterwards."""
    return decide(ports, lambda: _reserve(ports, checkout))


def _reserve(ports: Ports, checkout: Checkout) -> Outcome:
    progress = load(ports, checkout)
    order = progress.order
    if progress.reservation is not None:
        return reservation_outcome(progress.reservation)
    if (end := end_of(order)) is not None:
        return end
    allotments = ports.store.allotments(reservations.units_of(order), ports.region)
    reservation = reservations.reserve(order, allotments)
    held = reservation.state is ReservationState.HELD
    movements = reservations.movements_to_hold(reservation, allotments)
    ports.store.commit(
        [CheckOrderPending(order), AddReservation(reservation), *map(MoveStock, movements)],
        [
            *([stock_entry(ports, order, reservations.reserved(order))] if held else []),
            *order_level_entries(ports, order, movements),
        ],
    )
    return reservation_outcome(reservation)
