"""Loyalty's ports in memory: each Region has its replica of the streams, and a test decides what replicates when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from workloads.contracts.envelope import CloudEvent
from workloads.loyalty.application.ports import Appended, BalanceMovedError, StoredBalance
from workloads.loyalty.domain.accounts import Balance, Entry


class MemoryStreams:
    """One Region's replica: its conditions see only what has arrived here."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str, int], Entry] = {}
        self.guards: set[tuple[str, str]] = set()
        self.before_append: Callable[[], None] = lambda: None
        """What happens in between a writer's look at the head and its append."""

    def head(self, customer_id: str, region: str) -> Entry | None:
        return max(self.stream(customer_id, region), key=lambda entry: entry.sequence, default=None)

    def append(self, entry: Entry) -> Appended:
        self.before_append()
        guard = (entry.change.purchase_id, entry.change.rule)
        if guard in self.guards:
            return Appended.ALREADY_AWARDED
        if (entry.customer_id, entry.region, entry.sequence) in self.entries:
            return Appended.POSITION_TAKEN
        self.guards.add(guard)
        self.receive(entry)
        return Appended.RECORDED

    def read_on(self, customer_id: str, region: str, *, after: int) -> Iterator[Entry]:
        entries = [entry for entry in self.stream(customer_id, region) if entry.sequence > after]
        return iter(sorted(entries, key=lambda entry: entry.sequence))

    def receive(self, entry: Entry) -> None:
        """Take an entry as replication brings it: without conditions."""
        self.entries[entry.customer_id, entry.region, entry.sequence] = entry

    def stream(self, customer_id: str, region: str) -> list[Entry]:
        return [entry for key, entry in self.entries.items() if key[:2] == (customer_id, region)]


class MemoryBalances:
    """One Region's projection."""

    def __init__(self) -> None:
        self.stored: dict[str, StoredBalance] = {}
        self.before_save: Callable[[], None] = lambda: None
        """What happens in between a projector's look at the balance and its save."""

    def load(self, customer_id: str) -> StoredBalance:
        return self.stored.get(customer_id) or StoredBalance(balance=Balance(customer_id=customer_id))

    def save(self, balance: Balance, *, expected_version: int) -> None:
        self.before_save()
        stored = self.load(balance.customer_id)
        if stored.balance.version != expected_version:
            raise BalanceMovedError(balance.customer_id, expected_version)
        self.stored[balance.customer_id] = msgspec.structs.replace(stored, balance=balance)

    def mark_published(self, customer_id: str, version: int) -> None:
        stored = self.load(customer_id)
        if customer_id in self.stored and stored.published_version < version:
            self.stored[customer_id] = msgspec.structs.replace(stored, published_version=version)

    def forget(self, customer_id: str) -> None:
        self.stored.pop(customer_id, None)


class Bus:
    """Keeps what was published; `fail` makes the next request fail, after it got through or before."""

    class DownError(RuntimeError):
        """The bus did not answer."""

    def __init__(self) -> None:
        self.published: list[CloudEvent] = []
        self.fail: str = ""

    def publish(self, events: Sequence[CloudEvent]) -> None:
        failing, self.fail = self.fail, ""
        if failing == "before":
            raise self.DownError
        self.published.extend(events)
        if failing == "after":
            raise self.DownError
