"""How a Region sells a SKU, and which pool its tokens use."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.allotment import Movement


class ChangeSelling(FrozenChange, frozen=True):
    """The next value of `selling`, if the one before still stands; units move and levels are told as in `MoveStock`."""

    movement: Movement


class ClaimCount(FrozenChange, frozen=True):
    """The right to count a generation's tokens, if nobody has had it since a moment (milliseconds since 1970)."""

    sku: str
    region: str
    at: int
    unless_since: int


class AssignPool(FrozenChange, frozen=True):
    """A pool becomes a SKU's, if it is nobody's."""

    pool: int
    region: str
    sku: str
    generation: int


class FreePool(FrozenChange, frozen=True):
    """A pool becomes nobody's, if it is the SKU's in this generation."""

    pool: int
    region: str
    sku: str
    generation: int


SellingChange: TypeAlias = ChangeSelling | ClaimCount | AssignPool | FreePool
