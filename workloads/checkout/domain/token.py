"""Tokens: where a SKU is hot, each unit that may be sold is a number, and whoever gets the number's item has the unit.

A number belongs to one generation: the time between two switches to hot. In each generation every number is taken,
retired or settled at most once more than it is returned, so that a late message of any generation finds its number
decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

PARTITIONS: Final = 64
"""Partition keys over which a generation's tokens are spread: 64 times 500 transactions a second."""

MAXIMUM_TOKENS: Final = 48
"""Tokens that one order may hold. TransactWriteItems takes 100 actions (Amazon DynamoDB API Reference): beside the
tokens, a refund carries for each of 20 lines a counter and its event, and for order, money and trail eleven more."""


class TokenState(StrEnum):
    """Where a number stands that is not simply free: a number without an item never was anybody's."""

    TAKEN = "Taken"
    """An order has its unit."""
    RETURNED = "Returned"
    """An order gave it back: free for the next one."""
    RETIRED = "Retired"
    """Its unit went back to the allotment's free ones."""
    SETTLED = "Settled"
    """An order has its unit, which is counted as an ordinary one since the generation was drained."""


class Token(msgspec.Struct, frozen=True, order=True):
    """One unit of a SKU in this Region."""

    sku: str
    generation: int
    number: int


class TokenRecord(msgspec.Struct, frozen=True):
    """What is known of a token that was anybody's."""

    token: Token
    state: TokenState
    order_id: str | None = None
    """Who has it, or had it last."""

    def is_open(self) -> bool:
        """Return whether an order can take it."""
        return self.state is TokenState.RETURNED

    def is_held_by(self, order_id: str) -> bool:
        """Return whether an order has its unit."""
        return self.order_id == order_id and self.state in {TokenState.TAKEN, TokenState.SETTLED}


class HeldTokens(msgspec.Struct, frozen=True):
    """The tokens of one SKU that an order's reservation names."""

    generation: int
    numbers: tuple[int, ...]

    def of(self, sku: str) -> tuple[Token, ...]:
        """Return them one by one."""
        return tuple(Token(sku, self.generation, number) for number in self.numbers)


def tokens_of(held: Mapping[str, HeldTokens]) -> tuple[Token, ...]:
    """Return all tokens of a reservation."""
    return tuple(token for sku, tokens in sorted(held.items()) for token in tokens.of(sku))


def held(tokens: Iterable[Token]) -> dict[str, HeldTokens]:
    """Write tokens as a reservation keeps them; those of one SKU are of one generation."""
    by_sku: dict[str, list[Token]] = {}
    for token in sorted(tokens):
        by_sku.setdefault(token.sku, []).append(token)
    return {
        sku: HeldTokens(tokens[0].generation, tuple(token.number for token in tokens)) for sku, tokens in by_sku.items()
    }


def numbers_in(partition: int, issued: int) -> range:
    """Return the numbers below `issued` that lie under one partition key."""
    return range(partition, issued, PARTITIONS)
