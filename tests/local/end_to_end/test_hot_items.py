"""A hot SKU over HTTP: marked hot, ordered by many at once, sold out, back in stock, and plain again."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

from tests.local.end_to_end.shop import Shop, eventually

UNITS = 6


def test_a_hot_sku_is_sold_to_the_last_unit_and_becomes_plain_again(shop: Shop) -> None:
    region = shop.regions[0]
    sku = shop.title(cents=100, units=UNITS)
    buyers = [shop.customer(region, cents=100) for _ in range(UNITS)]
    poor = shop.customer(region, cents=10)
    command(shop, region, "set-selling-mode", {"sku": sku, "mode": "Hot", "version": 1})
    eventually(lambda: allotment(shop, region, sku), lambda item: item.get("selling_announced") == {"N": str(UNITS)})
    assert allotment(shop, region, sku)["free"] == {"N": "0"}

    # One who can not pay has a unit for a moment: it comes back, and is sold to somebody else.
    first = shop.order(poor, sku)
    assert shop.ended(poor, first.headers["Location"])["reason"] == "InsufficientFunds"
    with ThreadPoolExecutor(UNITS) as pool:
        answers = list(pool.map(shop.order, buyers, repeat(sku)))
    ends = [shop.ended(buyer, answer.headers["Location"]) for buyer, answer in zip(buyers, answers, strict=True)]
    assert Counter(end["state"] for end in ends) == {"Completed": UNITS}

    late = shop.customer(region, cents=100)
    refused = shop.order(late, sku)
    if refused.status_code == 201:
        assert shop.ended(late, refused.headers["Location"])["reason"] == "SoldOut"
    eventually(lambda: allotment(shop, region, sku), lambda item: item["stock_level"] == {"S": "SoldOut"})

    command(shop, region, "set-allotment", {"sku": sku, "units": UNITS + 1, "version": 2})
    eventually(lambda: allotment(shop, region, sku), lambda item: item["stock_level"] != {"S": "SoldOut"})
    command(shop, region, "set-selling-mode", {"sku": sku, "mode": "Plain", "version": 2})
    plain = eventually(lambda: allotment(shop, region, sku), lambda item: item["selling_mode"] == {"S": "Plain"})
    assert plain["free"] == {"N": "1"}
    last = eventually(lambda: shop.order(late, sku, key=shop.unique("late")), lambda answer: answer.status_code == 201)
    assert shop.ended(late, last.headers["Location"])["state"] == "Completed"


def test_units_that_arrive_from_elsewhere_are_sold_while_it_is_hot(shop: Shop, operators: dict[str, str]) -> None:
    source, target = shop.regions
    sku = shop.title(cents=100, units=2)
    buyer = shop.customer(target, cents=1_000)
    command(shop, target, "set-selling-mode", {"sku": sku, "mode": "Hot", "version": 1})
    eventually(lambda: allotment(shop, target, sku), lambda item: item.get("selling_announced") == {"N": "2"})
    first = shop.order(buyer, sku, quantity=2)
    assert shop.ended(buyer, first.headers["Location"])["state"] == "Completed"

    body = {"sku": sku, "units": 2, "toRegion": target, "reason": "idle there"}
    sent = shop.post(source, "/v1/operations/transfer-stock", operators[source], body, key=shop.unique("transfer"))
    assert sent.status_code == 201

    eventually(lambda: allotment(shop, target, sku), lambda item: item.get("selling_announced") == {"N": "4"})
    assert allotment(shop, target, sku)["selling_mode"] == {"S": "Hot"}
    second = eventually(
        lambda: shop.order(buyer, sku, quantity=2, key=shop.unique("second")),
        lambda answer: answer.status_code == 201,
    )
    assert shop.ended(buyer, second.headers["Location"])["state"] == "Completed"


def command(shop: Shop, region: str, name: str, body: object) -> None:
    location = shop.command(region, name, body)
    outcome = shop.outcome(region, location, shop.system(region))
    assert outcome["outcome"] == "Accepted", outcome


def allotment(shop: Shop, region: str, sku: str) -> dict[str, Any]:
    """Read the item, in the Region's own replica."""
    key = {"pk": {"S": f"ALLOTMENT#{sku}#{region}"}, "sk": {"S": "ALLOTMENT"}}
    answer = shop.dynamodb(region).get_item(TableName="meridian-checkout", Key=key, ConsistentRead=True)
    return dict(answer.get("Item", {}))
