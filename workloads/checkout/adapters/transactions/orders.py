"""Changes of orders as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.adapters.transactions.writer import Writer
from workloads.checkout.application.changes import (
    AddOrder,
    CheckOrderOpen,
    CheckOrderPending,
    EndOrder,
    OrderChange,
    RefundOrder,
    RequestCancellation,
)
from workloads.checkout.domain.order import Order, OrderState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def order_actions(write: Writer, change: OrderChange) -> list[TransactWriteItemTypeDef]:
    """Return the action of a change."""
    match change:
        case AddOrder(order=order):
            return [write.add(keys.order(order.id), items.write_order(order))]
        case EndOrder(order=order):
            ended: dict[str, Plain] = {"state": order.state.value, "sequence": order.sequence}
            if order.reason is not None:
                ended["reason"] = order.reason.value
            if order.cancelled is not None:
                ended["cancelled"] = order.cancelled.value
            # Who asks for a cancellation after the decision, and before the end, is not told that it comes.
            fence = _open if order.cancellation_requested_at is None else _pending
            return [write.update(keys.order(order.id), ended, *fence(order))]
        case CheckOrderPending(order=order):
            return [write.check(keys.order(order.id), *_pending(order))]
        case CheckOrderOpen(order=order):
            return [write.check(keys.order(order.id), *_open(order))]
        case RequestCancellation(order=Order(cancellation_requested_at=str(requested_at)) as order):
            requested: dict[str, Plain] = {"cancellation_requested_at": requested_at}
            return [write.update(keys.order(order.id), requested, *_open(order))]
        case RefundOrder(order=Order(refunded_at=str(refunded_at)) as order):
            refunded: dict[str, Plain] = {"refunded_at": refunded_at, "sequence": order.sequence}
            return [write.update(keys.order(order.id), refunded, *_refundable(order))]
        case _:
            raise AssertionError(change)


def _pending(order: Order) -> tuple[str, dict[str, Plain]]:
    """Return the fence of everything that the saga does: the order has not ended, and its home has not moved on."""
    return "#state = :pending AND home = :home AND epoch = :epoch", {
        ":pending": OrderState.PENDING.value,
        ":home": order.home.region,
        ":epoch": order.home.epoch,
    }


def _open(order: Order) -> tuple[str, dict[str, Plain]]:
    """Return the fence of the way forward: besides, nobody has asked to cancel the order."""
    pending, values = _pending(order)
    return f"{pending} AND attribute_not_exists(cancellation_requested_at)", values


def _refundable(order: Order) -> tuple[str, dict[str, Plain]]:
    return (
        "#state = :completed AND attribute_not_exists(refunded_at) AND home = :home AND epoch = :epoch",
        {":completed": OrderState.COMPLETED.value, ":home": order.home.region, ":epoch": order.home.epoch},
    )
