"""What the use cases need from outside, as a protocol."""

from __future__ import annotations

from typing import Protocol

import msgspec

from workloads.singleview.domain.facts import Fact, Order, Points, Wallet


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what is known of a customer: the newest orders first."""

    wallet: Wallet | None = None
    points: Points | None = None
    orders: tuple[Order, ...] = ()
    next_page_token: str | None = None
    """What the next page is asked for with; None on the last."""

    @property
    def empty(self) -> bool:
        """Tell whether nothing is known."""
        return self.wallet is None and self.points is None and not self.orders


class Rows(Protocol):
    """The customers' rows."""

    def record(self, fact: Fact, *, origin_region: str) -> bool:
        """Store a fact unless the same or a later one is stored; tell whether it was stored."""
        ...

    def read(self, customer_id: str, *, page_token: str | None) -> View:
        """Return a page of a customer's row; raises PageTokenError."""
        ...


class PageTokenError(ValueError):
    """A page token is none that a page of this customer gave."""

    def __init__(self) -> None:
        super().__init__("this page token is unknown: use nextPageToken of the page before, unchanged, or none")
