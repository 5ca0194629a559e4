"""Pools of tokens in memory, as bad as a standard queue may be: they lose, repeat and reorder as a test asks."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from threading import Lock

from tests.workloads.checkout.builders import replaced
from tests.workloads.checkout.cell import AnyCells
from tests.workloads.conftest import HERE
from workloads.checkout.adapters.token_ledger import DynamoDbTokenLedger
from workloads.checkout.application.hot_items.ports import HotItems, TokenMessage
from workloads.checkout.application.hot_items.tending import tend
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.token import Token

_ENOUGH = 100
"""Pieces of work: more than any test needs."""


class MemoryPools:
    """Implements `TokenQueues`. What was received comes back when a test says that its time is over."""

    def __init__(self, pools: int = 2, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a test repeats itself
        self._visible: list[list[TokenMessage]] = [[] for _ in range(pools)]
        self._hidden: list[dict[str, TokenMessage]] = [{} for _ in range(pools)]
        self._sent = 0
        self._lock = Lock()
        self.woken: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        """Called before each call with its name: a test raises here, where a process is killed or the queue is down."""

    @property
    def pools(self) -> int:
        return len(self._visible)

    def receive(self, pool: int, at_most: int) -> Sequence[TokenMessage]:
        self.before("receive")
        with self._lock:
            self._random.shuffle(self._visible[pool])
            received = [self._visible[pool].pop() for _ in range(min(at_most, len(self._visible[pool])))]
            self._hidden[pool] |= {message.receipt: message for message in received}
            return received

    def remove(self, pool: int, messages: Sequence[TokenMessage]) -> None:
        self.before("remove")
        with self._lock:
            for message in messages:
                if message.receipt in self._hidden[pool]:
                    del self._hidden[pool][message.receipt]
                else:
                    self._visible[pool] = [other for other in self._visible[pool] if other.receipt != message.receipt]

    def give_back(self, pool: int, messages: Sequence[TokenMessage]) -> None:
        self.before("give_back")
        with self._lock:
            for message in messages:
                if self._hidden[pool].pop(message.receipt, None) is not None:
                    self._visible[pool].append(message)

    def put(self, pool: int, tokens: Sequence[Token]) -> None:
        self.before("put")
        with self._lock:
            for token in tokens:
                self._sent += 1
                self._visible[pool].append(TokenMessage(token, f"receipt-{self._sent}"))

    def depth(self, pool: int) -> int:
        return len(self._visible[pool]) + len(self._hidden[pool])

    def wake(self, sku: str) -> None:
        self.before("wake")
        self.woken.append(sku)

    def time_out(self) -> None:
        """Let all that was received and not removed be received again."""
        for visible, hidden in zip(self._visible, self._hidden, strict=True):
            visible.extend(hidden.values())
            hidden.clear()

    def repeat(self) -> None:
        """Deliver all that is there once more, under receipts of its own."""
        for pool, messages in enumerate(list(self._visible)):
            self.put(pool, [message.token for message in messages])

    def lose(self, share: float = 1.0) -> None:
        """Forget messages."""
        for pool, messages in enumerate(self._visible):
            self._visible[pool] = [message for message in messages if self._random.random() >= share]

    def tokens(self, pool: int = 0) -> list[Token]:
        """Return what can be received."""
        return sorted(message.token for message in self._visible[pool])


def with_pools(cells: AnyCells, pools: MemoryPools, ports: Ports | None = None) -> Ports:
    """Return ports that sell by tokens too."""
    ledger = DynamoDbTokenLedger(cells.client(HERE), table=cells.table, region=HERE)
    return replaced(ports or cells.ports(HERE), hot_items=HotItems(queues=pools, ledger=ledger))


def tend_all(ports: Ports, sku: str) -> None:
    """Look after a SKU until there is nothing more to do."""
    for _ in range(_ENOUGH):
        if not tend(ports, sku):
            return
    message = f"after {_ENOUGH} pieces of work for {sku} there is still more to do"
    raise AssertionError(message)
