"""What selling by tokens needs from outside: queues that hand out numbers, and the ledger of whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, cast

import msgspec

from workloads.checkout.application.hot_items.remembering import RememberedAllotments
from workloads.checkout.domain.token import Token, TokenRecord


class NoTokenQueuesError(RuntimeError):
    """A function that was not given the token queues meets a hot SKU."""

    def __init__(self) -> None:
        super().__init__("this workload has no token queues: set HOT_ITEM_QUEUE_URLS and HOT_ITEM_CARE_QUEUE_URL")


class TokenMessage(msgspec.Struct, frozen=True):
    """A number to try, as a queue delivered it."""

    token: Token
    receipt: str


class TokenQueues(Protocol):
    """The pools of this Region: each carries the numbers of one hot SKU at a time, in any order, at least once."""

    @property
    def pools(self) -> int:
        """How many there are; they are numbered from 0."""
        ...

    def receive(self, pool: int, at_most: int) -> Sequence[TokenMessage]:
        """Return some messages, hidden from others for a while; none does not mean that there are none."""
        ...

    def remove(self, pool: int, messages: Sequence[TokenMessage]) -> None:
        """Remove messages whose numbers are decided. What could not be removed comes back, and is decided again."""
        ...

    def give_back(self, pool: int, messages: Sequence[TokenMessage]) -> None:
        """Let others have messages now. What could not be given back comes back later by itself."""
        ...

    def put(self, pool: int, tokens: Sequence[Token]) -> None:
        """Send a message for each; raises when any was not taken."""
        ...

    def depth(self, pool: int) -> int:
        """Return about how many messages there are, those included that are hidden."""
        ...

    def wake(self, sku: str) -> None:
        """Ask for somebody to look after a hot SKU. Asked often, it is asked now and then."""
        ...


class TokenLedger(Protocol):
    """Whose the tokens of this Region are. Reads see every write that was committed before."""

    def records(self, tokens: Iterable[Token]) -> Mapping[Token, TokenRecord]:
        """Return what is known of tokens; those that never were anybody's are missing."""
        ...

    def partition(self, sku: str, generation: int, partition: int) -> Mapping[int, TokenRecord]:
        """Return what is known under one partition key of a generation, by number."""
        ...

    def decided_in(self, sku: str, generation: int, partition: int) -> int:
        """Return how many tokens under one partition key are not free for an order."""
        ...

    def owners(self, pools: int) -> Mapping[int, str]:
        """Return the SKU of each pool that has one."""
        ...


class HotItems(msgspec.Struct, frozen=True, kw_only=True):
    """What a use case is handed to sell by tokens."""

    queues: TokenQueues
    ledger: TokenLedger
    remembered: RememberedAllotments = msgspec.field(default_factory=RememberedAllotments)


class _Absent:
    """Stands where a workload has no part in selling by tokens."""

    def __getattr__(self, name: str) -> Any:
        raise NoTokenQueuesError


NO_HOT_ITEMS: Final = HotItems(queues=cast("TokenQueues", _Absent()), ledger=cast("TokenLedger", _Absent()))
