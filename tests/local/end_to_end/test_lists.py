"""A customer's orders and ledger over HTTP, page by page, in both Regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.local.end_to_end.shop import Customer, Shop, eventually


@pytest.mark.parametrize("home", [0, 1])
def test_a_customer_pages_through_orders_and_ledger_in_every_region(shop: Shop, home: int) -> None:
    customer = shop.customer(shop.regions[home], cents=1_000)
    sku = shop.title(cents=400, units=5)
    # One after the other: three at once could not be paid in the order in which they are placed.
    orders = [shop.order(customer, sku, wait=10).json()["orderId"] for _ in range(3)]

    for region in shop.regions:
        listed = eventually(
            lambda region=region: pages(shop, customer, region, "/v1/orders?limit=2", "orders"),
            lambda listed: all(order["state"] != "Pending" for order in listed),
        )
        assert [(order["orderId"], order["state"]) for order in listed] == [
            (orders[2], "Rejected"),
            (orders[1], "Completed"),
            (orders[0], "Completed"),
        ]
        entries = pages(shop, customer, region, f"/v1/wallets/{customer.id}/ledger?limit=1", "entries")
        moved = sorted((entry["kind"], entry["amount"]["minorUnits"]) for entry in entries)
        assert moved == [("Debit", 0), ("Debit", 400), ("Debit", 400), ("Deposit", 1_000)]
        assert {entry["madeAt"] <= listed[0]["placedAt"] for entry in entries if entry["kind"] == "Deposit"} == {True}


def test_nobody_reads_the_lists_of_others_and_a_page_token_stays_with_its_list(shop: Shop) -> None:
    home = shop.regions[0]
    customer, stranger = shop.customer(home, cents=1_000), shop.customer(home)
    sku = shop.title(cents=400, units=5)
    for _ in range(2):
        shop.order(customer, sku)
    token = shop.get(home, "/v1/orders?limit=1", customer.token).json()["nextPageToken"]

    for path in (f"/v1/orders?customerId={customer.id}", f"/v1/wallets/{customer.id}/ledger"):
        assert shop.get(home, path, stranger.token).status_code == 403
    for path, reader in (
        (f"/v1/orders?pageToken={token}", stranger),
        (f"/v1/wallets/{customer.id}/ledger?pageToken={token}", customer),
        ("/v1/orders?pageToken=nonsense", customer),
        ("/v1/orders?limit=101", customer),
    ):
        refused = shop.get(home, path, reader.token)
        assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/problem+json")
    assert shop.get(home, "/v1/orders", stranger.token).json() == {"customerId": stranger.id, "orders": []}


def pages(shop: Shop, customer: Customer, region: str, path: str, part: str) -> list[Mapping[str, Any]]:
    """Return what all pages of a list show."""
    shown: list[Mapping[str, Any]] = []
    following = path
    for _ in range(10):
        answer = shop.get(region, following, customer.token)
        assert answer.status_code == 200, answer.text
        shown += answer.json()[part]
        if (token := answer.json().get("nextPageToken")) is None:
            return shown
        following = f"{path}&pageToken={token}"
    pytest.fail(f"no end in sight of {path}")
