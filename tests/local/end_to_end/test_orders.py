"""An order's ways through both Regions, over HTTP."""

from __future__ import annotations

import pytest

from tests.local.end_to_end.shop import Shop, eventually, lines, money


@pytest.mark.parametrize("home", [0, 1])
def test_an_order_is_pending_then_completed_and_shown_alike_in_both_regions(shop: Shop, home: int) -> None:
    customer = shop.customer(shop.regions[home], cents=5_000)
    sku = shop.title(cents=1_999, units=3)

    answer = shop.order(customer, sku, quantity=2)

    assert answer.status_code == 201
    assert answer.json()["state"] == "Pending"
    assert answer.json()["total"] == money(3_998)
    assert answer.json()["lines"] == [{"sku": sku, "quantity": 2, "unitPrice": money(1_999)}]
    location = answer.headers["Location"]
    assert location == f"/v1/orders/{answer.json()['orderId']}"
    assert shop.ended(customer, location)["state"] == "Completed"
    assert {region: shop.ended(customer, location, region=region)["state"] for region in shop.regions} == dict.fromkeys(
        shop.regions, "Completed"
    )
    views = [
        shop.view(
            customer, region, lambda view: bool(view.get("points")) and view["wallet"]["balance"]["minorUnits"] == 1_002
        )
        for region in shop.regions
    ]
    assert views[0] == views[1]
    assert views[0]["points"]["balance"] == 39
    assert [order["state"] for order in views[0]["orders"]] == ["Completed"]


def test_prefer_wait_answers_with_the_orders_end(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0], cents=500)
    sku = shop.title(cents=500, units=1)

    answer = shop.order(customer, sku, wait=10)

    assert answer.status_code == 201
    assert answer.json()["state"] == "Completed"
    assert answer.headers["Preference-Applied"] == "wait=10"


def test_an_order_that_arrives_elsewhere_is_handed_over_and_runs_at_home(shop: Shop) -> None:
    home, elsewhere = shop.regions
    customer = shop.customer(home, cents=700)
    sku = shop.title(cents=700, units=1)

    answer = shop.order(customer, sku, region=elsewhere)

    assert answer.status_code == 202
    assert answer.json()["state"] == "HandedOver"
    assert answer.json()["homeRegion"] == home
    location = answer.headers["Location"]
    eventually(lambda: shop.get(home, location, customer.token), lambda seen: seen.status_code == 200)
    assert shop.ended(customer, location)["state"] == "Completed"
    assert shop.ended(customer, location, region=elsewhere)["state"] == "Completed"


@pytest.mark.parametrize("retried_in", [0, 1])
def test_the_same_key_is_the_same_order_in_every_region(shop: Shop, retried_in: int) -> None:
    customer = shop.customer(shop.regions[0], cents=1_000)
    sku = shop.title(cents=400, units=5)
    key = shop.unique("order")
    first = shop.order(customer, sku, key=key)
    shop.ended(customer, first.headers["Location"])

    again = shop.order(customer, sku, key=key, region=shop.regions[retried_in])

    assert again.status_code == first.status_code == 201
    assert again.headers["Location"] == first.headers["Location"]
    assert again.json()["state"] == "Completed"
    view = shop.view(customer, shop.regions[0], lambda view: view["wallet"]["balance"]["minorUnits"] == 600)
    assert len(view["orders"]) == 1


def test_a_retry_elsewhere_that_overtakes_nothing_still_buys_once(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0], cents=1_000)
    sku = shop.title(cents=400, units=5)
    key = shop.unique("order")
    handed_over = shop.order(customer, sku, key=key, region=shop.regions[1])

    at_home = shop.order(customer, sku, key=key)

    assert handed_over.status_code == 202
    assert at_home.headers["Location"] == handed_over.headers["Location"]
    shop.ended(customer, at_home.headers["Location"])
    view = shop.view(customer, shop.regions[0], lambda view: view["wallet"]["balance"]["minorUnits"] == 600)
    assert [order["state"] for order in view["orders"]] == ["Completed"]


@pytest.mark.parametrize("retried_in", [0, 1])
def test_the_same_key_with_another_body_is_refused(shop: Shop, retried_in: int) -> None:
    customer = shop.customer(shop.regions[0], cents=1_000)
    sku = shop.title(cents=100, units=5)
    key = shop.unique("order")
    first = shop.order(customer, sku, key=key)
    shop.ended(customer, first.headers["Location"])

    other = shop.order(customer, sku, quantity=2, key=key, region=shop.regions[retried_in])

    assert other.status_code == 422
    assert other.headers["Content-Type"] == "application/problem+json"
    shop.view(customer, shop.regions[0], lambda view: view["wallet"]["balance"]["minorUnits"] == 900)


def test_a_command_leads_to_its_order(shop: Shop) -> None:
    customer = shop.customer(shop.regions[1], cents=1_000)
    sku = shop.title(cents=250, units=1)

    answer = shop.post(customer.home, "/v1/commands/place-order", customer.token, lines(sku), key=shop.unique("order"))

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/commands/{answer.json()['commandId']}"
    outcome = shop.outcome(customer.home, answer.headers["Location"], customer.token)
    assert outcome["outcome"] == "Accepted"
    assert shop.ended(customer, outcome["location"])["state"] == "Completed"


def test_a_command_with_the_key_of_an_order_leads_to_that_order(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0], cents=1_000)
    sku = shop.title(cents=250, units=3)
    key = shop.unique("order")
    first = shop.order(customer, sku, key=key)

    answer = shop.post(customer.home, "/v1/commands/place-order", customer.token, lines(sku), key=key)

    outcome = shop.outcome(customer.home, answer.headers["Location"], customer.token)
    assert outcome["location"] == first.headers["Location"]


def test_a_command_with_an_unknown_sku_says_why_not(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0], cents=1_000)

    answer = shop.post(
        customer.home, "/v1/commands/place-order", customer.token, lines("no-such-title"), key=shop.unique("order")
    )

    assert answer.status_code == 202
    outcome = shop.outcome(customer.home, answer.headers["Location"], customer.token)
    assert outcome["outcome"] == "Refused"
    assert "no-such-title" in outcome["problem"]["detail"]


def test_what_became_of_a_command_is_nobody_elses_business(shop: Shop) -> None:
    owner, other = shop.customer(shop.regions[0]), shop.customer(shop.regions[0])
    answer = shop.post(
        owner.home, "/v1/commands/place-order", owner.token, lines("no-such-title"), key=shop.unique("order")
    )
    shop.outcome(owner.home, answer.headers["Location"], owner.token)

    assert shop.get(owner.home, answer.headers["Location"], other.token).status_code == 404


def test_an_order_of_nothing_to_pay_completes_without_a_ledger_entry(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0], cents=100)
    sku = shop.title(cents=0, units=1)

    answer = shop.order(customer, sku, wait=10)

    assert answer.json()["state"] == "Completed"
    entries = [key for key in shop.items() if key[2] == f"WALLET#{customer.id}" and key[3].startswith("ENTRY#DEBIT")]
    assert entries == []


def test_an_order_beyond_the_budget_is_rejected_and_its_unit_is_free_again(shop: Shop) -> None:
    poor, rich = shop.customer(shop.regions[0], cents=99), shop.customer(shop.regions[0], cents=100)
    sku = shop.title(cents=100, units=1)

    refused = shop.order(poor, sku, wait=10).json()

    assert (refused["state"], refused["reason"]) == ("Rejected", "InsufficientFunds")
    assert shop.order(rich, sku, wait=10).json()["state"] == "Completed"
    view = shop.view(poor, shop.regions[0], lambda view: view["orders"][0]["state"] == "Rejected")
    assert view["wallet"]["balance"]["minorUnits"] == 99


def test_an_order_without_a_wallet_is_rejected(shop: Shop) -> None:
    customer = shop.customer(shop.regions[1])
    sku = shop.title(cents=100, units=1)

    refused = shop.order(customer, sku, wait=10).json()

    assert (refused["state"], refused["reason"]) == ("Rejected", "WalletMissing")


def test_a_sold_out_title_is_rejected_and_nothing_is_paid(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0], cents=1_000)
    sku = shop.title(cents=100, units=1)
    assert shop.order(customer, sku, wait=10).json()["state"] == "Completed"

    # By command: the entry would turn it away as soon as it knows.
    asked = shop.post(customer.home, "/v1/commands/place-order", customer.token, lines(sku), key=shop.unique("order"))

    outcome = shop.outcome(customer.home, asked.headers["Location"], customer.token)
    refused = shop.ended(customer, outcome["location"])
    assert (refused["state"], refused["reason"]) == ("Rejected", "SoldOut")
    shop.view(customer, shop.regions[0], lambda view: view["wallet"]["balance"]["minorUnits"] == 900)


def test_a_deposit_counts_once_for_each_key_wherever_it_arrives(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0])
    key = shop.unique("deposit")

    answers = [shop.deposit(customer, 250, key=key, region=region) for region in (*shop.regions, shop.regions[0])]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    shop.view(
        customer,
        shop.regions[1],
        lambda view: bool(view.get("wallet")) and view["wallet"]["balance"]["minorUnits"] == 250,
    )


def test_a_deposit_that_arrives_elsewhere_is_handed_over(shop: Shop) -> None:
    home, elsewhere = shop.regions
    customer = shop.customer(home)

    answer = shop.deposit(customer, 250, region=elsewhere)

    assert answer.status_code == 202
    assert answer.json()["state"] == "HandedOver"
    location = answer.headers["Location"]
    for region in shop.regions:
        eventually(
            lambda region=region: shop.get(region, location, customer.token).json(),
            lambda deposit: deposit.get("state") == "Accepted",
        )


def test_the_newest_price_wins_whatever_the_order_of_arrival(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0], cents=10_000)
    sku = shop.title(cents=100, units=5)
    for version, cents in ((3, 300), (2, 200)):
        body = {"sku": sku, "price": money(cents), "version": version}
        location = shop.command(shop.regions[1], "set-price", body)
        shop.outcome(shop.regions[1], location, shop.system(shop.regions[1]))

    assert shop.order(customer, sku).json()["total"] == money(300)


def test_health_tells_the_region(shop: Shop) -> None:
    for region in shop.regions:
        answer = shop.clients[region].get("/v1/health")
        assert (answer.status_code, answer.json()["region"]) == (200, region)
