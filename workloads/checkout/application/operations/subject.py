"""The order that an operation is about."""

from __future__ import annotations

from workloads.checkout.application.ports import OrderRecord, Ports
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.refusal import Refusal, RefusalKind


def order_at_home(ports: Ports, order_id: str, record: OrderRecord) -> Order | Refusal:
    """Return the order if it is at home in this Region, or the refusal that says where to go."""
    if record.order is None:
        return Refusal(RefusalKind.UNKNOWN_ORDER, f"there is no order {order_id}")
    home = record.order.home.region
    if home != ports.region:
        return Refusal(RefusalKind.UNKNOWN_ORDER, f"{order_id} is at home in {home}: ask the entry API of that Region")
    return record.order
