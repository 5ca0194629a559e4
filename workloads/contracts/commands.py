"""The commands that travel on the bus: asked for through the entry API, by systems of record, or by another Region.

Readers ignore unknown fields, as with events; the entry API refuses them before a command is made.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from workloads.contracts.identifiers import CustomerId, IdempotencyKey, Region, Sku
from workloads.contracts.money import Money

MAXIMUM_LINES = 20
MAXIMUM_QUANTITY = 100
MAXIMUM_UNITS = 10**12

Version = Annotated[
    int, msgspec.Meta(ge=1, le=10**15, description="Counted up by the system of record; the newest wins")
]

TransferredUnits = Annotated[int, msgspec.Meta(ge=1, le=MAXIMUM_UNITS)]


class Command(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every command has: a version of its schema."""

    VERSION: ClassVar[int] = 1


class RequestedLine(msgspec.Struct, frozen=True, rename="camel"):
    """So many units of one SKU. A client never says a price: checkout knows it."""

    sku: Sku
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MAXIMUM_QUANTITY)]


RequestedLines = Annotated[tuple[RequestedLine, ...], msgspec.Meta(min_length=1, max_length=MAXIMUM_LINES)]


class PlaceOrder(Command, frozen=True, kw_only=True, rename="camel"):
    """Place an order for this customer; the key makes it the same order however often it is asked for."""

    customer_id: CustomerId
    idempotency_key: IdempotencyKey
    lines: RequestedLines


class DepositToWallet(Command, frozen=True, kw_only=True, rename="camel"):
    """Add money to a customer's wallet, once for each key."""

    customer_id: CustomerId
    idempotency_key: IdempotencyKey
    amount: Money


class SetPrice(Command, frozen=True, kw_only=True, rename="camel"):
    """Set the list price of a SKU in all Regions."""

    sku: Sku
    price: Money
    version: Version


class SetAllotment(Command, frozen=True, kw_only=True, rename="camel"):
    """Set how many units of a SKU the Region that receives the command may sell in all, those already sold included."""

    sku: Sku
    units: Annotated[int, msgspec.Meta(ge=0, le=MAXIMUM_UNITS)]
    version: Version


class RequestedSellingMode(StrEnum):
    """How a SKU is to be sold."""

    PLAIN = "Plain"
    HOT = "Hot"


class SetSellingMode(Command, frozen=True, kw_only=True, rename="camel"):
    """Set how the Region that receives the command sells a SKU: hot while very many want it at once, else plain."""

    sku: Sku
    mode: RequestedSellingMode
    version: Version


class CancelOrder(Command, frozen=True, kw_only=True, rename="camel"):
    """Call an order off that is not complete yet: another Region hands over what its customer asked for there."""

    customer_id: CustomerId
    order_id: str


class OperatorsRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who asked for it and why, for the trail of the Region in which it is done."""

    operation_id: str
    operator: str
    reason: str
    request_hash: str


class RefundPurchase(Command, frozen=True, kw_only=True, rename="camel"):
    """Take a completed purchase back: another Region hands over what an operator asked for there."""

    customer_id: CustomerId
    order_id: str
    request: OperatorsRequest


class TransferAllotment(Command, frozen=True, kw_only=True, rename="camel"):
    """Send units that are free in the Region that receives the command to another Region, once for each id."""

    transfer_id: IdempotencyKey
    sku: Sku
    units: TransferredUnits
    to_region: Region


class ReceiveTransfer(Command, frozen=True, kw_only=True, rename="camel"):
    """Take in the units of a transfer, which have left their Region. Given by that Region only."""

    transfer_id: IdempotencyKey
    sku: Sku
    units: TransferredUnits
    from_region: Region


class StopSelling(Command, frozen=True, kw_only=True, rename="camel"):
    """Take no more orders of a SKU in any Region; those already taken go on."""

    sku: Sku
    version: Version


class ResumeSelling(Command, frozen=True, kw_only=True, rename="camel"):
    """Take orders of a SKU again."""

    sku: Sku
    version: Version


COMMANDS: tuple[type[Command], ...] = (
    PlaceOrder,
    DepositToWallet,
    SetPrice,
    SetAllotment,
    SetSellingMode,
    CancelOrder,
    RefundPurchase,
    TransferAllotment,
    ReceiveTransfer,
    StopSelling,
    ResumeSelling,
)
