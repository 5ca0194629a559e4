"""What is too long for one answer: a customer's orders and ledger, page by page."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from workloads.checkout.application.ports import OrderPlace, Ports
from workloads.checkout.domain.ledger import EntryId, LedgerEntry
from workloads.checkout.domain.order import Order

T = TypeVar("T")
P = TypeVar("P")


class Page(msgspec.Struct, Generic[T, P], frozen=True):
    """Some of a list."""

    shown: tuple[T, ...]
    last: P | None
    """Where the next page goes on: behind this one. None where there is no more."""


def read_orders(ports: Ports, customer_id: str, *, after: OrderPlace | None, limit: int) -> Page[Order, OrderPlace]:
    """Return a customer's orders, the newest first, as they stand now.

    Which orders there are may be known a moment late. Those that are shown are read from the table itself.
    """
    # One too many tells whether there is another page.
    places = ports.store.placed(customer_id, after=after, at_most=limit + 1)
    shown = places[:limit]
    orders = ports.store.orders(place.order_id for place in shown)
    return Page(
        tuple(orders[place.order_id] for place in shown if place.order_id in orders),
        shown[-1] if len(places) > limit else None,
    )


def read_ledger(ports: Ports, customer_id: str, *, after: EntryId | None, limit: int) -> Page[LedgerEntry, EntryId]:
    """Return the entries of a customer's ledger, in the order of their ids."""
    entries = ports.store.ledger(customer_id, after=after, at_most=limit + 1)
    shown = entries[:limit]
    return Page(tuple(shown), shown[-1].id if len(entries) > limit else None)
