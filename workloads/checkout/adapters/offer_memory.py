"""The offers of what is in demand, for at most a second after they were read, in the memory of one function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from workloads.checkout.domain.listing import Offer, is_in_demand

_LASTS_SECONDS: Final = 1.0
"""So old may a price, a stop of the sale or the end of a sold-out flag be; replication takes about as long anyway."""
_MOST: Final = 1_000
"""Offers that are kept: few SKUs are asked for so often that it matters."""


class OffersForASecond:
    """Implements `OfferMemory`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kept: dict[tuple[str, str], tuple[float, Offer]] = {}

    def offers(
        self, skus: Iterable[str], region: str, read: Callable[[frozenset[str]], Mapping[str, Offer]]
    ) -> Mapping[str, Offer]:
        """Return what is remembered, and read the rest; its age counts from before it was read."""
        now = self._monotonic()
        wanted = frozenset(skus)
        fresh = {sku: offer for sku in wanted if (offer := self._recall(sku, region, now)) is not None}
        if not (missing := wanted - fresh.keys()):
            return fresh
        found = read(missing)
        for sku, offer in found.items():
            if is_in_demand(offer):
                self._keep(sku, region, now, offer)
        return {**fresh, **found}

    def _recall(self, sku: str, region: str, now: float) -> Offer | None:
        read_at, offer = self._kept.get((sku, region), (0.0, None))
        return offer if now - read_at < _LASTS_SECONDS else None

    def _keep(self, sku: str, region: str, read_at: float, offer: Offer) -> None:
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[sku, region] = read_at, offer
