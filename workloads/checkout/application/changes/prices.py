"""What a Region was told about a price."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.price import Price


class SetPriceItem(FrozenChange, frozen=True):
    """A Region's own record of a price, if it is newer."""

    price: Price


PriceChange: TypeAlias = SetPriceItem
