"""Short ways to what the tests of checkout need again and again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from tests.workloads.conftest import HERE, REGIONS
from workloads.checkout.application.deposit import deposit_to_wallet
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports, Store
from workloads.checkout.application.results import Deposited, Placed
from workloads.checkout.application.set_allotment import set_allotment
from workloads.checkout.application.set_price import set_price
from workloads.checkout.domain.order import Acceptance
from workloads.contracts.commands import (
    DepositToWallet,
    OperatorsRequest,
    PlaceOrder,
    RefundPurchase,
    RequestedLine,
    SetAllotment,
    SetPrice,
)
from workloads.contracts.money import Money

CUSTOMER = "us-east-1.c-1"
FOREIGNER = "eu-west-1.c-1"
CD = "cd-1099"
BOOK = "book-2500"


class FakeClock:
    """A clock that only its readers and sleepers move."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.slept = 0.0

    def now(self) -> datetime:
        self.moment += timedelta(microseconds=1)
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


class HasPorts(Protocol):
    """Memory or DynamoDB, as two Regions see it."""

    def ports(self, region: str = HERE) -> Ports: ...


def ports_on(store: Store, region: str = HERE, clock: FakeClock | None = None) -> Ports:
    clock = clock or FakeClock()
    return Ports(store=store, clock=clock, sleep=clock.sleep, region=region, regions=REGIONS)


def request(identifier: str = "request-1") -> Cause:
    return Cause(id=identifier, correlation_id=identifier, acceptance=Acceptance.SYNCHRONOUS)


def command(identifier: str = "command-1", owner: str = CUSTOMER) -> Cause:
    return Cause(id=identifier, correlation_id=identifier, acceptance=Acceptance.ASYNCHRONOUS, owner=owner)


def refund_of(order_id: str, identifier: str = "op-1", customer: str = CUSTOMER) -> RefundPurchase:
    """Return what another Region hands over when an operator asks there."""
    asked = OperatorsRequest(operation_id=identifier, operator="anna", reason="complaint 42", request_hash="h")
    return RefundPurchase(customer_id=customer, order_id=order_id, request=asked)


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def order_of(*lines: tuple[str, int], customer: str = CUSTOMER, key: str = "key-1") -> PlaceOrder:
    requested = tuple(RequestedLine(sku, quantity) for sku, quantity in lines or ((CD, 1),))
    return PlaceOrder(customer_id=customer, idempotency_key=key, lines=requested)


def deposit_of(amount: Money, customer: str = CUSTOMER, key: str = "key-1") -> DepositToWallet:
    return DepositToWallet(customer_id=customer, idempotency_key=key, amount=amount)


def list_price(ports: Ports, sku: str = CD, price: Money | None = None, version: int = 1) -> None:
    set_price(ports, SetPrice(sku=sku, price=price or usd(1099), version=version), request())


def allot(ports: Ports, sku: str = CD, units: int = 10, version: int = 1) -> None:
    set_allotment(ports, SetAllotment(sku=sku, units=units, version=version), request())


def deposit(ports: Ports, amount: int = 100_00, customer: str = CUSTOMER, key: str = "opening") -> Deposited:
    result = deposit_to_wallet(ports, deposit_of(usd(amount), customer, key), request())
    assert isinstance(result, Deposited), result
    return result


def place(ports: Ports, *lines: tuple[str, int], customer: str = CUSTOMER, key: str = "key-1") -> str:
    result = place_order(ports, order_of(*lines, customer=customer, key=key), request())
    assert isinstance(result, Placed), result
    return result.order.id


def shop(ports: Ports, *, stock: int = 10, price: int = 1099, balance: int = 100_00) -> None:
    """Open a shop with one title, and a customer with money."""
    list_price(ports, price=usd(price))
    allot(ports, units=stock)
    deposit(ports, balance)


def replaced(ports: Ports, **changes: Any) -> Ports:
    return Ports(**{name: getattr(ports, name) for name in ports.__struct_fields__} | changes)
