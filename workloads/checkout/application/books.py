"""The books as an auditor reads them: what one scan of the table saw, and what is looked at once more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from workloads.checkout.application.ports import Account
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.audit import History, Unpublished
from workloads.checkout.domain.matching import OrderPayment
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.token import Token, TokenRecord
from workloads.checkout.domain.transfer import Transfer


class Ledger(msgspec.Struct, frozen=True):
    """What a wallet's entries come to."""

    total: int
    """The sum of all entries in minor units."""
    payments: Mapping[str, OrderPayment]
    """By order, of those that have an entry."""

    def paid(self, order_id: str) -> int:
        """Return what an order has paid and not been given back, in minor units."""
        payment = self.payments.get(order_id)
        return payment.amount if payment else 0


class OrderBooks(msgspec.Struct, frozen=True, kw_only=True):
    """What lies under an order's id."""

    order_id: str
    region: str
    """The home that wrote it."""
    order: Order | None
    history: History | None


class WalletBooks(msgspec.Struct, frozen=True, kw_only=True):
    """What lies under a customer's wallet."""

    customer_id: str
    account: Account
    ledger: Ledger


class AllotmentBooks(msgspec.Struct, frozen=True, kw_only=True):
    """An allotment."""

    allotment: Allotment


class TransferBooks(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer to another Region."""

    transfer: Transfer


class TokenBooks(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one SKU and generation that were anybody's."""

    region: str
    records: tuple[TokenRecord, ...]


Books: TypeAlias = OrderBooks | WalletBooks | AllotmentBooks | TransferBooks | TokenBooks


class ScanTooLongError(RuntimeError):
    """The table is larger than one audit may read."""


class BookKeeping(Protocol):
    """What the auditor reads. Reads see every write that was committed in this Region before."""

    def audited_skus(self) -> Sequence[str]:
        """Return the SKUs of this Region that an earlier audit has met."""
        ...

    def remember_skus(self, skus: Iterable[str]) -> None:
        """Have the next audit judge these too."""
        ...

    def books(self) -> Iterator[Books]:
        """Return everything that was committed before it was called; raises ScanTooLongError."""
        ...

    def ledger(self, customer_id: str) -> Ledger:
        """Return what a wallet's entries come to."""
        ...

    def token(self, token: Token) -> TokenRecord | None:
        """Return what is known of a token of this Region; None where it never was anybody's."""
        ...

    def tokens(self, sku: str, generation: int) -> Iterable[TokenRecord]:
        """Return what is known of a generation of this Region's tokens."""
        ...

    def unpublished(self) -> Sequence[Unpublished]:
        """Return the oldest objects, some at most, that keep what could not be published, the oldest first."""
        ...
