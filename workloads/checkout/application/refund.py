"""Take a completed purchase back: the money returns to the wallet, the units return to the allotment.

The points that the purchase earned stay: the loyalty programme has no rule that takes points back. Only an operator
refunds, so every refund is in the operators' trail, in the Region in which it was asked for and in the order's home.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from workloads.checkout.application.changes import (
    Change,
    ChangeWallet,
    RefundOrder,
    RefundPayment,
    ReturnUnits,
)
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.hot_items.returning import Return, announce_returned, plan_return
from workloads.checkout.application.outbox_entries import (
    Cause,
    handover_entry,
    order_entry,
    order_level_entries,
    payment_entry,
    stock_entry,
)
from workloads.checkout.application.outbox_entry import OutboxEntry
from workloads.checkout.application.ports import CheckoutRecord, Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import HandedOver, Placed, Settled
from workloads.checkout.domain import order as orders
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain import wallet as wallets
from workloads.checkout.domain.handover import hand_over
from workloads.checkout.domain.operation import Action, Operation, Refund
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.clock import timestamp
from workloads.contracts.commands import OperatorsRequest, RefundPurchase
from workloads.contracts.money import AmountOutOfBoundsError

Result: TypeAlias = Placed | HandedOver | Settled | Refusal
"""Settled is what was carried out before, for the same operation."""


def refund_order(ports: Ports, request: Refund, operation: Operation, *, cause: Cause) -> Result:
    """Do what an operator asks for, or hand it over to the order's home."""
    order = ports.store.order(request.order_id).order
    if order is not None and order.home.region != ports.region:
        return decide(ports, lambda: _hand_over(ports, order, operation, cause))
    return _refunded(ports, request.order_id, cause)


def refund_purchase(ports: Ports, command: RefundPurchase, cause: Cause) -> Result:
    """Carry out what another Region handed over."""
    asked = command.request
    operation = Operation(
        id=asked.operation_id,
        operator=asked.operator,
        action=Action.REFUND,
        subject=command.order_id,
        reason=asked.reason,
        request_hash=asked.request_hash,
    )
    return _refunded(ports, command.order_id, msgspec.structs.replace(cause, operation=operation))


def _hand_over(ports: Ports, order: Order, operation: Operation, cause: Cause) -> Result:
    if _was_carried_out(ports, cause):
        return Settled()
    # Each operation is a command of its own: one that was refused at home does not stand in the next one's way.
    handover = hand_over(
        operation.id,
        customer_id=order.customer_id,
        request_hash=operation.request_hash,
        region=ports.region,
        home_region=order.home.region,
        now=timestamp(ports.clock.now()),
    )
    request = OperatorsRequest(
        operation_id=operation.id,
        operator=operation.operator,
        reason=operation.reason,
        request_hash=operation.request_hash,
    )
    command = RefundPurchase(customer_id=order.customer_id, order_id=order.id, request=request)
    result = HandedOver(handover)
    ports.store.commit(record_of(ports, cause, result), [handover_entry(ports, handover, command, cause)])
    return result


def _refunded(ports: Ports, order_id: str, cause: Cause) -> Result:
    """Give money and units back in one transaction, once, however often it is asked for."""
    result, returned = decide(ports, lambda: _refund(ports, order_id, cause))
    announce_returned(ports, returned)
    return result


def _refund(ports: Ports, order_id: str, cause: Cause) -> tuple[Result, Return]:
    if _was_carried_out(ports, cause):
        # Asked for here and in another Region at a time: the operation is one, and so is its entry in the trail.
        keep(ports, msgspec.structs.replace(cause, operation=None), Settled())
        return Settled(), Return()
    known = ports.store.order(order_id).order
    record = ports.store.checkout(order_id, known.customer_id) if known else None
    if record is None or record.order is None:
        return _kept(ports, cause, Refusal(RefusalKind.UNKNOWN_ORDER, f"there is no order {order_id}"))
    order = record.order
    now = timestamp(ports.clock.now())
    decided = orders.refund(order, now=now)
    if isinstance(decided, Refusal):
        return _kept(ports, cause, decided)
    refunded, event = decided
    try:
        money, told = _money_back(ports, order, record, now)
    except AmountOutOfBoundsError as error:
        return _kept(ports, cause, Refusal(RefusalKind.AMOUNT_TOO_LARGE, f"the wallet can not hold so much: {error}"))
    units, released, returned = _units_back(ports, order, record, now)
    ports.store.commit(
        [RefundOrder(refunded), *money, *units, *record_of(ports, cause, Placed(refunded))],
        [order_entry(ports, refunded, event, causation_id=cause.id), *told, *released],
    )
    return Placed(refunded), returned


def _was_carried_out(ports: Ports, cause: Cause) -> bool:
    """Return whether this Region has written its entry of the operation."""
    return cause.operation is not None and ports.store.was_carried_out_here(cause.operation.id)


def _kept(ports: Ports, cause: Cause, refusal: Refusal) -> tuple[Result, Return]:
    keep(ports, cause, refusal)
    return refusal, Return()


def _money_back(ports: Ports, order: Order, record: CheckoutRecord, now: str) -> tuple[list[Change], list[OutboxEntry]]:
    """Return what gives the money back, nothing where nothing was paid; raises AmountOutOfBoundsError."""
    if record.payment is None or record.account.wallet is None:
        return [], []
    wallet, payment = wallets.refund(record.account.wallet, record.payment)
    entry = payment_entry(ports, order, wallets.refunded(wallet, payment))
    return [ChangeWallet(wallet), RefundPayment(payment, now)], [entry]


def _units_back(
    ports: Ports, order: Order, record: CheckoutRecord, now: str
) -> tuple[list[Change], list[OutboxEntry], Return]:
    if record.reservation is None:
        return [], [], Return()
    returned = plan_return(ports, record.reservation)
    return (
        [ReturnUnits(reservations.give_back(record.reservation, now=now)), *returned.changes],
        [
            stock_entry(ports, order, reservations.released(order)),
            *order_level_entries(ports, order, returned.movements),
        ],
        returned,
    )
