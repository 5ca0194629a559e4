"""An order is called off, or taken back after it was a purchase, over HTTP and in both Regions."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.local.end_to_end.shop import Shop, eventually, money


@contextmanager
def sagas_standing_still(shop: Shop, region: str) -> Generator[None]:
    """Keep a Region's orders pending: nobody reads the queue of what is to be started."""
    client = shop.functions(region)
    mappings = client.list_event_source_mappings(FunctionName="meridian-checkout-saga-starter")["EventSourceMappings"]
    [identifier] = [mapping.get("UUID", "") for mapping in mappings]
    client.update_event_source_mapping(UUID=identifier, Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=identifier, Enabled=True)


@pytest.mark.parametrize("arrival", [0, 1])
def test_a_pending_order_is_called_off_wherever_its_customer_asks(shop: Shop, arrival: int) -> None:
    home = shop.regions[0]
    customer = shop.customer(home, cents=1_000)
    sku = shop.title(cents=1_000, units=1)
    with sagas_standing_still(shop, home):
        location = shop.order(customer, sku).headers["Location"]
        region = shop.regions[arrival]

        answers = [shop.post(region, f"{location}/cancellation", customer.token, {}) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [202, 202], answers[0].text
        cancelling = eventually(
            lambda: shop.get(home, location, customer.token).json(), lambda seen: seen["state"] != "Pending"
        )
        assert cancelling["state"] == "Cancelling"
    ended = shop.ended(customer, location)
    assert (ended["state"], ended["reason"]) == ("Cancelled", "CustomerRequest")
    assert shop.post(region, f"{location}/cancellation", customer.token, {}).status_code == 200
    for seen_in in shop.regions:
        view = shop.view(customer, seen_in, lambda view: any(o["state"] == "Cancelled" for o in view.get("orders", ())))
        assert view["wallet"]["balance"] == money(1_000)
    # The unit is free again.
    assert shop.order(customer, sku, wait=10).json()["state"] == "Completed"


@pytest.mark.parametrize("arrival", [0, 1])
def test_an_operator_takes_a_purchase_back_from_anywhere(
    shop: Shop, operators: Mapping[str, str], arrival: int
) -> None:
    home = shop.regions[0]
    customer = shop.customer(home, cents=1_000)
    sku = shop.title(cents=1_000, units=1)
    location = shop.order(customer, sku, wait=10).headers["Location"]
    assert shop.ended(customer, location)["state"] == "Completed"
    refused = shop.post(home, f"{location}/cancellation", customer.token, {})
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "already-completed")
    region = shop.regions[arrival]
    token = operators[region]
    refund = {"orderId": location.rsplit("/", 1)[-1], "reason": "complaint 42"}

    def ask(token: str) -> httpx.Response:
        return shop.post(region, "/v1/operations/refund", token, refund, key=f"refund-{arrival}")

    assert ask(customer.token).status_code == 403

    answer = ask(token)

    expected = (201, "Accepted") if region == home else (202, "HandedOver")
    assert (answer.status_code, answer.json()["outcome"]) == expected, answer.text

    def look() -> Any:
        return shop.get(region, location, token).json()

    assert eventually(look, lambda order: order["state"] == "Refunded")["refundedAt"]
    done = eventually(lambda: ask(token), lambda again: again.status_code == 201).json()
    assert (done["outcome"], done["region"], done["reason"]) == ("Accepted", home, "complaint 42")
    assert shop.get(region, f"/v1/operations/{done['operationId']}", token).json() == done
    view = shop.view(customer, home, lambda view: any(o["state"] == "Refunded" for o in view.get("orders", ())))
    assert [order["state"] for order in view["orders"]] == ["Refunded"]
    shop.view(customer, home, lambda view: view["wallet"]["balance"] == money(1_000))
    assert shop.order(customer, sku, wait=10).json()["state"] == "Completed"
