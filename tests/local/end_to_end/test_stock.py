"""Stock over HTTP: sold out at the entry, back again, moved between Regions, and taken off sale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tests.local.end_to_end.shop import Customer, Shop, eventually, lines


def problem_of(answer: httpx.Response) -> str:
    """Return the kind of a refusal, or an empty text."""
    document = answer.json()
    return document["type"].rpartition("/")[2] if answer.status_code >= 400 else ""


def refused_as(shop: Shop, customer: Customer, sku: str, problem: str, *, region: str | None = None) -> httpx.Response:
    """Order until the entry refuses it so; what was placed meanwhile is rejected by the stock itself."""
    return eventually(lambda: shop.order(customer, sku, region=region), lambda answer: problem_of(answer) == problem)


def taken(shop: Shop, customer: Customer, sku: str) -> Mapping[str, Any]:
    """Order until the entry takes it, and wait for its end."""
    answer = eventually(lambda: shop.order(customer, sku), lambda answer: answer.status_code == 201)
    return shop.ended(customer, answer.headers["Location"])


def allotment(shop: Shop, sku: str, region: str, *, seen_in: str | None = None) -> dict[str, int]:
    """Return the numbers of an allotment as a Region's replica has them."""
    key = {"pk": {"S": f"ALLOTMENT#{sku}#{region}"}, "sk": {"S": "ALLOTMENT"}}
    item = shop.dynamodb(seen_in or region).get_item(TableName=shop.table("checkout"), Key=key).get("Item", {})
    return {name: int(value["N"]) for name, value in item.items() if "N" in value}


def test_what_the_home_has_sold_out_is_refused_at_every_entry_until_there_is_more(shop: Shop) -> None:
    home, elsewhere = shop.regions
    customer, neighbour = shop.customer(home, cents=10_000), shop.customer(elsewhere, cents=10_000)
    sku = shop.title(cents=100, units=1)
    assert shop.order(customer, sku, wait=10).json()["state"] == "Completed"

    answer = refused_as(shop, customer, sku, "sold-out")
    assert answer.status_code == 409
    assert home in answer.json()["detail"]
    assert refused_as(shop, customer, sku, "sold-out", region=elsewhere).status_code == 409
    assert shop.order(neighbour, sku, wait=10).json()["state"] == "Completed"

    more = {"sku": sku, "units": 2, "version": 2}
    shop.outcome(home, shop.command(home, "set-allotment", more), shop.system(home))
    assert taken(shop, customer, sku)["state"] == "Completed"


def test_a_unit_that_comes_back_can_be_ordered_again(shop: Shop) -> None:
    home = shop.regions[0]
    poor, rich = shop.customer(home, cents=1), shop.customer(home, cents=1_000)
    sku = shop.title(cents=100, units=1)

    assert shop.order(poor, sku, wait=10).json()["reason"] == "InsufficientFunds"

    assert taken(shop, rich, sku)["state"] == "Completed"


def test_stock_is_transferred_once_and_no_unit_is_lost(shop: Shop) -> None:
    source, target = shop.regions
    customer = shop.customer(target, cents=10_000)
    sku = shop.title(cents=100, units=5)
    body = {"sku": sku, "units": 3, "toRegion": target}
    key = shop.unique("transfer")

    for _ in range(2):
        sent = shop.post(source, "/v1/commands/transfer-allotment", shop.system(source), body, key=key)
        assert sent.status_code == 202
        assert shop.outcome(source, sent.headers["Location"], shop.system(source))["outcome"] == "Accepted"

    for seen_in in shop.regions:
        eventually(
            lambda seen_in=seen_in: [allotment(shop, sku, region, seen_in=seen_in)["free"] for region in shop.regions],
            lambda free: free == [2, 8],
        )
    assert shop.order(customer, sku, quantity=8, wait=10).json()["state"] == "Completed"
    units = [allotment(shop, sku, region) for region in shop.regions]
    assert sum(unit["transferred"] for unit in units) == 0


def test_a_transfer_of_more_than_is_free_is_refused(shop: Shop) -> None:
    source, target = shop.regions
    sku = shop.title(cents=100, units=2)
    body = {"sku": sku, "units": 3, "toRegion": target}

    sent = shop.post(source, "/v1/commands/transfer-allotment", shop.system(source), body, key=shop.unique("transfer"))

    outcome = shop.outcome(source, sent.headers["Location"], shop.system(source))
    assert outcome["problem"]["type"].endswith("/insufficient-stock")
    assert allotment(shop, sku, source)["free"] == 2


def test_what_is_not_for_sale_is_refused_in_both_regions_until_it_is_again(shop: Shop) -> None:
    home, elsewhere = shop.regions
    customer = shop.customer(home, cents=1_000)
    sku = shop.title(cents=100, units=5)
    stopped = shop.command(elsewhere, "stop-selling", {"sku": sku, "version": 1})
    assert shop.outcome(elsewhere, stopped, shop.system(elsewhere))["outcome"] == "Accepted"

    for region in shop.regions:
        assert refused_as(shop, customer, sku, "not-for-sale", region=region).status_code == 422
    asked = shop.post(home, "/v1/commands/place-order", customer.token, lines(sku), key=shop.unique("order"))
    outcome = shop.outcome(home, asked.headers["Location"], customer.token)
    assert outcome["problem"]["type"].endswith("/not-for-sale")

    resumed = shop.command(home, "resume-selling", {"sku": sku, "version": 2})
    assert shop.outcome(home, resumed, shop.system(home))["outcome"] == "Accepted"
    assert taken(shop, customer, sku)["state"] == "Completed"


def test_a_customer_neither_transfers_stock_nor_stops_a_sale(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0])
    calls = {
        "transfer-allotment": {"sku": "any", "units": 1, "toRegion": shop.regions[1]},
        "stop-selling": {"sku": "any", "version": 1},
        "resume-selling": {"sku": "any", "version": 1},
    }

    for name, body in calls.items():
        answer = shop.post(customer.home, f"/v1/commands/{name}", customer.token, body, key=shop.unique("key"))
        assert answer.status_code == 403, name
