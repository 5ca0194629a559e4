"""How a SKU is sold, as attributes of its allotment: absent from what an earlier version wrote, which means plain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.domain.selling import PLENTY, Selling, SellingMode


def write_selling(selling: Selling) -> dict[str, Plain]:
    """Write how a SKU is sold."""
    return {
        "selling_mode": selling.mode.value,
        "selling_version": selling.version,
        "selling_revision": selling.revision,
        "selling_generation": selling.generation,
        "selling_pool": selling.pool,
        "selling_issued": selling.issued,
        "selling_open": selling.open,
        "selling_announced": selling.announced,
        "selling_announced_at": selling.announced_at,
        "selling_remaining": selling.remaining,
    }


def read_selling(item: Mapping[str, Any]) -> Selling:
    """Read how a SKU is sold."""
    return Selling(
        mode=SellingMode(item.get("selling_mode", SellingMode.PLAIN)),
        version=item.get("selling_version", 0),
        revision=item.get("selling_revision", 0),
        generation=item.get("selling_generation", 0),
        pool=item.get("selling_pool", 0),
        issued=item.get("selling_issued", 0),
        open=item.get("selling_open", 0),
        announced=item.get("selling_announced", 0),
        announced_at=item.get("selling_announced_at", ""),
        remaining=item.get("selling_remaining", PLENTY),
    )
