"""A wallet's ledger as its owner reads it: what put money in, what took some out, and what was given back."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from workloads.contracts.events import RejectionReason
from workloads.contracts.money import Money


class EntryKind(StrEnum):
    """What an entry did to the balance."""

    DEBIT = "Debit"
    DEPOSIT = "Deposit"
    REFUND = "Refund"


class EntryId(msgspec.Struct, frozen=True):
    """An entry's name within its ledger, and its place: a ledger is in the order of kind and subject."""

    kind: EntryKind
    subject: str
    """The id of the deposit, or of the order that was paid or refunded."""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. A debit of nothing was refused, or its order was given up: the entry keeps a late one from paying."""

    id: EntryId
    amount: Money
    made_at: str | None = None
    """Missing from debits of the first release."""
    refusal: RejectionReason | None = None
    """Why the wallet did not pay."""
