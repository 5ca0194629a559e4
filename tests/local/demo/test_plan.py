from __future__ import annotations

from collections import Counter

import pytest

from local.demo.orders import Purchase
from local.demo.plan import ChangeOfMind, Outcome, Plan, Retry, Way
from local.demo.planning import make_plan

REGIONS = ("us-east-1", "eu-west-1")


@pytest.fixture(scope="module")
def plan(purchases: tuple[Purchase, ...]) -> Plan:
    return make_plan(purchases, REGIONS)


def test_every_row_is_one_line_of_one_order(plan: Plan, purchases: tuple[Purchase, ...]) -> None:
    ordered = [purchase for order in plan.orders for purchase in order.purchases]

    assert sorted(ordered, key=lambda purchase: purchase.row) == sorted(purchases, key=lambda purchase: purchase.row)
    for order in plan.orders:
        assert [(line.sku, line.cents, line.quantity) for line in order.lines] == [
            (purchase.sku, purchase.cents, 1) for purchase in order.purchases
        ]


def test_most_rows_are_an_order_of_one_line_under_the_rows_key(plan: Plan) -> None:
    single = [order for order in plan.orders if len(order.purchases) == 1]

    assert len(single) >= 1_000
    assert all(order.key == order.purchases[0].idempotency_key for order in single)
    assert len({order.key for order in (*plan.orders, *plan.burst)}) == len(plan.orders) + len(plan.burst)


def test_an_order_of_several_lines_is_what_a_customer_bought_on_one_day(plan: Plan) -> None:
    several = [order for order in plan.orders if len(order.purchases) > 1]

    assert len(several) >= 10
    for order in several:
        assert len({(purchase.customer, purchase.day) for purchase in order.purchases}) == 1
        assert len({line.sku for line in order.lines}) == len(order.lines)


def test_in_each_region_an_order_of_several_lines_lacks_one_of_its_titles(plan: Plan) -> None:
    """Only that one: a unit of the others taken would be missed when stock is taken."""
    for region in REGIONS:
        (order,) = (each for each in plan.orders if each.home == region and each.outcome is Outcome.SOLD_OUT)
        units = sorted(plan.allotments[title] for title in order.units)
        assert units[0] == 0
        assert all(units[1:])


def test_who_calls_an_order_off_has_money_and_a_unit_for_certain(plan: Plan) -> None:
    money = {customer.customer_id: customer for customer in plan.customers}
    called_off = [order for order in plan.orders if order.change_of_mind]

    assert {(order.home, order.change_of_mind, order.changed_in == order.home) for order in called_off} == {
        (region, change, at_home) for region in REGIONS for change in ChangeOfMind for at_home in (True, False)
    }
    for order in called_off:
        assert not order.units.keys() & plan.scarce
        assert not money[order.customer_id].in_turn
        assert order.way is Way.SYNCHRONOUS


def test_the_hot_item_has_units_for_two_of_three_who_want_it(plan: Plan) -> None:
    ((region, sku),) = plan.hot
    money = {customer.customer_id: customer for customer in plan.customers}

    assert (len(plan.burst), plan.allotments[region, sku]) == (60, 40)
    assert {order.arrival for order in plan.burst} == set(REGIONS)
    assert len({order.customer_id for order in plan.burst}) == len(plan.burst)
    for order in plan.burst:
        assert order.units == {(region, sku): 1}
        cost = order.cents + sum(each.cents for each in money[order.customer_id].orders)
        assert money[order.customer_id].deposit > cost


def test_every_special_case_occurs_in_every_region(plan: Plan) -> None:
    for region in REGIONS:
        here = [order for order in plan.orders if order.home == region]
        assert {order.arrival for order in here} == set(REGIONS)
        assert {(order.way, order.arrival == region) for order in here} == {
            (w, at) for w in Way for at in (True, False)
        }
        assert {retry for order in here for retry in order.retries} == set(Retry)
        assert {order.outcome for order in here} == set(Outcome)
        assert any(len(order.lines) > 1 for order in here)
        assert any(title_region == region for title_region, _ in plan.scarce)
    assert any(order.cents == 0 for order in plan.orders)


def test_each_customer_has_one_home_that_the_id_carries(plan: Plan) -> None:
    for customer in plan.customers:
        assert customer.customer_id.startswith(f"{customer.home}.")
        assert {order.home for order in customer.orders} == {customer.home}


def test_completed_orders_never_cost_more_than_the_deposit(plan: Plan) -> None:
    for customer in plan.customers:
        spent = sum(order.cents for order in customer.orders if order.outcome is Outcome.COMPLETED)
        assert spent <= customer.deposit


def test_a_refused_order_could_not_be_paid_from_what_was_left_at_its_turn(plan: Plan) -> None:
    for customer in plan.customers:
        left = customer.deposit
        for order in customer.orders:
            if order.outcome is Outcome.INSUFFICIENT_FUNDS:
                assert order.cents > left
            else:
                left -= order.cents if customer.deposit else 0


def test_customers_whose_money_runs_out_order_in_turn_and_at_home(plan: Plan) -> None:
    short = [c for c in plan.customers if len(c.orders) > 1 and c.deposit < sum(o.cents for o in c.orders)]

    assert short
    assert all(customer.in_turn for customer in short)
    assert all(order.arrival == order.home for customer in short for order in customer.orders)


def test_a_scarce_title_has_fewer_units_than_buyers_and_only_buyers_with_money(plan: Plan) -> None:
    funds = {customer.customer_id: customer.deposit for customer in plan.customers}
    cost = Counter[str]()
    for order in (*plan.orders, *plan.burst):
        cost[order.customer_id] += order.cents

    for title in plan.scarce:
        buyers = {order.customer_id for order in (*plan.orders, *plan.burst) if title in order.units}
        assert 0 < plan.allotments[title] < plan.demand[title]
        assert all(funds[buyer] >= cost[buyer] for buyer in buyers)


def test_every_other_title_has_a_unit_for_each_buyer_and_more_than_a_tenth_left_over(plan: Plan) -> None:
    for title, units in plan.allotments.items():
        if title not in plan.scarce and units > 0:
            assert 0 < units // 10 + 1 <= units - plan.demand[title]


def test_the_plan_is_the_same_at_every_run(plan: Plan, purchases: tuple[Purchase, ...]) -> None:
    again = make_plan(purchases, REGIONS)

    assert again == plan


def test_three_regions_share_the_customers(purchases: tuple[Purchase, ...]) -> None:
    regions = (*REGIONS, "ap-northeast-1")
    plan = make_plan(purchases, regions)

    assert {order.home for order in plan.orders} == set(regions)
    assert all(order.arrival in regions for order in plan.orders)
