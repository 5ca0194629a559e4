"""What the demo prints: sums that balance in a shop that is right, each difference in one that is not."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from local.demo.clients import WalletPart
from local.demo.conservation import accounts, total
from local.demo.orders import Purchase
from local.demo.records import OrderRecord
from local.demo.report import show
from local.demo.verify import differences
from tests.local.demo.ideal_shop import Shop, ideal_shop
from workloads.contracts.money import Money


@pytest.fixture
def shop(purchases: tuple[Purchase, ...]) -> Shop:
    shop = ideal_shop(purchases)
    shop.orders[0].ended_at = 1.0
    return shop


def test_money_and_units_of_a_shop_that_is_right_are_all_there(shop: Shop) -> None:
    by_region = accounts(shop.plan, shop.result)

    for account in by_region.values():
        assert (account.money.missing, account.units.missing) == (0, 0)
        assert account.points_earned == account.points_shown > 0
        assert account.money.refunded > 0
        assert account.units.returned > 0
    everything = total(list(by_region.values()))
    assert everything.units.allotted == sum(shop.plan.allotments.values())
    assert (everything.hot_units, everything.hot_sold, everything.hot_turned_away) == (40, 40, 20)


def test_a_cent_and_a_unit_that_are_gone_are_missing_in_the_region_that_lost_them(shop: Shop) -> None:
    wallet = next(each for each in shop.customers if each.customer.deposit and each.customer.home == "eu-west-1")
    view = wallet.views["us-east-1"]
    assert view.wallet
    changed = WalletPart(balance=Money(view.wallet.balance.minor_units - 1, "USD"))
    wallet.views["us-east-1"] = type(view)(view.customer_id, changed, view.points, view.orders)
    shop.show(shop.order(_found_something), state="Rejected", reason="SoldOut")

    by_region = accounts(shop.plan, shop.result)

    assert by_region["eu-west-1"].money.missing == 1
    assert by_region["us-east-1"].units.missing > 0


def test_the_table_and_the_verdict_of_a_shop_that_is_right_are_printed(shop: Shop) -> None:
    printed = _printed(shop)

    assert "= missing │ $0.00 │ $0.00 │ $0.00" in printed
    assert "= missing │ 0 │ 0 │ 0" in printed
    assert "hot units sold │ 40 │ 0 │ 40" in printed
    assert f"All 1044 rows of the file were ordered once, all {len(shop.orders)} orders ended once" in printed


def test_the_throughput_and_the_latency_of_each_operation_are_printed(shop: Shop) -> None:
    bought = [record for record in shop.orders if record.order.purchases]
    for number, record in enumerate(bought, start=1):
        record.ended_at = number / 50
    for milliseconds in range(1, 201):
        shop.stopwatch.add("place order", milliseconds / 1000)
    shop.stopwatch.add("deposit", 0.007)

    printed = _printed(shop)

    assert "Requests: 50 orders a second from the first request to the last order's end" in printed
    assert "operation ┃ requests ┃ p50 ms ┃ p99 ms" in printed
    assert "place order │ 200 │ 100 │ 198" in printed
    assert "deposit │ 1 │ 7 │ 7" in printed


def test_replication_is_labelled_as_what_it_is_here(shop: Shop) -> None:
    assert "Replication: synchronous here. The embedded AWS writes all replicas of a table at once" in _printed(shop)


def test_the_verdict_is_followed_by_how_long_it_took(shop: Shop) -> None:
    assert _printed(shop).endswith("2 Regions show the same. 123 s from the first line to the verdict")


def test_each_difference_is_printed(shop: Shop) -> None:
    shop.orders[0].faults.append("ReadTimeout: [first]")
    shop.orders[1].faults.append("ReadTimeout: second")

    printed = _printed(shop)

    assert f"{shop.orders[0].order.name}: ReadTimeout: [first]" in printed
    assert f"{shop.orders[1].order.name}: ReadTimeout: second" in printed
    assert "2 differences between what 2 Regions show and what the file gives" in printed


def _found_something(record: OrderRecord) -> bool:
    return record.order.takes_stock and record.completed and record.order.home == "us-east-1"


def _printed(shop: Shop) -> str:
    """Return the report with all white space made one blank."""
    sheet = StringIO()
    found = differences(shop.plan, shop.orders, shop.customers)
    show(Console(file=sheet, width=200), shop.plan, shop.result, found, seconds=123.4)
    return " ".join(sheet.getvalue().split())
