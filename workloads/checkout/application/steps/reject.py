"""End an order without a purchase."""

from __future__ import annotations

from workloads.checkout.application.changes import CheckNothingHeld, CheckNotPaid, EndOrder
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import order_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps.subject import Checkout, load
from workloads.checkout.domain import order as orders
from workloads.checkout.domain.step import Outcome, end_of, is_compensated, reason_of_end
from workloads.contracts.events import CancellationReason, RejectionReason


def reject(ports: Ports, checkout: Checkout) -> Outcome:
    """End the order once it holds and pays nothing; why is read from what its reservation and its payment say."""
    return decide(ports, lambda: _reject(ports, checkout))


def _reject(ports: Ports, checkout: Checkout) -> Outcome:
    progress = load(ports, checkout)
    order = progress.order
    if (end := end_of(order)) is not None:
        return end
    if not is_compensated(progress.reservation, progress.payment):
        return Outcome.UNCOMPENSATED
    match reason_of_end(order, progress.reservation, progress.payment):
        case CancellationReason() as reason:
            ended, event = orders.cancel(order, reason)
        case RejectionReason() as reason:
            ended, event = orders.reject(order, reason)
    ports.store.commit(
        [EndOrder(ended), CheckNothingHeld(order.id), CheckNotPaid(order.customer_id, order.id)],
        [order_entry(ports, order, event)],
    )
    return Outcome.REJECTED if ended.cancelled is None else Outcome.CANCELLED
