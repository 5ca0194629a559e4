"""The steps of the saga: each is one transaction on one aggregate, idempotent, and fenced against the late.

A step that compensates leaves a trace even where there is nothing to undo, so that the step which it undoes can not
succeed after it; and none of them touches an order that was completed, whose answer was merely lost.
"""

from __future__ import annotations

from workloads.checkout.application.changes import (
    AddPayment,
    AddReservation,
    ChangeWallet,
    CheckNothingHeld,
    CheckNotPaid,
    CheckOrderPending,
    CheckPaid,
    EndOrder,
    MoveReservation,
    MoveStock,
    RefundPayment,
)
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import order_entry, order_level_entries, payment_entry, stock_entry
from workloads.checkout.application.ports import OrderRecord, Ports
from workloads.checkout.domain import order as orders
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain import wallet as wallets
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.reservation import ReservationState
from workloads.checkout.domain.step import (
    Outcome,
    end_of,
    obstacle_to_completion,
    payment_outcome,
    refuse_uncompensated,
    reservation_outcome,
)
from workloads.checkout.domain.wallet import Payment, PaymentState
from workloads.contracts.clock import timestamp
from workloads.contracts.events import RejectionReason


class UnknownOrderError(LookupError):
    """The saga names an order that this Region does not have, or not as its home."""

    def __init__(self, order_id: str, region: str) -> None:
        super().__init__(f"no order {order_id} is at home in {region}")


def reserve(ports: Ports, order_id: str) -> Outcome:
    """Hold the units of all lines of an order, or none."""

    def attempt() -> Outcome:
        order, record = _load(ports, order_id)
        if record.reservation is not None:
            return reservation_outcome(record.reservation)
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

    return decide(ports, attempt)


def debit(ports: Ports, order_id: str) -> Outcome:
    """Pay an order from the customer's wallet; an order of nothing to pay needs none."""

    def attempt() -> Outcome:
        order, _ = _load(ports, order_id)
        if order.total.minor_units == 0:
            return Outcome.DEBITED
        payment = ports.store.payment(order.customer_id, order_id)
        if payment is not None:
            return payment_outcome(payment)
        if (end := end_of(order)) is not None:
            return end
        match wallets.debit(ports.store.account(order.customer_id).wallet, order):
            case Payment() as refused:
                ports.store.commit([CheckOrderPending(order), AddPayment(refused)])
                return payment_outcome(refused)
            case (wallet, paid):
                ports.store.commit(
                    [CheckOrderPending(order), ChangeWallet(wallet), AddPayment(paid)],
                    [payment_entry(ports, order, wallets.debited(wallet, paid))],
                )
                return payment_outcome(paid)

    return decide(ports, attempt)


def complete(ports: Ports, order_id: str) -> Outcome:
    """End an order as a purchase: it has its stock and its money."""

    def attempt() -> Outcome:
        order, record = _load(ports, order_id)
        if (end := end_of(order)) is not None:
            return end
        payment = ports.store.payment(order.customer_id, order_id)
        obstacle = obstacle_to_completion(order, record.reservation, payment)
        if obstacle is not None or record.reservation is None:
            return obstacle or Outcome.RELEASED
        completed, event = orders.complete(order, now=timestamp(ports.clock.now()))
        ports.store.commit(
            [
                EndOrder(completed),
                MoveReservation(reservations.consume(record.reservation)),
                *([CheckPaid(order.customer_id, order_id)] if payment is not None else []),
            ],
            [order_entry(ports, order, event)],
        )
        return Outcome.COMPLETED

    return decide(ports, attempt)


def refund(ports: Ports, order_id: str) -> Outcome:
    """Give back what an order has paid, and see to it that it pays nothing from now on."""

    def attempt() -> Outcome:
        order, _ = _load(ports, order_id)
        end = end_of(order)
        if end is Outcome.COMPLETED:
            return end
        payment = ports.store.payment(order.customer_id, order_id)
        if payment is None:
            if end is None and order.total.minor_units > 0:
                ports.store.commit([CheckOrderPending(order), AddPayment(wallets.give_up_payment(order))])
            return Outcome.REFUNDED
        wallet = ports.store.account(order.customer_id).wallet
        if payment.state is not PaymentState.PAID or wallet is None:
            return Outcome.REFUNDED
        credited, refunded = wallets.refund(wallet, payment)
        ports.store.commit(
            [
                CheckOrderPending(order),
                ChangeWallet(credited),
                RefundPayment(refunded, timestamp(ports.clock.now())),
            ],
            [payment_entry(ports, order, wallets.refunded(credited, refunded))],
        )
        return Outcome.REFUNDED

    return decide(ports, attempt)


def release(ports: Ports, order_id: str) -> Outcome:
    """Give back what an order holds, and see to it that it holds nothing from now on."""

    def attempt() -> Outcome:
        order, record = _load(ports, order_id)
        end = end_of(order)
        if end is Outcome.COMPLETED:
            return end
        before = record.reservation
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

    return decide(ports, attempt)


def reject(ports: Ports, order_id: str, reason: RejectionReason) -> Outcome:
    """End an order without a purchase, once it holds and pays nothing."""

    def attempt() -> Outcome:
        order, record = _load(ports, order_id)
        if (end := end_of(order)) is not None:
            return end
        refuse_uncompensated(order, record.reservation, ports.store.payment(order.customer_id, order_id))
        rejected, event = orders.reject(order, reason)
        ports.store.commit(
            [EndOrder(rejected), CheckNothingHeld(order_id), CheckNotPaid(order.customer_id, order_id)],
            [order_entry(ports, order, event)],
        )
        return Outcome.REJECTED

    return decide(ports, attempt)


def _load(ports: Ports, order_id: str) -> tuple[Order, OrderRecord]:
    record = ports.store.order(order_id)
    if record.order is None or record.order.home.region != ports.region:
        raise UnknownOrderError(order_id, ports.region)
    return record.order, record
