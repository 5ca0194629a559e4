"""What was found sold out within the last second, in the memory of one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from workloads.checkout.domain.listing import Offer

_LASTS_SECONDS: Final = 1.0
"""Stock that comes back waits at most so long for its first order; replication takes about as long anyway."""
_MOST: Final = 1_000
"""Offers that are kept: few SKUs are asked for so often that it matters."""


class SoldOutForASecond:
    """Implements `SoldOutMemory`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._found: dict[tuple[str, str], tuple[float, Offer]] = {}

    def recall(self, sku: str, region: str) -> Offer | None:
        """Return a sold-out offer that was found a moment ago."""
        found_at, offer = self._found.get((sku, region), (0.0, None))
        return offer if offer is not None and self._monotonic() - found_at < _LASTS_SECONDS else None

    def remember(self, offer: Offer, region: str) -> None:
        """Keep a sold-out offer for a moment."""
        if len(self._found) >= _MOST:
            self._found.clear()
        self._found[offer.price.sku, region] = (self._monotonic(), offer)
