"""Checkout's values as items of its table, and back. Attributes that a later version adds are passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.domain.command_record import CommandOutcome, CommandRecord
from workloads.checkout.domain.handover import Handover
from workloads.checkout.domain.home import Home, birth_home
from workloads.checkout.domain.order import Acceptance, Order, OrderState
from workloads.checkout.domain.price import Price
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.reservation import Allotment, Reservation, ReservationState
from workloads.checkout.domain.wallet import Deposit, Payment, PaymentState, Wallet
from workloads.contracts.events import OrderLine, RejectionReason
from workloads.contracts.money import Money

Fields = dict[str, Plain | None]


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
        reason=_optional(RejectionReason, item.get("reason")),
    )


def write_reservation(reservation: Reservation) -> Fields:
    """Write a reservation."""
    return {
        "order_id": reservation.order_id,
        "customer_id": reservation.customer_id,
        "units": dict(reservation.units),
        "state": reservation.state.value,
        "refusal": reservation.refusal.value if reservation.refusal else None,
    }


def read_reservation(item: Mapping[str, Any]) -> Reservation:
    """Read a reservation."""
    return Reservation(
        order_id=item["order_id"],
        customer_id=item["customer_id"],
        units=item["units"],
        state=ReservationState(item["state"]),
        refusal=_optional(RejectionReason, item.get("refusal")),
    )


def write_handover(handover: Handover) -> Fields:
    """Write a handover."""
    return {
        "subject": handover.subject,
        "customer_id": handover.customer_id,
        "request_hash": handover.request_hash,
        "region": handover.region,
        "home_region": handover.home_region,
        "command_id": handover.command_id,
        "handed_over_at": handover.handed_over_at,
    }


def read_handover(item: Mapping[str, Any]) -> Handover:
    """Read a handover."""
    return Handover(
        subject=item["subject"],
        customer_id=item["customer_id"],
        request_hash=item["request_hash"],
        region=item["region"],
        home_region=item["home_region"],
        command_id=item["command_id"],
        handed_over_at=item["handed_over_at"],
    )


def read_home(customer_id: str, item: Mapping[str, Any]) -> Home:
    """Read a customer's home; absent means birth, and epoch 0."""
    birth = birth_home(customer_id)
    return Home(item.get("home", birth.region), item.get("epoch", birth.epoch))


def read_wallet(customer_id: str, item: Mapping[str, Any]) -> Wallet:
    """Read a wallet."""
    return Wallet(
        customer_id=customer_id,
        balance=Money(item["balance"], item["currency"]),
        version=item["version"],
        home=read_home(customer_id, item),
    )


def write_deposit(deposit: Deposit) -> Fields:
    """Write the ledger entry of a deposit."""
    return {
        "deposit_id": deposit.id,
        "customer_id": deposit.customer_id,
        "request_hash": deposit.request_hash,
        "amount": deposit.amount.minor_units,
        "currency": deposit.amount.currency,
        "balance": deposit.balance.minor_units,
        "made_at": deposit.made_at,
        "acceptance": deposit.acceptance.value,
    }


def read_deposit(item: Mapping[str, Any]) -> Deposit:
    """Read the ledger entry of a deposit."""
    return Deposit(
        id=item["deposit_id"],
        customer_id=item["customer_id"],
        request_hash=item["request_hash"],
        amount=Money(item["amount"], item["currency"]),
        balance=Money(item["balance"], item["currency"]),
        made_at=item["made_at"],
        acceptance=Acceptance(item["acceptance"]),
    )


def write_payment(payment: Payment) -> Fields:
    """Write the ledger entry of an order's debit."""
    return {
        "order_id": payment.order_id,
        "customer_id": payment.customer_id,
        "amount": payment.amount.minor_units,
        "currency": payment.amount.currency,
        "state": payment.state.value,
        "refusal": payment.refusal.value if payment.refusal else None,
    }


def read_payment(item: Mapping[str, Any]) -> Payment:
    """Read the ledger entry of an order's debit."""
    return Payment(
        order_id=item["order_id"],
        customer_id=item["customer_id"],
        amount=Money(item["amount"], item["currency"]),
        state=PaymentState(item["state"]),
        refusal=_optional(RejectionReason, item.get("refusal")),
    )


def write_refund(payment: Payment, refunded_at: str) -> Fields:
    """Write the ledger entry of a refund."""
    return {
        "order_id": payment.order_id,
        "customer_id": payment.customer_id,
        "amount": payment.amount.minor_units,
        "currency": payment.amount.currency,
        "refunded_at": refunded_at,
    }


def write_price(price: Price) -> Fields:
    """Write a price."""
    return {
        "sku": price.sku,
        "region": price.region,
        "minor_units": price.amount.minor_units,
        "currency": price.amount.currency,
        "version": price.version,
    }


def read_price(item: Mapping[str, Any]) -> Price:
    """Read a price."""
    return Price(
        sku=item["sku"],
        region=item["region"],
        amount=Money(item["minor_units"], item["currency"]),
        version=item["version"],
    )


def read_allotment(item: Mapping[str, Any]) -> Allotment:
    """Read an allotment."""
    return Allotment(
        sku=item["sku"],
        region=item["region"],
        allotted=item["allotted"],
        free=item["free"],
        version=item["version"],
    )


def write_command(record: CommandRecord) -> Fields:
    """Write what became of a command."""
    return {
        "command_id": record.command_id,
        "owner": record.owner,
        "outcome": record.outcome.value,
        "recorded_at": record.recorded_at,
        "order_id": record.order_id,
        "deposit_id": record.deposit_id,
        "customer_id": record.customer_id,
        "refusal": {"kind": record.refusal.kind.value, "detail": record.refusal.detail} if record.refusal else None,
        "handed_over_as": record.handed_over_as,
    }


def read_command(item: Mapping[str, Any]) -> CommandRecord:
    """Read what became of a command."""
    refusal = item.get("refusal")
    return CommandRecord(
        command_id=item["command_id"],
        owner=item["owner"],
        outcome=CommandOutcome(item["outcome"]),
        recorded_at=item["recorded_at"],
        order_id=item.get("order_id"),
        deposit_id=item.get("deposit_id"),
        customer_id=item.get("customer_id"),
        refusal=Refusal(RefusalKind(refusal["kind"]), refusal["detail"]) if refusal else None,
        handed_over_as=item.get("handed_over_as"),
    )


def _optional(kind: type[RejectionReason], value: str | None) -> RejectionReason | None:
    return None if value is None else kind(value)
