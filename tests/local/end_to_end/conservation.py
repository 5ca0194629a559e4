"""What must be true of money, points, units and events after whatever befell a number of orders."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.local.end_to_end.shop import PATIENCE, Customer, Shop

CENTS_OF_A_POINT = 100
"""Of what a purchase costs, by the rules that the laptop awards by."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An order that has ended."""

    order_id: str
    state: str
    cents: int
    """What it costs, if it is a purchase."""
    ways: tuple[tuple[str, ...], ...]
    """The events of each way to this end."""

    @property
    def paid(self) -> int:
        """Return the cents that it has taken for good."""
        return self.cents * (self.state == "Completed")


@dataclass(frozen=True, kw_only=True)
class Account:
    """What a customer has paid in, and all of its orders."""

    customer: Customer
    cents: int
    orders: Sequence[Ended]

    @property
    def left(self) -> int:
        """Return the cents that must be in the wallet."""
        return self.cents - sum(order.paid for order in self.orders)

    @property
    def points(self) -> int:
        """Return the points that the purchases are worth."""
        return sum(order.paid // CENTS_OF_A_POINT for order in self.orders)


def money_is_conserved(shop: Shop, accounts: Sequence[Account], *, seconds: float = PATIENCE) -> None:
    """What a wallet holds is what was paid in less what was bought, by the view and by the ledger; so are the points.

    An account has a hundred movements at most; its view may take so many seconds.
    """
    for account in accounts:
        customer = account.customer
        path = f"/v1/wallets/{customer.id}/ledger?limit=100"
        entries = shop.get(customer.home, path, customer.token).json()["entries"]
        moved = [entry["amount"]["minorUnits"] * (-1 if entry["kind"] == "Debit" else 1) for entry in entries]
        assert sum(moved) == account.left, (account, entries)
        expected = (account.left, account.points, sorted((order.order_id, order.state) for order in account.orders))
        for region in shop.regions:
            shop.view(
                customer,
                region,
                lambda view, expected=expected: (
                    expected
                    == (
                        view["wallet"]["balance"]["minorUnits"],
                        (view.get("points") or {"balance": 0})["balance"],
                        sorted((order["orderId"], order["state"]) for order in view.get("orders", ())),
                    )
                ),
                seconds=seconds,
            )


def events_tell_each_thing_once(shop: Shop, orders: Sequence[Ended]) -> None:
    """Compare the outbox of each order with the ways to its end."""
    told: Mapping[str, Counter[str]] = {order.order_id: Counter() for order in orders}
    for (region, table, _, _), item in shop.items().items():
        # The outbox of both Regions is in each of them.
        if (region, table) != (shop.regions[0], "checkout-outbox"):
            continue
        event = json.loads(item["event"]["S"])
        if "destinationregion" in event:
            # A command that is handed over to the customer's home: it asks, and tells nothing.
            continue
        if (known := told.get(event["data"].get("orderId", ""))) is not None:
            known[event["type"]] += 1
    for order in orders:
        assert _redriven_once(told[order.order_id]) in [_redriven_once(Counter(way)) for way in order.ways], (
            order,
            told[order.order_id],
        )


def _redriven_once(events: Counter[str]) -> Counter[str]:
    """Return events of which no redrive counts after the first: it is refused where the first has ended the order."""
    return Counter({kind: 1 if kind == "CheckoutRedriven" else times for kind, times in events.items()})
