"""What the use cases need from outside, as protocols; the adapters are one way to give it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from workloads.contracts.envelope import CloudEvent
from workloads.loyalty.domain.accounts import Balance, Entry


class Appended(StrEnum):
    """What became of an entry."""

    RECORDED = "Recorded"
    ALREADY_AWARDED = "AlreadyAwarded"
    """The rule has awarded this purchase before: there is nothing to do."""
    POSITION_TAKEN = "PositionTaken"
    """Another writer was faster: read the head again."""


class Streams(Protocol):
    """The event streams of all accounts, one a customer and Region."""

    def head(self, customer_id: str, region: str) -> Entry | None:
        """Return the last entry of a stream, as every earlier append left it."""
        ...

    def append(self, entry: Entry) -> Appended:
        """Record an entry and the fact that its rule has awarded its purchase: both or neither."""
        ...

    def read_on(self, customer_id: str, region: str, *, after: int) -> Iterator[Entry]:
        """Yield a stream's entries behind a position, in order."""
        ...


class StoredBalance(msgspec.Struct, frozen=True, kw_only=True):
    """A balance as it is stored, and the last version of it that was published."""

    balance: Balance
    published_version: int = 0


class Balances(Protocol):
    """The projection: one balance a customer, in this Region only."""

    def load(self, customer_id: str) -> StoredBalance:
        """Return the stored balance, or an empty one."""
        ...

    def save(self, balance: Balance, *, expected_version: int) -> None:
        """Store balance and positions in one write; raises BalanceMovedError where another writer was faster."""
        ...

    def mark_published(self, customer_id: str, version: int) -> None:
        """Remember that this version, and so every earlier one, needs no publishing any more."""
        ...

    def forget(self, customer_id: str) -> None:
        """Remove the stored balance, so that the next projection reads the streams from their beginning."""
        ...


class Publisher(Protocol):
    """The bus."""

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """Publish all of them, or raise."""
        ...


class BalanceMovedError(RuntimeError):
    """Another projector stored a balance since this one was loaded."""

    def __init__(self, customer_id: str, expected_version: int) -> None:
        super().__init__(f"the balance of {customer_id} is no longer at version {expected_version}: load it again")
