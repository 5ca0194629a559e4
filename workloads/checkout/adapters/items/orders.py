"""Orders as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.items.fields import Fields, read_reason
from workloads.checkout.application.ports import OrderPlace
from workloads.checkout.domain.home import Home
from workloads.checkout.domain.order import Acceptance, Order, OrderState
from workloads.contracts.events import CancellationReason, OrderLine
from workloads.contracts.money import Money


def write_order(order: Order) -> Fields:
    """Write an order."""
    return {
        "order_id": order.id,
        "customer_id": order.customer_id,
        "request_hash": order.request_hash,
        "lines": [
            {
                "sku": line.sku,
                "quantity": line.quantity,
                "unit_price": line.unit_price.minor_units,
                "currency": line.unit_price.currency,
            }
            for line in order.lines
        ],
        "total": order.total.minor_units,
        "currency": order.total.currency,
        "state": order.state.value,
        "sequence": order.sequence,
        "placed_at": order.placed_at,
        "home": order.home.region,
        "epoch": order.home.epoch,
        "acceptance": order.acceptance.value,
        "correlation_id": order.correlation_id,
        "reason": order.reason.value if order.reason else None,
        "cancellation_requested_at": order.cancellation_requested_at,
        "cancelled": order.cancelled.value if order.cancelled else None,
        "refunded_at": order.refunded_at,
    }


def read_order(item: Mapping[str, Any]) -> Order:
    """Read an order."""
    return Order(
        id=item["order_id"],
        customer_id=item["customer_id"],
        request_hash=item["request_hash"],
        lines=tuple(
            OrderLine(line["sku"], line["quantity"], Money(line["unit_price"], line["currency"]))
            for line in item["lines"]
        ),
        total=Money(item["total"], item["currency"]),
        state=OrderState(item["state"]),
        sequence=item["sequence"],
        placed_at=item["placed_at"],
        home=Home(item["home"], item["epoch"]),
        acceptance=Acceptance(item["acceptance"]),
        correlation_id=item["correlation_id"],
        reason=read_reason(item.get("reason")),
        cancellation_requested_at=item.get("cancellation_requested_at"),
        cancelled=CancellationReason(item["cancelled"]) if "cancelled" in item else None,
        refunded_at=item.get("refunded_at"),
    )


def read_place(item: Mapping[str, Any]) -> OrderPlace:
    """Read where an order stands, of which only the keys are in the index."""
    return OrderPlace(item["placed_at"], item["pk"].partition("#")[2])
