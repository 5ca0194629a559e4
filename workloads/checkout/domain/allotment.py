"""Stock: each Region sells a SKU from an allotment of its own, which no other Region writes.

An allotment has told a level: ample, running low, or sold out. Every movement of units by this code leaves the level
that was told last equal to what `free` says, and tells it, once, where it changed. A movement that does not tell (the
first release has only such) is made up for by the next one that does.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final

import msgspec

from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.selling import PLAIN, PLENTY, Selling
from workloads.contracts.commands import SetAllotment
from workloads.contracts.events import BackInStock, SoldOut, StockRanLow, StockRecovered

LOW_SHARE: Final = 10
"""Stock runs low when only a tenth of the units is free: time to move some in before the last one is sold."""
IDLE_SHARE: Final = 2
"""Stock lies idle when at least half of it is left while another Region's has run low."""

LevelEvent = SoldOut | BackInStock | StockRanLow | StockRecovered


class StockLevel(StrEnum):
    """How much of an allotment is left to sell."""

    AMPLE = "Ample"
    LOW = "Low"
    SOLD_OUT = "SoldOut"


class Allotment(msgspec.Struct, frozen=True, kw_only=True):
    """What a Region may sell of a SKU. `units - free` is held, sold, or in a pool of tokens."""

    sku: str
    region: str
    allotted: int
    """What the system of record gave to the Region: transfers leave it as it is, so that neither undoes the other."""
    free: int
    """Below zero where the allotment was cut under what is already held or sold: nothing is sold then."""
    version: int
    """The system of record's; 0 where units came by transfer before it gave any."""
    transferred: int = 0
    """Units that came from other Regions, less those that went there."""
    level: StockLevel = StockLevel.AMPLE
    """What was told last. Ample where nothing was told yet, for that is what everybody assumes then."""
    availability: int = 0
    """How often a level was told: the sequence of the last event."""
    selling: Selling = PLAIN

    @property
    def units(self) -> int:
        """Return how many units the Region may sell in all, those already sold included."""
        return self.allotted + self.transferred

    @property
    def left(self) -> int:
        """Return how many units can be had: the free ones, and the tokens that nobody had at the last count."""
        return self.free if self.selling.is_plain() else self.free + self.selling.remaining

    def is_idle(self) -> bool:
        """Return whether so much is left that another Region could have some.

        A count of tokens ends at PLENTY, however many there are: what is hot is idle by then, whatever its size.
        """
        uncounted = not self.selling.is_plain() and self.selling.remaining >= PLENTY
        return self.level is StockLevel.AMPLE and (uncounted or self.left * IDLE_SHARE >= self.units)

    def is_short_of(self, units: int) -> bool:
        """Return whether fewer units can be had."""
        return self.left < units


class Movement(msgspec.Struct, frozen=True):
    """An allotment before and after units moved, and the level told if that changed it."""

    before: Allotment
    after: Allotment

    @property
    def units(self) -> int:
        """Return by how much `free` changes."""
        return self.after.free - self.before.free

    @property
    def tells(self) -> bool:
        """Return whether another level is told than the last one."""
        return self.after.availability != self.before.availability


def level_of(free: int, units: int) -> StockLevel:
    """Return the level at which so many of the units are free."""
    if free <= 0:
        return StockLevel.SOLD_OUT
    return StockLevel.LOW if free <= low_bound(units) else StockLevel.AMPLE


def low_bound(units: int) -> int:
    """Return up to how many free units the stock is low."""
    return units // LOW_SHARE


def take(allotment: Allotment, units: int) -> Movement:
    """Take units out, of which the caller has seen that they are free."""
    return _moved(allotment, msgspec.structs.replace(allotment, free=allotment.free - units))


def put_back(allotment: Allotment, units: int) -> Movement:
    """Give units back that were taken."""
    return _moved(allotment, msgspec.structs.replace(allotment, free=allotment.free + units))


def transferred(allotment: Allotment, units: int) -> Movement:
    """Let units come in from another Region, or (below zero) go there."""
    after = msgspec.structs.replace(allotment, free=allotment.free + units, transferred=allotment.transferred + units)
    return _moved(allotment, after)


def tell(allotment: Allotment) -> Movement:
    """Tell the level as it is, without moving a unit: for an allotment whose level was changed without being told."""
    return _moved(allotment, allotment)


def set_allotment(current: Allotment | None, command: SetAllotment, *, region: str) -> Movement | Refusal:
    """Decide on a Region's allotment that the system of record sets: what is held or sold stays counted against it."""
    before = current or no_allotment(command.sku, region)
    if command.version > before.version:
        free = before.free + command.units - before.allotted
        after = msgspec.structs.replace(before, allotted=command.units, free=free, version=command.version)
        return _moved(before, after)
    if command.version == before.version and command.units == before.allotted:
        return Movement(before, before)
    return Refusal(
        RefusalKind.SUPERSEDED,
        f"version {command.version} of the allotment of {command.sku} in {region} does not follow version "
        f"{before.version}, which stands: send the allotment under a higher version",
    )


def idle_beside_low(allotments: Collection[Allotment]) -> list[Allotment]:
    """Return the Regions' allotments of a SKU that lie idle while another one has run low or is sold out."""
    if all(allotment.level is StockLevel.AMPLE for allotment in allotments):
        return []
    return [allotment for allotment in allotments if allotment.is_idle()]


def no_allotment(sku: str, region: str) -> Allotment:
    """Return the allotment of a SKU that the Region was never given."""
    return Allotment(sku=sku, region=region, allotted=0, free=0, version=0)


def level_told(movement: Movement) -> LevelEvent | None:
    """Return the event that tells of another level, or None where it is the one that was told last."""
    if not movement.tells:
        return None
    after = movement.after
    sku, region, sequence = after.sku, after.region, after.availability
    match movement.before.level, after.level:
        case _, StockLevel.SOLD_OUT:
            return SoldOut(sku=sku, region=region, sequence=sequence)
        case StockLevel.SOLD_OUT, _:
            return BackInStock(sku=sku, region=region, sequence=sequence)
        case _, StockLevel.LOW:
            return StockRanLow(sku=sku, region=region, sequence=sequence)
        case _:
            return StockRecovered(sku=sku, region=region, sequence=sequence)


def change_selling(allotment: Allotment, selling: Selling, *, freed: int = 0) -> Movement:
    """Sell in another way from now on, and move tokens' units to the free ones, or the reverse where below zero."""
    after = msgspec.structs.replace(allotment, selling=selling, free=allotment.free + freed)
    return _telling(allotment, after, _level_by_tokens(after))


def _moved(before: Allotment, after: Allotment) -> Movement:
    if not after.selling.is_plain():
        # What is free is not what is left: whoever looks after the tokens counts, and tells.
        return Movement(before, after)
    return _telling(before, after, level_of(after.free, after.units))


def _level_by_tokens(allotment: Allotment) -> StockLevel:
    """Return the level as far as it is known: a count ends where it has found plenty."""
    if allotment.selling.is_plain() or allotment.selling.remaining < PLENTY:
        return level_of(allotment.left, allotment.units)
    return StockLevel.AMPLE if allotment.level is StockLevel.SOLD_OUT else allotment.level


def _telling(before: Allotment, after: Allotment, level: StockLevel) -> Movement:
    if level is before.level:
        return Movement(before, after)
    return Movement(before, msgspec.structs.replace(after, level=level, availability=before.availability + 1))
