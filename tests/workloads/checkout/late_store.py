"""A store whose commits arrive when everybody has given up on them: what a slow function or network does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from tests.workloads.checkout.memory_store import LostAnswerError, MemoryStore
from workloads.checkout.application.changes import Change
from workloads.checkout.application.ports import (
    Account,
    ConcurrentWriteError,
    DepositRecord,
    OrderRecord,
    OutboxEntry,
)
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.command_record import CommandRecord
from workloads.checkout.domain.price import Price
from workloads.checkout.domain.wallet import Payment

Commit = tuple[Sequence[Change], Sequence[OutboxEntry]]


class LateStore:
    """Reads the present, and keeps its commits for later; the caller gets no answer."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.kept: list[Commit] = []

    def commit(self, changes: Sequence[Change], entries: Sequence[OutboxEntry] = ()) -> None:
        self.kept.append((changes, entries))
        raise LostAnswerError

    def order(self, order_id: str) -> OrderRecord:
        return self._store.order(order_id)

    def account(self, customer_id: str) -> Account:
        return self._store.account(customer_id)

    def deposit(self, customer_id: str, deposit_id: str) -> DepositRecord:
        return self._store.deposit(customer_id, deposit_id)

    def payment(self, customer_id: str, order_id: str) -> Payment | None:
        return self._store.payment(customer_id, order_id)

    def prices(self, skus: Iterable[str]) -> Mapping[str, Price]:
        return self._store.prices(skus)

    def allotments(self, skus: Iterable[str], region: str) -> Mapping[str, Allotment]:
        return self._store.allotments(skus, region)

    def command(self, command_id: str) -> CommandRecord | None:
        return self._store.command(command_id)


def arrive(store: MemoryStore, commits: Iterable[Commit]) -> None:
    """Let late commits arrive, as their conditions allow."""
    for changes, entries in commits:
        with suppress(ConcurrentWriteError):
            store.commit(changes, entries)
