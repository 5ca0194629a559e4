"""Settle what an order that has ended still holds: what the auditor calls an orphaned reservation."""

from __future__ import annotations

from workloads.checkout.application.changes import MoveReservation
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.hot_items.returning import Return, announce_returned, plan_return
from workloads.checkout.application.operations.subject import order_at_home
from workloads.checkout.application.outbox_entries import Cause, level_entries, stock_entry
from workloads.checkout.application.outbox_entry import OutboxEntry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import Settled
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain.operation import Repair
from workloads.checkout.domain.order import Order, OrderState
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.reservation import Reservation, ReservationState
from workloads.contracts.clock import timestamp


def repair(ports: Ports, command: Repair, cause: Cause) -> Settled | Refusal:
    """Give the units back, or count them as sold where the order was completed; a pending order is its saga's."""
    result, returned = decide(ports, lambda: _repair(ports, command, cause))
    announce_returned(ports, returned)
    return result


def _repair(ports: Ports, command: Repair, cause: Cause) -> tuple[Settled | Refusal, Return]:
    record = ports.store.order(command.order_id)
    order = order_at_home(ports, command.order_id, record)
    reservation = record.reservation
    refusal = order if isinstance(order, Refusal) else None
    if refusal is None and (reservation is None or reservation.state is not ReservationState.HELD):
        refusal = Refusal(RefusalKind.NOTHING_TO_REPAIR, f"{command.order_id} holds nothing")
    if isinstance(order, Order) and order.state is OrderState.PENDING:
        refusal = Refusal(RefusalKind.NOTHING_TO_REPAIR, f"{order.id} is pending: redrive it, its saga settles it")
    if refusal is not None or isinstance(order, Refusal) or reservation is None:
        keep(ports, cause, refusal or Settled())
        return refusal or Settled(), Return()
    return Settled(), _settle(ports, order, reservation, cause)


def _settle(ports: Ports, order: Order, reservation: Reservation, cause: Cause) -> Return:
    recorded = record_of(ports, cause, Settled())
    if order.state is OrderState.COMPLETED:
        ports.store.commit([MoveReservation(reservations.consume(reservation)), *recorded])
        return Return()
    returned = plan_return(ports, reservation)
    told: list[OutboxEntry] = [
        stock_entry(ports, order, reservations.released(order)),
        *level_entries(ports, returned.movements, correlation_id=cause.correlation_id, causation_id=cause.id),
    ]
    released = MoveReservation(reservations.release(order, reservation, now=timestamp(ports.clock.now())))
    ports.store.commit([released, *returned.changes, *recorded], told)
    return returned
