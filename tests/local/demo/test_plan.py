from __future__ import annotations

from collections import Counter

import pytest

from local.demo.orders import Purchase
from local.demo.plan import Outcome, Plan, Retry, Way, make_plan

REGIONS = ("us-east-1", "eu-west-1")


@pytest.fixture(scope="module")
def plan(purchases: tuple[Purchase, ...]) -> Plan:
    return make_plan(purchases, REGIONS)


def test_every_purchase_is_ordered_once(plan: Plan, purchases: tuple[Purchase, ...]) -> None:
    assert [order.purchase for order in plan.orders] == list(purchases)


def test_every_special_case_occurs_in_every_region(plan: Plan) -> None:
    for region in REGIONS:
        here = [order for order in plan.orders if order.home == region]
        assert {order.arrival for order in here} == set(REGIONS)
        assert {(order.way, order.arrival == region) for order in here} == {
            (w, at) for w in Way for at in (True, False)
        }
        assert {retry for order in here for retry in order.retries} == set(Retry)
        assert {order.outcome for order in here} == set(Outcome)
        assert any(title_region == region for title_region, _ in plan.scarce)
    assert any(order.purchase.cents == 0 for order in plan.orders)


def test_each_customer_has_one_home_that_the_id_carries(plan: Plan) -> None:
    for customer in plan.customers:
        assert customer.customer_id.startswith(f"{customer.home}.")
        assert {order.home for order in customer.orders} == {customer.home}


def test_completed_orders_never_cost_more_than_the_deposit(plan: Plan) -> None:
    for customer in plan.customers:
        spent = sum(order.purchase.cents for order in customer.orders if order.outcome is Outcome.COMPLETED)
        assert spent <= customer.deposit


def test_a_refused_order_could_not_be_paid_from_what_was_left_at_its_turn(plan: Plan) -> None:
    for customer in plan.customers:
        left = customer.deposit
        for order in customer.orders:
            if order.outcome is Outcome.INSUFFICIENT_FUNDS:
                assert order.purchase.cents > left
            else:
                left -= order.purchase.cents if customer.deposit else 0


def test_customers_whose_money_runs_out_order_in_turn_and_at_home(plan: Plan) -> None:
    short = [c for c in plan.customers if len(c.orders) > 1 and c.deposit < sum(o.purchase.cents for o in c.orders)]

    assert short
    assert all(customer.in_turn for customer in short)
    assert all(order.arrival == order.home for customer in short for order in customer.orders)


def test_a_scarce_title_has_fewer_units_than_buyers_and_only_buyers_with_money(plan: Plan) -> None:
    funds = {customer.customer_id: customer.deposit for customer in plan.customers}
    cost = Counter[str]()
    for order in plan.orders:
        cost[order.customer_id] += order.purchase.cents

    for title in plan.scarce:
        buyers = {order.customer_id for order in plan.orders if (order.home, order.purchase.sku) == title}
        assert 0 < plan.allotments[title] < plan.demand[title]
        assert all(funds[buyer] >= cost[buyer] for buyer in buyers)


def test_every_other_title_has_a_unit_for_each_buyer(plan: Plan) -> None:
    assert {title: plan.demand[title] for title in plan.demand if title not in plan.scarce} == {
        title: units for title, units in plan.allotments.items() if title not in plan.scarce
    }


def test_the_plan_is_the_same_at_every_run(plan: Plan, purchases: tuple[Purchase, ...]) -> None:
    again = make_plan(purchases, REGIONS)

    assert (again.customers, again.allotments) == (plan.customers, plan.allotments)


def test_three_regions_share_the_customers(purchases: tuple[Purchase, ...]) -> None:
    regions = (*REGIONS, "ap-northeast-1")
    plan = make_plan(purchases, regions)

    assert {order.home for order in plan.orders} == set(regions)
    assert all(order.arrival in regions for order in plan.orders)
