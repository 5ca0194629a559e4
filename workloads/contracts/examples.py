"""An example of every message: what the published schemas show, and what the tests of both releases exchange."""

from __future__ import annotations

from typing import Final

from workloads.contracts.commands import (
    CancelOrder,
    DepositToWallet,
    OperatorsRequest,
    PlaceOrder,
    ReceiveTransfer,
    RefundPurchase,
    RequestedLine,
    RequestedSellingMode,
    ResumeSelling,
    SetAllotment,
    SetPrice,
    SetSellingMode,
    StopSelling,
    TransferAllotment,
)
from workloads.contracts.envelope import CloudEvent, Message, envelop
from workloads.contracts.events import (
    AllotmentTransferred,
    BackInStock,
    BalanceChanged,
    CancellationReason,
    CheckoutRedriven,
    OperatorActed,
    OrderLine,
    OrderPlaced,
    PointsAwarded,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRefunded,
    PurchaseRejected,
    RejectionReason,
    SoldOut,
    StockRanLow,
    StockRecovered,
    StockReleased,
    StockReserved,
    TransferReceived,
    WalletCredited,
    WalletDebited,
    WalletRefunded,
)
from workloads.contracts.money import Money

CUSTOMER: Final = "us-east-1.c-1"
TIME: Final = "2026-03-01T12:00:00.000000Z"
_LINES: Final = (OrderLine("cd-1099", 2, Money(1099, "USD")),)
_TOTAL: Final = Money(2198, "USD")

EXAMPLES: Final[tuple[Message, ...]] = (
    OrderPlaced(order_id="o-1", customer_id=CUSTOMER, lines=_LINES, total=_TOTAL, placed_at=TIME, sequence=1),
    StockReserved(order_id="o-1", customer_id=CUSTOMER, lines=_LINES, sequence=1),
    StockReleased(order_id="o-1", customer_id=CUSTOMER, lines=_LINES, sequence=2),
    PurchaseCompleted(
        order_id="o-1",
        customer_id=CUSTOMER,
        lines=_LINES,
        total=_TOTAL,
        placed_at=TIME,
        completed_at=TIME,
        sequence=2,
    ),
    PurchaseRejected(
        order_id="o-1",
        customer_id=CUSTOMER,
        total=_TOTAL,
        reason=RejectionReason.SOLD_OUT,
        placed_at=TIME,
        sequence=2,
    ),
    PurchaseCancelled(
        order_id="o-1",
        customer_id=CUSTOMER,
        total=_TOTAL,
        reason=CancellationReason.CUSTOMER_REQUEST,
        placed_at=TIME,
        sequence=2,
    ),
    PurchaseRefunded(
        order_id="o-1",
        customer_id=CUSTOMER,
        lines=_LINES,
        total=_TOTAL,
        placed_at=TIME,
        refunded_at=TIME,
        sequence=3,
    ),
    CheckoutRedriven(order_id="o-1", customer_id=CUSTOMER, sequence=1),
    OperatorActed(
        operation_id="op-1",
        operator_id="u-1",
        action="Redrive",
        subject="o-1",
        outcome="Refused",
        region="us-east-1",
        acted_at=TIME,
        sequence=1,
        refusal="order-ended",
    ),
    SoldOut(sku="cd-1099", region="us-east-1", sequence=3),
    BackInStock(sku="cd-1099", region="us-east-1", sequence=4),
    AllotmentTransferred(
        transfer_id="t-1", sku="cd-1099", units=5, from_region="us-east-1", to_region="eu-west-1", sequence=1
    ),
    TransferReceived(
        transfer_id="t-1", sku="cd-1099", units=5, from_region="us-east-1", to_region="eu-west-1", sequence=2
    ),
    StockRanLow(sku="cd-1099", region="us-east-1", sequence=1),
    StockRecovered(sku="cd-1099", region="us-east-1", sequence=2),
    WalletCredited(customer_id=CUSTOMER, deposit_id="d-1", amount=_TOTAL, balance=_TOTAL, sequence=1),
    WalletDebited(customer_id=CUSTOMER, order_id="o-1", amount=_TOTAL, balance=_TOTAL, sequence=2),
    WalletRefunded(customer_id=CUSTOMER, order_id="o-1", amount=_TOTAL, balance=_TOTAL, sequence=3),
    PointsAwarded(customer_id=CUSTOMER, purchase_id="o-1", rule="r", points=21, awarded_at=TIME, sequence=1),
    BalanceChanged(customer_id=CUSTOMER, points=21, sequence=1),
    PlaceOrder(customer_id=CUSTOMER, idempotency_key="k", lines=(RequestedLine("cd-1099", 2),)),
    DepositToWallet(customer_id=CUSTOMER, idempotency_key="k", amount=_TOTAL),
    SetPrice(sku="cd-1099", price=_TOTAL, version=1),
    SetAllotment(sku="cd-1099", units=7, version=1),
    SetSellingMode(sku="cd-1099", mode=RequestedSellingMode.HOT, version=1),
    CancelOrder(customer_id=CUSTOMER, order_id="o-1"),
    RefundPurchase(
        customer_id=CUSTOMER,
        order_id="o-1",
        request=OperatorsRequest(operation_id="op-1", operator="anna", reason="complaint 42", request_hash="h"),
    ),
    TransferAllotment(transfer_id="t-1", sku="cd-1099", units=5, to_region="eu-west-1"),
    ReceiveTransfer(transfer_id="t-1", sku="cd-1099", units=5, from_region="us-east-1"),
    StopSelling(sku="cd-1099", version=1),
    ResumeSelling(sku="cd-1099", version=2),
)
"""One a type at least."""
ENVELOPE: Final[CloudEvent] = envelop(
    EXAMPLES[0],
    event_id="e-1",
    source="meridian.checkout",
    subject="o-1",
    time=TIME,
    originregion="us-east-1",
    correlationid="c-1",
    causationid="c-1",
)
