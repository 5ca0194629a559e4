"""An order that does not end in time: its units are given back by the minute's schedule, and it ends by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.emulator.faults import Moment
from tests.local.end_to_end.faults import FOR_GOOD, Failure, Saboteur
from tests.local.end_to_end.shop import Customer, Shop, eventually, money
from workloads.contracts.clock import timestamp
from workloads.contracts.identifiers import order_id

SWEEPER = "meridian-checkout-sweeper"
A_MINUTES_RUN = 90.0
"""Seconds within which a schedule of each minute has run: the embedded AWS looks every ten."""


def by_hand(shop: Shop, region: str) -> None:
    answer = shop.functions(region).invoke(FunctionName=f"{SWEEPER}:live", Payload=b"{}")
    assert "FunctionError" not in answer


def by_its_schedule(shop: Shop, region: str) -> None:
    schedule = shop.client("scheduler", region).get_schedule(Name=SWEEPER, GroupName=SWEEPER)
    assert (schedule["State"], schedule["ScheduleExpression"]) == ("ENABLED", "rate(1 minute)")


@pytest.mark.parametrize("swept", [by_hand, pytest.param(by_its_schedule, marks=pytest.mark.soak)])
@pytest.mark.usefixtures("hurried_retries")
def test_what_expires_is_given_back_and_the_order_ends_as_cancelled(
    shop: Shop, saboteur: Saboteur, swept: Callable[[Shop, str], None]
) -> None:
    home = shop.regions[0]
    customer, other = shop.customer(home, cents=100), shop.customer(home, cents=100)
    sku = shop.title(cents=100, units=1)
    key = shop.unique("expires")
    broken = [Failure(state=state, moment=Moment.BEFORE, times=FOR_GOOD) for state in ("Complete", "Refund", "Release")]
    saboteur.plan({order_id(customer.id, key): broken})
    location = shop.order(customer, sku, key=key).headers["Location"]
    # Paid and held, and the way forward is given up: it is on its way back, which is blocked.
    eventually(saboteur.struck, lambda struck: any(name.startswith("Refund") for name in struck.elements()), seconds=60)

    let_expire(shop, home, location)
    swept(shop, home)

    bought = eventually(
        lambda: shop.order(other, sku, key=shop.unique("other"), wait=10),
        lambda answer: answer.status_code == 201 and answer.json()["state"] == "Completed",
        seconds=A_MINUTES_RUN,
    )
    assert bought.json()["state"] == "Completed"
    assert shop.get(home, location, customer.token).json()["state"] == "Pending"
    saboteur.plan({})
    ended = shop.ended(customer, location)
    assert (ended["state"], ended["reason"]) == ("Cancelled", "ReservationExpired")
    view_settled(shop, customer)


def let_expire(shop: Shop, region: str, location: str) -> None:
    """Move the end of a reservation into the past: as declared, it is a quarter of an hour away."""
    past = timestamp(datetime.now(UTC) - timedelta(seconds=1))
    shop.dynamodb(region).update_item(
        TableName=shop.table("checkout"),
        Key={"pk": {"S": f"ORDER#{location.rsplit('/', 1)[-1]}"}, "sk": {"S": "RESERVATION"}},
        UpdateExpression="SET expires_at = :past",
        ConditionExpression="attribute_exists(expiry_bucket)",
        ExpressionAttributeValues={":past": {"S": past}},
    )


def view_settled(shop: Shop, customer: Customer) -> None:
    """Wait until each Region shows the order's end and all of the money."""

    def settled(view: Any) -> bool:
        return view["wallet"]["balance"] == money(100) and [o["state"] for o in view["orders"]] == ["Cancelled"]

    for region in shop.regions:
        shop.view(customer, region, settled)
