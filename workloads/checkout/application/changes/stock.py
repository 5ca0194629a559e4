"""A Region's allotment of a SKU."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.allotment import Allotment


class TakeStock(FrozenChange, frozen=True):
    """Units out of an allotment, if so many are free."""

    sku: str
    region: str
    units: int


class ReturnStock(FrozenChange, frozen=True):
    """Units back into an allotment."""

    sku: str
    region: str
    units: int


class SetAllotmentItem(FrozenChange, frozen=True):
    """An allotment's next version, if the one before is still the present one; what is held or sold is kept."""

    before: Allotment | None
    after: Allotment


StockChange: TypeAlias = TakeStock | ReturnStock | SetAllotmentItem
