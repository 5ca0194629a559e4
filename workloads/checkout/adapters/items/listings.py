"""Listings as items. Flag, sale and mode have a writer each, whose attributes may be absent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.adapters.items.prices import read_price
from workloads.checkout.domain.listing import Listing, Offer, is_stopped
from workloads.checkout.domain.price import Price, newest


def write_flag(listing: Listing) -> dict[str, Plain]:
    """Write what the stock's events tell."""
    return {
        "sku": listing.sku,
        "region": listing.region,
        "sold_out": int(listing.sold_out),
        "level_sequence": listing.level_sequence,
    }


def write_sale(listing: Listing) -> dict[str, Plain]:
    """Write whether the SKU is for sale."""
    return {
        "sku": listing.sku,
        "region": listing.region,
        "stopped": int(listing.stopped),
        "selling_version": listing.version,
    }


def write_selling_mode(listing: Listing) -> dict[str, Plain]:
    """Write how the Region's stock is sold."""
    return {"sku": listing.sku, "region": listing.region, "by_tokens": int(listing.by_tokens)}


def read_listing(item: Mapping[str, Any]) -> Listing:
    """Read a listing."""
    return Listing(
        sku=item["sku"],
        region=item["region"],
        sold_out=bool(item.get("sold_out", 0)),
        level_sequence=item.get("level_sequence", 0),
        stopped=bool(item.get("stopped", 0)),
        version=item.get("selling_version", 0),
        by_tokens=bool(item.get("by_tokens", 0)),
    )


def read_offers(found: Iterable[Mapping[str, Any]], region: str) -> dict[str, Offer]:
    """Read the offers of a Region from all Regions' prices and listings."""
    prices: dict[str, list[Price]] = {}
    listings: dict[str, list[Listing]] = {}
    for item in found:
        if item["pk"].startswith("PRICE#"):
            prices.setdefault(item["sku"], []).append(read_price(item))
        else:
            listings.setdefault(item["sku"], []).append(read_listing(item))
    own = {sku: [listing for listing in said if listing.region == region] for sku, said in listings.items()}
    return {
        sku: Offer(
            price=price,
            stopped=is_stopped(listings.get(sku, ())),
            sold_out=any(listing.sold_out for listing in own.get(sku, ())),
            by_tokens=any(listing.by_tokens for listing in own.get(sku, ())),
        )
        for sku, said in prices.items()
        if (price := newest(said)) is not None
    }
