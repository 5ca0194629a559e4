"""An order: its beginning, its end, and that it is still open."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.order import Order


class AddOrder(FrozenChange, frozen=True):
    """A new order, if its id has none."""

    order: Order


class EndOrder(FrozenChange, frozen=True):
    """The end of an order, if it is pending at the same home, and nobody has asked to cancel it since it was read."""

    order: Order


class CheckOrderPending(FrozenChange, frozen=True):
    """The order is pending and its home is unchanged."""

    order: Order


class CheckOrderOpen(FrozenChange, frozen=True):
    """The order is pending, nobody has asked to cancel it, and its home is unchanged."""

    order: Order


class RequestCancellation(FrozenChange, frozen=True):
    """That the order's customer has asked to cancel it, if it is pending and nobody has."""

    order: Order


class RefundOrder(FrozenChange, frozen=True):
    """That the purchase was taken back, if it is completed and was not yet."""

    order: Order


OrderChange: TypeAlias = AddOrder | EndOrder | CheckOrderPending | CheckOrderOpen | RequestCancellation | RefundOrder
