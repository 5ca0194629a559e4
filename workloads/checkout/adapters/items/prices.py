"""Prices as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.items.fields import Fields
from workloads.checkout.domain.price import Price
from workloads.contracts.money import Money


def write_price(price: Price) -> Fields:
    """Write a price."""
    return {
        "sku": price.sku,
        "region": price.region,
        "minor_units": price.amount.minor_units,
        "currency": price.amount.currency,
        "version": price.version,
    }


def read_price(item: Mapping[str, Any]) -> Price:
    """Read a price."""
    return Price(
        sku=item["sku"],
        region=item["region"],
        amount=Money(item["minor_units"], item["currency"]),
        version=item["version"],
    )
