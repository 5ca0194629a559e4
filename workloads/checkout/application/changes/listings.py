"""What a Region tells the entry about the sale of a SKU."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.listing import Listing


class FlagSoldOut(FrozenChange, frozen=True):
    """Whether the Region's stock is sold out, if no later event has told it."""

    listing: Listing


class SetSelling(FrozenChange, frozen=True):
    """Whether the SKU is for sale, if this Region knows no later version."""

    listing: Listing


class TellSellingMode(FrozenChange, frozen=True):
    """How the Region's stock is sold: comes with the `ChangeSelling` that made it so, whose condition is its own."""

    listing: Listing


ListingChange: TypeAlias = FlagSoldOut | SetSelling | TellSellingMode
