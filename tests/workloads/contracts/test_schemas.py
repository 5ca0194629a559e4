"""The published language: what is committed is what the types say, and what is sent is what is committed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema import ValidationError as SchemaError

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
from workloads.contracts.envelope import (
    MESSAGES,
    MalformedEventError,
    Message,
    UnknownEventTypeError,
    decode,
    decode_from_bus,
    encode,
    envelop,
    open_as,
    open_message,
)
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
from workloads.contracts.generate_schemas import FOLDER, schemas
from workloads.contracts.money import Money

CUSTOMER = "us-east-1.c-1"
TIME = "2026-03-01T12:00:00.000000Z"
LINES = (OrderLine("cd-1099", 2, Money(1099, "USD")),)
TOTAL = Money(2198, "USD")

EXAMPLES: tuple[Message, ...] = (
    OrderPlaced(order_id="o-1", customer_id=CUSTOMER, lines=LINES, total=TOTAL, placed_at=TIME, sequence=1),
    StockReserved(order_id="o-1", customer_id=CUSTOMER, lines=LINES, sequence=1),
    StockReleased(order_id="o-1", customer_id=CUSTOMER, lines=LINES, sequence=2),
    PurchaseCompleted(
        order_id="o-1",
        customer_id=CUSTOMER,
        lines=LINES,
        total=TOTAL,
        placed_at=TIME,
        completed_at=TIME,
        sequence=2,
    ),
    PurchaseRejected(
        order_id="o-1",
        customer_id=CUSTOMER,
        total=TOTAL,
        reason=RejectionReason.SOLD_OUT,
        placed_at=TIME,
        sequence=2,
    ),
    PurchaseCancelled(
        order_id="o-1",
        customer_id=CUSTOMER,
        total=TOTAL,
        reason=CancellationReason.CUSTOMER_REQUEST,
        placed_at=TIME,
        sequence=2,
    ),
    PurchaseRefunded(
        order_id="o-1",
        customer_id=CUSTOMER,
        lines=LINES,
        total=TOTAL,
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
    WalletCredited(customer_id=CUSTOMER, deposit_id="d-1", amount=TOTAL, balance=TOTAL, sequence=1),
    WalletDebited(customer_id=CUSTOMER, order_id="o-1", amount=TOTAL, balance=TOTAL, sequence=2),
    WalletRefunded(customer_id=CUSTOMER, order_id="o-1", amount=TOTAL, balance=TOTAL, sequence=3),
    PointsAwarded(customer_id=CUSTOMER, purchase_id="o-1", rule="r", points=21, awarded_at=TIME, sequence=1),
    BalanceChanged(customer_id=CUSTOMER, points=21, sequence=1),
    PlaceOrder(customer_id=CUSTOMER, idempotency_key="k", lines=(RequestedLine("cd-1099", 2),)),
    DepositToWallet(customer_id=CUSTOMER, idempotency_key="k", amount=TOTAL),
    SetPrice(sku="cd-1099", price=TOTAL, version=1),
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
by_type = pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)


def committed(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name).read_text())


def enveloped(message: Message) -> bytes:
    return encode(
        envelop(
            message,
            event_id="e-1",
            source="meridian.checkout",
            subject=CUSTOMER,
            time=TIME,
            originregion="us-east-1",
            correlationid="c-1",
            causationid="c-1",
        )
    )


def test_the_committed_schemas_are_those_of_the_types() -> None:
    """`python -m workloads.contracts.generate_schemas` writes them."""
    assert {path.name for path in FOLDER.glob("*.json")} == schemas().keys()
    for name, schema in schemas().items():
        assert committed(name) == json.loads(json.dumps(schema)), name


def test_every_message_has_an_example_here() -> None:
    assert {type(message).__name__ for message in EXAMPLES} == MESSAGES.keys()


@by_type
def test_a_message_validates_against_its_committed_schema(message: Message) -> None:
    event = json.loads(enveloped(message))

    Draft202012Validator(committed("CloudEvent.json")).validate(event)
    Draft202012Validator(committed(f"{type(message).__name__}.{message.VERSION}.json")).validate(event["data"])
    assert event["dataschema"] == f"urn:meridian:schema:{type(message).__name__}:{message.VERSION}"


@by_type
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    assert open_message(decode(enveloped(message))) == message


@by_type
def test_a_reader_passes_over_fields_of_a_later_version(message: Message) -> None:
    event = json.loads(enveloped(message))
    event["data"]["addedLater"] = {"any": "thing"}
    event["tracestate"] = "an extension of CloudEvents"

    assert open_message(decode(json.dumps(event))) == message


@by_type
def test_a_message_without_one_of_its_fields_is_malformed_for_reader_and_schema(message: Message) -> None:
    event = json.loads(enveloped(message))
    del event["data"][next(iter(event["data"]))]

    with pytest.raises(MalformedEventError):
        open_message(decode(json.dumps(event)))
    with pytest.raises(SchemaError):
        Draft202012Validator(committed(f"{type(message).__name__}.{message.VERSION}.json")).validate(event["data"])


def test_an_unknown_type_and_another_type_than_expected_are_told_apart() -> None:
    event = json.loads(enveloped(EXAMPLES[0]))

    with pytest.raises(MalformedEventError, match="expected SetPrice, got OrderPlaced"):
        open_as(decode(json.dumps(event)), SetPrice)
    with pytest.raises(UnknownEventTypeError, match="NoSuchType"):
        open_message(decode(json.dumps({**event, "type": "NoSuchType"})))


def test_the_time_of_the_bus_entry_fills_a_missing_one() -> None:
    event = json.loads(enveloped(EXAMPLES[0]))
    entry = {"time": "2026-03-01T13:00:00Z", "detail": event}
    assert decode_from_bus(json.dumps(entry)).time == TIME

    del event["time"]
    assert decode_from_bus(json.dumps(entry)).time == "2026-03-01T13:00:00Z"


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"\xff", b'{"time": "t", "detail": {"data": "\xff"}}'])
def test_what_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedEventError):
        decode(body)
    with pytest.raises(MalformedEventError):
        decode_from_bus(body)
