"""Changes of orders as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.adapters.transactions.writer import Writer
from workloads.checkout.application.changes import AddOrder, CheckOrderPending, EndOrder, OrderChange
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
            return [write.update(keys.order(order.id), ended, *_pending(order))]
        case CheckOrderPending(order=order):
            return [write.check(keys.order(order.id), *_pending(order))]


def _pending(order: Order) -> tuple[str, dict[str, Plain]]:
    """Return the fence of everything that the saga does: the order is open, and its home has not moved on."""
    return "#state = :pending AND home = :home AND epoch = :epoch", {
        ":pending": OrderState.PENDING.value,
        ":home": order.home.region,
        ":epoch": order.home.epoch,
    }
