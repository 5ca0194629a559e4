"""End an order as a purchase."""

from __future__ import annotations

from workloads.checkout.application.changes import CheckPaid, ConsumeReservation, EndOrder
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import order_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps.subject import Checkout, load
from workloads.checkout.domain import order as orders
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain.step import Outcome, obstacle_to_completion, stop_of
from workloads.contracts.clock import timestamp


def complete(ports: Ports, checkout: Checkout) -> Outcome:
    """Make the purchase final: it has its stock and its money."""
    return decide(ports, lambda: _complete(ports, checkout))


def _complete(ports: Ports, checkout: Checkout) -> Outcome:
    progress = load(ports, checkout)
    order = progress.order
    if (stop := stop_of(order)) is not None:
        return stop
    now = timestamp(ports.clock.now())
    obstacle = obstacle_to_completion(order, progress.reservation, progress.payment, now=now)
    if obstacle is not None or progress.reservation is None:
        return obstacle or Outcome.RELEASED
    completed, event = orders.complete(order, now=now)
    ports.store.commit(
        [
            EndOrder(completed),
            ConsumeReservation(reservations.consume(progress.reservation), now),
            *([CheckPaid(order.customer_id, order.id)] if progress.payment is not None else []),
        ],
        [order_entry(ports, order, event)],
    )
    return Outcome.COMPLETED
