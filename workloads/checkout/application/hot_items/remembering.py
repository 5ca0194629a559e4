"""Remembers for a second which SKUs are hot: one item does not bear fifty thousand reads a second.

What is remembered may be old. That is safe both ways: an old "hot" only leads to tokens, which are won or lost by their
own items whatever the allotment says; "plain" is never remembered, and its counter's condition refuses what is old.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from workloads.checkout.domain.allotment import Allotment

LONGEST: Final = timedelta(seconds=1)


class RememberedAllotments:
    """The allotments of hot SKUs that this process has read within the last second."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[datetime, Allotment]] = {}

    def recall(self, skus: Iterable[str], *, now: datetime) -> dict[str, Allotment]:
        """Return what is still fresh."""
        found = ((sku, self._until.get(sku)) for sku in skus)
        return {sku: known[1] for sku, known in found if known is not None and now < known[0]}

    def remember(self, allotments: Iterable[Allotment], *, now: datetime) -> None:
        """Keep those that are hot."""
        for allotment in allotments:
            if allotment.selling.is_hot():
                self._until[allotment.sku] = (now + LONGEST, allotment)
            else:
                self.forget(allotment.sku)

    def forget(self, sku: str) -> None:
        """Read it anew next time."""
        self._until.pop(sku, None)
