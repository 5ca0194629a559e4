"""What an order is judged by at the entry: price, whether the SKU is for sale, and whether its home has sold it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.listing import Offer, still_sold_out


def offers_of(ports: Ports, skus: Iterable[str], region: str) -> Mapping[str, Offer]:
    """Return the offer of each SKU that has a price, to customers whose home is this Region.

    What is in demand is remembered for a moment: a stampede on it reads nothing, neither the listing nor the stock.
    """
    return ports.offers.offers(skus, region, lambda missing: _read(ports, missing, region))


def _read(ports: Ports, skus: Iterable[str], region: str) -> Mapping[str, Offer]:
    read = ports.store.offers(skus, region)
    flagged = [sku for sku, offer in read.items() if offer.sold_out]
    if not flagged:
        return read
    sold_out = still_sold_out(flagged, ports.store.allotments(flagged, region))
    return {sku: msgspec.structs.replace(offer, sold_out=sku in sold_out) for sku, offer in read.items()}
