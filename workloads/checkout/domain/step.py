"""The steps of the checkout saga and what they answer: business outcomes are data that the saga branches on."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from workloads.checkout.domain.order import Order, OrderState, OrderStatus
from workloads.checkout.domain.reservation import Reservation, ReservationState
from workloads.checkout.domain.wallet import Payment, PaymentState
from workloads.contracts.events import CancellationReason, RejectionReason


class Step(StrEnum):
    """One transition of one aggregate; `refund` and `release` compensate `debit` and `reserve`."""

    RESERVE = "reserve"
    DEBIT = "debit"
    COMPLETE = "complete"
    REFUND = "refund"
    RELEASE = "release"
    REJECT = "reject"


class Outcome(StrEnum):
    """What a step answers. A repeat of the step answers the same, unless the order was given up or ended since."""

    RESERVED = "Reserved"
    SOLD_OUT = "SoldOut"
    DEBITED = "Debited"
    INSUFFICIENT_FUNDS = "InsufficientFunds"
    CURRENCY_MISMATCH = "CurrencyMismatch"
    WALLET_MISSING = "WalletMissing"
    COMPLETED = "Completed"
    REFUNDED = "Refunded"
    RELEASED = "Released"
    REJECTED = "Rejected"
    CANCELLED = "Cancelled"
    CANCELLATION_REQUESTED = "CancellationRequested"
    RESERVATION_EXPIRED = "ReservationExpired"
    UNCOMPENSATED = "Uncompensated"
    """The order can not be rejected yet: it still holds stock or money, which has to be given back first."""


ENDS: Final = frozenset({Outcome.COMPLETED, Outcome.REJECTED, Outcome.CANCELLED})
"""Answered for an order that has ended, and never changes again."""


class StepOutOfOrderError(RuntimeError):
    """The saga asked for a step whose ground is missing: its definition is wrong, and a retry does not help."""

    def __init__(self, order_id: str, step: Step, missing: str) -> None:
        super().__init__(f"{step.value} of order {order_id} came too early: {missing}")


class NothingReservedError(RuntimeError):
    """An order is to pay before anything was reserved for it: the state machine knows this error by its name."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} has no reservation yet: reserve, then debit")


def reservation_outcome(reservation: Reservation) -> Outcome:
    """Return what `reserve` answers for a reservation that exists."""
    if reservation.state is not ReservationState.RELEASED:
        return Outcome.RESERVED
    return Outcome.RELEASED if reservation.refusal is None else Outcome(reservation.refusal.value)


def payment_outcome(payment: Payment) -> Outcome:
    """Return what `debit` answers for a payment that exists."""
    if payment.state is PaymentState.PAID:
        return Outcome.DEBITED
    return Outcome.REFUNDED if payment.refusal is None else Outcome(payment.refusal.value)


def end_of(order: Order) -> Outcome | None:
    """Return how an order ended, or None while it is pending."""
    match order.state:
        case OrderState.PENDING:
            return None
        case OrderState.COMPLETED:
            return Outcome.COMPLETED
        case OrderState.REJECTED:
            return Outcome.REJECTED if order.cancelled is None else Outcome.CANCELLED


def stop_of(order: Order) -> Outcome | None:
    """Return why an order goes no step forward any more, or None while it does."""
    if order.status is OrderStatus.CANCELLING:
        return Outcome.CANCELLATION_REQUESTED
    return end_of(order)


def obstacle_to_payment(order: Order, reservation: Reservation | None, *, now: str) -> Outcome | None:
    """Return why an order must not pay any more: what it bought is not held. Raises NothingReservedError."""
    if reservation is None:
        raise NothingReservedError(order.id)
    return _obstacle_of_stock(reservation, now)


def obstacle_to_completion(
    order: Order, reservation: Reservation | None, payment: Payment | None, *, now: str
) -> Outcome | None:
    """Return why a pending order can not be completed any more; raises StepOutOfOrderError if it can not be yet.

    An order of nothing to pay has no payment.
    """
    if reservation is None:
        raise StepOutOfOrderError(order.id, Step.COMPLETE, "its stock was never reserved")
    if (obstacle := _obstacle_of_stock(reservation, now)) is not None:
        return obstacle
    if order.total.minor_units == 0:
        return None
    if payment is None:
        raise StepOutOfOrderError(order.id, Step.COMPLETE, "its wallet was never debited")
    return None if payment.state is PaymentState.PAID else payment_outcome(payment)


def _obstacle_of_stock(reservation: Reservation, now: str) -> Outcome | None:
    if reservation.state is not ReservationState.HELD:
        return reservation_outcome(reservation)
    return Outcome.RESERVATION_EXPIRED if reservation.is_expired(now) else None


def is_compensated(reservation: Reservation | None, payment: Payment | None) -> bool:
    """Tell whether an order holds and pays nothing, so that it may be rejected."""
    return (reservation is None or reservation.state is not ReservationState.HELD) and (
        payment is None or payment.state is not PaymentState.PAID
    )


def reason_of_end(
    order: Order, reservation: Reservation | None, payment: Payment | None
) -> RejectionReason | CancellationReason:
    """Return why an order ends without a purchase; where nobody called it off or refused it, something has failed."""
    if order.cancellation_requested_at is not None:
        return CancellationReason.CUSTOMER_REQUEST
    for part in (reservation, payment):
        if part is not None and part.refusal is not None:
            return part.refusal
    if reservation is not None and reservation.expired_at is not None:
        return CancellationReason.RESERVATION_EXPIRED
    return RejectionReason.TECHNICAL_FAILURE
