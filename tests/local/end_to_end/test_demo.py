"""The demo on parts of the file: it finds no difference in a shop that is right, and the one that is planted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from time import monotonic

import pytest

from local.demo import readback
from local.demo.orders import Purchase, first_weeks
from local.demo.records import CustomerRecord, OrderRecord, Session
from local.demo.run import run
from local.deployment import Deployment
from tests.local.end_to_end.shop import Shop

FIRST_PART = 60
SECOND_PART = 20


def test_the_demo_proves_that_the_result_is_right(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("local.demo.run.first_weeks", first_part)

    assert run(deployment, began=monotonic() - 300) == 0

    shown = " ".join(capsys.readouterr().out.split())
    assert f"All {FIRST_PART} rows of the file were ordered once" in shown
    seconds = re.search(r"show the same\. (\d+) s from the first line to the verdict$", shown)
    assert seconds
    assert int(seconds[1]) >= 300


def test_the_demo_names_a_difference_that_is_planted(
    shop: Shop, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    victims: list[str] = []

    async def read_and_falsify(
        customers: Iterable[CustomerRecord], orders: Iterable[OrderRecord], session: Session
    ) -> None:
        records = list(customers)
        await readback.read_customers(records, orders, session)
        if victims:  # who takes stock is read by itself
            return
        victim = next(record for record in records if record.views[shop.regions[0]].points)
        name = victim.customer.customer_id
        victims.append(name)
        shop.dynamodb(shop.regions[0]).update_item(
            TableName=shop.table("single-view"),
            Key={"pk": {"S": f"CUSTOMER#{name}"}, "sk": {"S": "POINTS"}},
            UpdateExpression="ADD balance :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        monkeypatch.setattr(readback, "PATIENCE", 0.1)
        await readback.read_customers([victim], orders, session)

    monkeypatch.setattr("local.demo.run.first_weeks", second_part)
    # The cell has two queues of tokens: the first part keeps one of them, and another test needs the other.
    monkeypatch.setattr("local.demo.planning.HOT_BUYERS", 0)
    monkeypatch.setattr("local.demo.run.read_customers", read_and_falsify)

    assert run(deployment, began=monotonic()) == 1

    shown = " ".join(capsys.readouterr().out.split())
    assert f"{len(shop.regions)} differences between" in shown
    assert all(f"{victims[0]}: {region} shows the view" in shown for region in shop.regions)


def first_part() -> tuple[Purchase, ...]:
    return first_weeks()[:FIRST_PART]


def second_part() -> tuple[Purchase, ...]:
    """Return purchases of other customers and other titles: accounts and allotments are made once."""
    first = first_part()
    customers, titles = {purchase.customer for purchase in first}, {purchase.sku for purchase in first}
    return tuple(
        purchase for purchase in first_weeks() if purchase.customer not in customers and purchase.sku not in titles
    )[:SECOND_PART]
