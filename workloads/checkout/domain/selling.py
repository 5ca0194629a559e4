"""How a Region sells a SKU: from a counter, or, while it is hot, by tokens; and the way from one to the other and back.

Plain → Hot → Draining → Plain. Hot begins with nothing issued and fills while units are issued as tokens; draining
visits every number once. In each mode, for each SKU and Region:

    allotted = free + open tokens' units + units held or sold

where a token is open until it is retired (its unit is free again) or settled (its unit is counted as an ordinary one),
and the units of open tokens are those still in the pool and those that orders have taken.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from workloads.checkout.domain.token import MAXIMUM_TOKENS

MAXIMUM_UNITS: Final = 1_000_000
"""Units with which a SKU may become hot: to send a token for each then takes some minutes, not hours."""
PLENTY: Final = MAXIMUM_TOKENS + 1
"""Counting stops here: what matters is whether an order can still be served."""

_REFILL_SHARE: Final = 10
"""A refill sends every free number again: it waits until a tenth of them lack their message, so that there are never
more than ten surplus messages for each one that was lost."""


class SellingMode(StrEnum):
    """How a SKU is sold."""

    PLAIN = "Plain"
    HOT = "Hot"
    DRAINING = "Draining"


class Selling(msgspec.Struct, frozen=True, kw_only=True):
    """How a Region sells one SKU at present."""

    mode: SellingMode = SellingMode.PLAIN
    version: int = 0
    """Of the command that asked for it."""
    revision: int = 0
    """Counted up by one at every change of this value: the fence of the next one."""
    generation: int = 0
    """Counted up by one at every switch from plain to hot."""
    pool: int = 0
    """The queue that carries its tokens, while it is not plain."""
    issued: int = 0
    """Numbers below this one are, or were, tokens of this generation."""
    open: int = 0
    """Issued tokens that are neither retired nor settled."""
    announced: int = 0
    """A message was sent for each number below this one, at least once."""
    announced_at: str = ""
    """When messages were sent last."""
    remaining: int = PLENTY
    """Tokens free for orders at the last count, PLENTY at most, and PLENTY since more were issued."""

    def is_hot(self) -> bool:
        """Return whether tokens are what orders get."""
        return self.mode is SellingMode.HOT

    def is_plain(self) -> bool:
        """Return whether there are no tokens."""
        return self.mode is SellingMode.PLAIN

    def is_draining(self) -> bool:
        """Return whether tokens turn into ordinary units."""
        return self.mode is SellingMode.DRAINING


PLAIN: Final = Selling()


def switch_to_hot(selling: Selling, *, version: int, pool: int) -> Selling:
    """Begin a generation, or turn back from draining one; nothing is issued by this."""
    if selling.is_hot():
        return _next(selling, version=version)
    if selling.is_draining():
        return _next(selling, mode=SellingMode.HOT, version=version)
    return _next(
        selling,
        mode=SellingMode.HOT,
        version=version,
        generation=selling.generation + 1,
        pool=pool,
        issued=0,
        open=0,
        announced=0,
        announced_at="",
        remaining=PLENTY,
    )


def switch_to_plain(selling: Selling, *, version: int) -> Selling:
    """Begin to drain, where there is anything to drain."""
    mode = SellingMode.DRAINING if selling.is_hot() else selling.mode
    return _next(selling, mode=mode, version=version)


def issue(selling: Selling, units: int) -> Selling:
    """Make tokens of free units."""
    return _next(selling, issued=selling.issued + units, open=selling.open + units, remaining=PLENTY)


def announce(selling: Selling, numbers: int, *, now: str) -> Selling:
    """Note that messages were sent for so many more numbers."""
    return _next(selling, announced=selling.announced + numbers, announced_at=now)


def announce_again(selling: Selling, *, now: str) -> Selling:
    """Note that messages were sent for every free number."""
    return _next(selling, announced=selling.issued, announced_at=now)


def close(selling: Selling, tokens: int) -> Selling:
    """Note that so many tokens were retired or settled."""
    return _next(selling, open=selling.open - tokens)


def count(selling: Selling, remaining: int) -> Selling:
    """Note how many tokens are free for orders."""
    return _next(selling, remaining=min(remaining, PLENTY))


def become_plain(selling: Selling) -> Selling:
    """End a generation of which every token is retired or settled; raises ValueError before."""
    if selling.open:
        message = f"generation {selling.generation} still has {selling.open} open tokens"
        raise ValueError(message)
    return _next(selling, mode=SellingMode.PLAIN)


def refill_is_due(*, free: int, messages: int, age_seconds: float, longest_age_seconds: float) -> bool:
    """Decide whether every free number is sent again: messages were lost, or soon age out of their queue."""
    if free == 0:
        return False
    return (free - messages) * _REFILL_SHARE >= free or age_seconds >= longest_age_seconds


def _next(selling: Selling, **changes: object) -> Selling:
    return msgspec.structs.replace(selling, revision=selling.revision + 1, **changes)
