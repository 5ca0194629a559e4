"""Allotments as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.items.fields import Fields
from workloads.checkout.adapters.items.selling import read_selling
from workloads.checkout.domain.allotment import Allotment, StockLevel


def write_allotment(allotment: Allotment) -> Fields:
    """Write an allotment."""
    return {
        "sku": allotment.sku,
        "region": allotment.region,
        "allotted": allotment.allotted,
        "free": allotment.free,
        "version": allotment.version,
        "transferred": allotment.transferred,
        "stock_level": allotment.level.value,
        "availability": allotment.availability,
    }


def read_allotment(item: Mapping[str, Any]) -> Allotment:
    """Read an allotment; one of the first release was never transferred and told no level."""
    return Allotment(
        sku=item["sku"],
        region=item["region"],
        allotted=item["allotted"],
        free=item["free"],
        version=item["version"],
        transferred=item.get("transferred", 0),
        level=StockLevel(item.get("stock_level", StockLevel.AMPLE)),
        availability=item.get("availability", 0),
        selling=read_selling(item),
    )
