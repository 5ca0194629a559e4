"""Homes, wallets and ledger entries as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.items.fields import Fields, read_reason
from workloads.checkout.domain.home import Home, birth_home
from workloads.checkout.domain.ledger import EntryId, EntryKind, LedgerEntry
from workloads.checkout.domain.order import Acceptance
from workloads.checkout.domain.wallet import Deposit, Payment, PaymentState, Wallet
from workloads.contracts.money import Money


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
        refusal=read_reason(item.get("refusal")),
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


def read_entry(item: Mapping[str, Any]) -> LedgerEntry:
    """Read any entry of a ledger: the first release wrote no time on debits."""
    _, kind, subject = item["sk"].split("#", 2)
    return LedgerEntry(
        id=EntryId(EntryKind(kind.capitalize()), subject),
        amount=Money(item["amount"], item["currency"]),
        made_at=item.get("made_at") or item.get("refunded_at"),
        refusal=read_reason(item.get("refusal")),
    )
