"""The domain events that contexts publish. A field may be added with a default; anything else is a new version.

Readers ignore fields that they do not know, so that version N-1 reads what version N wrote.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from workloads.contracts.identifiers import CustomerId, IdempotencyKey, Region, Sku
from workloads.contracts.money import Money

Sequence = Annotated[int, msgspec.Meta(ge=1)]
"""The position within the aggregate's own history: a bus keeps no order, so consumers need it to tell old from new."""

Timestamp = Annotated[str, msgspec.Meta(description="RFC 3339, UTC")]


class Source(StrEnum):
    """Who says it: the CloudEvents `source`, which is also the `Source` of the bus entry."""

    ENTRY_API = "meridian.entry-api"
    CHECKOUT = "meridian.checkout"
    LOYALTY = "meridian.loyalty"


class RejectionReason(StrEnum):
    """Why a purchase did not happen."""

    SOLD_OUT = "SoldOut"
    INSUFFICIENT_FUNDS = "InsufficientFunds"
    CURRENCY_MISMATCH = "CurrencyMismatch"
    WALLET_MISSING = "WalletMissing"
    TECHNICAL_FAILURE = "TechnicalFailure"


class CancellationReason(StrEnum):
    """Why a purchase was called off before it was complete."""

    CUSTOMER_REQUEST = "CustomerRequest"
    RESERVATION_EXPIRED = "ReservationExpired"


class DomainEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every domain event has: a source and a version of its schema."""

    SOURCE: ClassVar[Source]
    VERSION: ClassVar[int] = 1


class OrderLine(msgspec.Struct, frozen=True, rename="camel"):
    """So many units of one SKU at the price of the time of the order."""

    sku: Sku
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    unit_price: Money


class OrderPlaced(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """A customer's order was accepted and waits for its stock and its money."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    order_id: str
    customer_id: CustomerId
    lines: tuple[OrderLine, ...]
    total: Money
    placed_at: Timestamp
    sequence: Sequence


class StockReserved(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """The units of all lines of an order are held for it."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    order_id: str
    customer_id: CustomerId
    lines: tuple[OrderLine, ...]
    sequence: Sequence


class StockReleased(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """The units that were held for an order are free again."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    order_id: str
    customer_id: CustomerId
    lines: tuple[OrderLine, ...]
    sequence: Sequence


class PurchaseCompleted(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """The order has its stock and its money: the purchase is final."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    order_id: str
    customer_id: CustomerId
    lines: tuple[OrderLine, ...]
    total: Money
    placed_at: Timestamp
    completed_at: Timestamp
    sequence: Sequence


class PurchaseRejected(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """The order ended without a purchase; whatever it held or paid is back."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    order_id: str
    customer_id: CustomerId
    total: Money
    reason: RejectionReason
    placed_at: Timestamp
    sequence: Sequence


class SoldOut(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """The last free unit of a Region's allotment is gone. `sequence` counts all four kinds of events of an allotment's
    level together: of two, the higher one tells how it is."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    sku: Sku
    region: Region
    sequence: Sequence


class BackInStock(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """A sold-out allotment has free units again."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    sku: Sku
    region: Region
    sequence: Sequence


class StockRanLow(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """Only a tenth of an allotment that was ample is free."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    sku: Sku
    region: Region
    sequence: Sequence


class StockRecovered(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """More than a tenth of an allotment that had run low is free again."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    sku: Sku
    region: Region
    sequence: Sequence


class AllotmentTransferred(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """Units have left a Region's allotment for another Region's: they are in flight until `TransferReceived`."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    transfer_id: IdempotencyKey
    sku: Sku
    units: Annotated[int, msgspec.Meta(ge=1)]
    from_region: Region
    to_region: Region
    sequence: Sequence


class TransferReceived(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """The units of a transfer have entered the other Region's allotment."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    transfer_id: IdempotencyKey
    sku: Sku
    units: Annotated[int, msgspec.Meta(ge=1)]
    from_region: Region
    to_region: Region
    sequence: Sequence


class CheckoutRedriven(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """An operator asked for the saga of a pending order once more. `sequence` counts these within the order."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    order_id: str
    customer_id: CustomerId
    sequence: Sequence


class OperatorActed(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """An operator's command was carried out, refused, or handed over to another Region, which then tells its own part.

    `operatorId` says no name: whoever may read the operators' trail finds it there, under `operationId`.
    """

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    operation_id: str
    operator_id: str
    action: str
    """No enumeration, and neither are outcome and refusal: operators will do more, and readers pass over it."""
    subject: str
    """The order or SKU that it was about."""
    outcome: str
    region: Region
    """Whose trail has it."""
    acted_at: Timestamp
    sequence: Sequence
    refusal: str | None = None
    """Why, where it was refused."""


class PurchaseCancelled(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """The order was called off before it was a purchase; whatever it held or paid is back."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    order_id: str
    customer_id: CustomerId
    total: Money
    reason: CancellationReason
    placed_at: Timestamp
    sequence: Sequence


class PurchaseRefunded(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """A completed purchase was taken back: its money is in the wallet again, its units are in the allotment."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    order_id: str
    customer_id: CustomerId
    lines: tuple[OrderLine, ...]
    total: Money
    placed_at: Timestamp
    refunded_at: Timestamp
    sequence: Sequence


class WalletCredited(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """A deposit reached a wallet. `balance` is what the wallet held right after; `sequence` is the wallet's version."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    customer_id: CustomerId
    deposit_id: str
    amount: Money
    balance: Money
    sequence: Sequence


class WalletDebited(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """An order was paid from a wallet."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    customer_id: CustomerId
    order_id: str
    amount: Money
    balance: Money
    sequence: Sequence


class WalletRefunded(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """What an order had paid came back to the wallet."""

    SOURCE: ClassVar[Source] = Source.CHECKOUT
    customer_id: CustomerId
    order_id: str
    amount: Money
    balance: Money
    sequence: Sequence


class PointsAwarded(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """A rule of the loyalty programme awarded points for a purchase. `sequence` counts within customer and Region."""

    SOURCE: ClassVar[Source] = Source.LOYALTY
    customer_id: CustomerId
    purchase_id: str
    rule: str
    points: Annotated[int, msgspec.Meta(ge=1)]
    awarded_at: Timestamp
    sequence: Sequence


class BalanceChanged(DomainEvent, frozen=True, kw_only=True, rename="camel"):
    """A customer's balance of points, over all Regions, is now this. Said by the home Region only."""

    SOURCE: ClassVar[Source] = Source.LOYALTY
    customer_id: CustomerId
    points: int
    sequence: Sequence


DOMAIN_EVENTS: tuple[type[DomainEvent], ...] = (
    OrderPlaced,
    StockReserved,
    StockReleased,
    PurchaseCompleted,
    PurchaseRejected,
    PurchaseCancelled,
    PurchaseRefunded,
    CheckoutRedriven,
    OperatorActed,
    SoldOut,
    BackInStock,
    StockRanLow,
    StockRecovered,
    AllotmentTransferred,
    TransferReceived,
    WalletCredited,
    WalletDebited,
    WalletRefunded,
    PointsAwarded,
    BalanceChanged,
)
