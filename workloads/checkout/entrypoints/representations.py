"""What the API shows of checkout: the JSON of orders, deposits and commands, and where each is found."""

from __future__ import annotations

import msgspec

from workloads.checkout.application.results import Deposited, HandedOver, Placed
from workloads.checkout.domain.command_record import CommandRecord
from workloads.checkout.domain.handover import Handover
from workloads.checkout.domain.ledger import EntryKind, LedgerEntry
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.refusal import Refusal
from workloads.contracts.events import OrderLine
from workloads.contracts.money import Money

_HANDED_OVER = "HandedOver"
_REJECTED = "Rejected"
_ACCEPTED = "Accepted"


class _Representation(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What all share: camel case, and no field without a value."""


class OrderDocument(_Representation, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An order, as far as this Region knows it."""

    order_id: str
    customer_id: str
    state: str
    total: Money | None = None
    lines: tuple[OrderLine, ...] = ()
    placed_at: str | None = None
    cancellation_requested_at: str | None = None
    refunded_at: str | None = None
    reason: str | None = None
    command_id: str | None = None
    home_region: str | None = None


class DepositDocument(_Representation, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A deposit, as far as this Region knows it."""

    deposit_id: str
    customer_id: str
    state: str
    amount: Money | None = None
    balance: Money | None = None
    reason: str | None = None
    command_id: str | None = None
    home_region: str | None = None


class OrdersDocument(_Representation, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A page of a customer's orders."""

    customer_id: str
    orders: tuple[OrderDocument, ...]
    next_page_token: str | None = None


class LedgerEntryDocument(_Representation, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An entry of a wallet's ledger."""

    kind: str
    amount: Money
    deposit_id: str | None = None
    order_id: str | None = None
    made_at: str | None = None
    reason: str | None = None


class LedgerDocument(_Representation, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A page of a wallet's ledger."""

    customer_id: str
    entries: tuple[LedgerEntryDocument, ...]
    next_page_token: str | None = None


class RefusalDocument(_Representation, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Why a command was refused: the members of a problem document that say so (RFC 9457)."""

    type: str
    title: str
    detail: str


class CommandDocument(_Representation, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What became of a command."""

    command_id: str
    outcome: str
    location: str | None = None
    order_id: str | None = None
    deposit_id: str | None = None
    problem: RefusalDocument | None = None


def order_location(order_id: str) -> str:
    """Return where an order is found."""
    return f"/v1/orders/{order_id}"


def deposit_location(customer_id: str, deposit_id: str) -> str:
    """Return where a deposit is found."""
    return f"/v1/wallets/{customer_id}/deposits/{deposit_id}"


def order_document(result: Placed | HandedOver) -> OrderDocument:
    """Show an order."""
    if isinstance(result, HandedOver):
        return OrderDocument(
            order_id=result.handover.subject,
            customer_id=result.handover.customer_id,
            state=_REJECTED if result.refusal else _HANDED_OVER,
            reason=_reason(result.refusal),
            command_id=result.handover.command_id,
            home_region=result.handover.home_region,
        )
    order = result.order
    command_id, home_region = _handed_over(result.handover)
    return OrderDocument(
        order_id=order.id,
        customer_id=order.customer_id,
        state=order.status.value,
        total=order.total,
        lines=order.lines,
        placed_at=order.placed_at,
        reason=_why(order),
        cancellation_requested_at=order.cancellation_requested_at,
        refunded_at=order.refunded_at,
        command_id=command_id,
        home_region=home_region,
    )


def deposit_document(result: Deposited | HandedOver) -> DepositDocument:
    """Show a deposit."""
    if isinstance(result, HandedOver):
        return DepositDocument(
            deposit_id=result.handover.subject,
            customer_id=result.handover.customer_id,
            state=_REJECTED if result.refusal else _HANDED_OVER,
            reason=_reason(result.refusal),
            command_id=result.handover.command_id,
            home_region=result.handover.home_region,
        )
    command_id, home_region = _handed_over(result.handover)
    return DepositDocument(
        deposit_id=result.deposit.id,
        customer_id=result.deposit.customer_id,
        state=_ACCEPTED,
        amount=result.deposit.amount,
        balance=result.deposit.balance,
        command_id=command_id,
        home_region=home_region,
    )


def entry_document(entry: LedgerEntry) -> LedgerEntryDocument:
    """Show an entry of a ledger."""
    of_deposit = entry.id.kind is EntryKind.DEPOSIT
    return LedgerEntryDocument(
        kind=entry.id.kind.value,
        amount=entry.amount,
        deposit_id=entry.id.subject if of_deposit else None,
        order_id=None if of_deposit else entry.id.subject,
        made_at=entry.made_at,
        reason=entry.refusal.value if entry.refusal else None,
    )


def command_document(record: CommandRecord, problem_base: str) -> CommandDocument:
    """Show what became of a command."""
    location = None
    if record.order_id is not None:
        location = order_location(record.order_id)
    elif record.deposit_id is not None and record.customer_id is not None:
        location = deposit_location(record.customer_id, record.deposit_id)
    refusal = record.refusal
    return CommandDocument(
        command_id=record.command_id,
        outcome=record.outcome.value,
        location=location,
        order_id=record.order_id,
        deposit_id=record.deposit_id,
        problem=_problem(refusal, problem_base) if refusal else None,
    )


def refusal_title(refusal: Refusal) -> str:
    """Return a refusal's kind as a title is written: `unknown-sku` is `Unknown SKU`."""
    return refusal.kind.value.replace("-", " ").capitalize().replace("sku", "SKU")


def _problem(refusal: Refusal, base: str) -> RefusalDocument:
    return RefusalDocument(type=f"{base}/{refusal.kind.value}", title=refusal_title(refusal), detail=refusal.detail)


def _handed_over(handover: Handover | None) -> tuple[str, str] | tuple[None, None]:
    return (handover.command_id, handover.home_region) if handover else (None, None)


def _why(order: Order) -> str | None:
    """Return why an order ended without a purchase."""
    why = order.cancelled or order.reason
    return why.value if why else None


def _reason(refusal: Refusal | None) -> str | None:
    """Return a refusal's kind as a reason is written: `unknown-sku` is `UnknownSku`."""
    return "".join(part.capitalize() for part in refusal.kind.value.split("-")) if refusal else None
