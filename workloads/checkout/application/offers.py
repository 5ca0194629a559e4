"""What an order is judged by at the entry: price, whether the SKU is for sale, and whether its home has sold it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.listing import Offer, still_sold_out


def offers_of(ports: Ports, skus: Iterable[str], region: str) -> Mapping[str, Offer]:
    """Return the offer of each SKU that has a price, to customers whose home is this Region.

    What is sold out is remembered for a moment: a stampede on it reads nothing, neither the listing nor the stock.
    """
    wanted = set(skus)
    remembered = {sku: offer for sku in wanted if (offer := ports.sold_out.recall(sku, region)) is not None}
    read = ports.store.offers(wanted - remembered.keys(), region)
    flagged = [sku for sku, offer in read.items() if offer.sold_out]
    if not flagged:
        return {**remembered, **read}
    sold_out = still_sold_out(flagged, ports.store.allotments(flagged, region))
    judged = {sku: msgspec.structs.replace(offer, sold_out=sku in sold_out) for sku, offer in read.items()}
    for sku in sold_out:
        ports.sold_out.remember(judged[sku], region)
    return {**remembered, **judged}
