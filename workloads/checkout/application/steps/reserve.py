"""Hold the units of all lines of an order, or none."""

from __future__ import annotations

from workloads.checkout.application.changes import AddReservation, CheckOrderOpen
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.hot_items.holding import hold
from workloads.checkout.application.hot_items.taking import TokensInHand
from workloads.checkout.application.outbox_entries import order_level_entries, stock_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps.subject import Checkout, load
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain.reservation import ReservationState
from workloads.checkout.domain.step import Outcome, reservation_outcome, stop_of
from workloads.contracts.clock import timestamp


def reserve(ports: Ports, checkout: Checkout) -> Outcome:
    """Hold the units, once; a refusal stands, even when stock comes afterwards."""
    hand = TokensInHand(ports)
    try:
        return decide(ports, lambda: _reserve(ports, checkout, hand))
    finally:
        hand.give_back()


def _reserve(ports: Ports, checkout: Checkout, hand: TokensInHand) -> Outcome:
    progress = load(ports, checkout)
    order = progress.order
    if progress.reservation is not None:
        hand.settle(progress.reservation)
        return reservation_outcome(progress.reservation)
    if (stop := stop_of(order)) is not None:
        return stop
    holding = hold(ports, order, hand)
    expires_at = timestamp(ports.clock.now() + ports.reservation_lifetime)
    reservation = reservations.hold_until(holding.reservation, expires_at)
    held = reservation.state is ReservationState.HELD
    ports.store.commit(
        [CheckOrderOpen(order), AddReservation(reservation), *holding.changes],
        [
            *([stock_entry(ports, order, reservations.reserved(order))] if held else []),
            *order_level_entries(ports, order, holding.movements),
        ],
    )
    hand.settle(reservation)
    return reservation_outcome(reservation)
