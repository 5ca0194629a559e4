"""A Region's allotment of a SKU."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.allotment import Movement


class AddAllotment(FrozenChange, frozen=True):
    """The first allotment of a SKU in a Region, if there is none."""

    movement: Movement


class MoveStock(FrozenChange, frozen=True):
    """Units into or out of an allotment, if that still leads from the level that was told to the one that is told.

    `free` moves with every order meanwhile: the difference is added, not what it was read to be. Units are taken only
    if so many are free.
    """

    movement: Movement


class SetAllotted(FrozenChange, frozen=True):
    """What the system of record gives, if its version before is still the present one; else as `MoveStock`."""

    movement: Movement


StockChange: TypeAlias = AddAllotment | MoveStock | SetAllotted
