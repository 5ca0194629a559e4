"""What a step is about: an order of a customer, with all that its saga has done so far."""

from __future__ import annotations

import msgspec

from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.reservation import Reservation
from workloads.checkout.domain.wallet import Payment, Wallet


class UnknownOrderError(LookupError):
    """The saga names an order that this Region does not have, or not as its home, or not of this customer."""

    def __init__(self, order_id: str, region: str) -> None:
        super().__init__(f"no order {order_id} of that customer is at home in {region}")


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """Which order, and whose: what a saga carries along, so that a step reads everything at once."""

    order_id: str
    customer_id: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """An order, and what it holds and has paid."""

    order: Order
    reservation: Reservation | None
    payment: Payment | None
    wallet: Wallet | None


def load(ports: Ports, checkout: Checkout) -> Progress:
    """Read how far a checkout is; raises UnknownOrderError."""
    found = ports.store.checkout(checkout.order_id, checkout.customer_id)
    order = found.order
    if order is None or order.customer_id != checkout.customer_id or order.home.region != ports.region:
        raise UnknownOrderError(checkout.order_id, ports.region)
    return Progress(order=order, reservation=found.reservation, payment=found.payment, wallet=found.account.wallet)
