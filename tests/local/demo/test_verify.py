"""An ideal shop has no differences from the plan; each planted fault is found and named."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from local.demo.clients import CommandDocument, LineDocument, PointsPart, WalletPart
from local.demo.orders import Purchase
from local.demo.plan import ChangeOfMind, Outcome, Way
from local.demo.records import OrderRecord
from tests.local.demo.ideal_shop import REGIONS, Shop, ideal_shop, problem, reply
from workloads.contracts.money import Money


@pytest.fixture
def shop(purchases: tuple[Purchase, ...]) -> Shop:
    return ideal_shop(purchases)


def test_an_ideal_shop_has_no_differences(shop: Shop) -> None:
    assert shop.found() == []
    assert Counter(record.outcome for record in shop.orders).keys() == {
        "Cancelled",
        "Completed",
        "InsufficientFunds",
        "Refunded",
        "SoldOut",
        "WalletMissing",
    }


def test_whoever_comes_too_late_may_be_turned_away_at_the_entry(shop: Shop) -> None:
    record = shop.order(lambda each: each.outcome == "SoldOut" and each.order.way is Way.SYNCHRONOUS)
    _turn_away(shop, record)

    assert shop.found() == []
    assert record.outcome == "SoldOut"


def test_an_order_that_is_turned_away_though_there_is_stock_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: _ordinary(each) and each.order.way is Way.SYNCHRONOUS)
    _turn_away(shop, record)

    assert any("turned away as sold out, expected Completed" in each for each in shop.found())


def test_an_order_without_an_end_is_found(shop: Shop) -> None:
    shop.show(shop.order(_ordinary), state="Pending")

    assert any("shows it in the state Pending" in each for each in shop.found())


def test_a_wrong_outcome_is_found(shop: Shop) -> None:
    shop.show(shop.order(_ordinary), state="Rejected", reason="TechnicalFailure")

    assert any("Rejected (TechnicalFailure), expected Completed" in each for each in shop.found())


def test_a_completed_order_that_could_not_be_paid_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.order.outcome is Outcome.INSUFFICIENT_FUNDS)

    shop.show(record, state="Completed", reason=None)

    assert any(record.order.name in each and "expected InsufficientFunds" in each for each in shop.found())


def test_a_wrong_total_is_found(shop: Shop) -> None:
    shop.show(shop.order(_ordinary), total=Money(1, "USD"))

    assert any("a total of Money(minor_units=1, currency='USD')" in each for each in shop.found())


def test_another_customers_name_on_an_order_is_found(shop: Shop) -> None:
    shop.show(shop.order(_ordinary), customer_id="us-east-1.c-other")

    assert any("as an order of us-east-1.c-other" in each for each in shop.found())


def test_regions_that_differ_are_found(shop: Shop) -> None:
    record = shop.order(_ordinary)
    record.seen[REGIONS[1]] = msgspec.structs.replace(record.seen[REGIONS[1]], state="HandedOver")

    assert any("the Regions differ" in each for each in shop.found())


def test_an_order_that_a_region_never_showed_is_found(shop: Shop) -> None:
    del shop.order(_ordinary).seen[REGIONS[1]]

    assert any("eu-west-1 never showed it" in each for each in shop.found())


def test_a_retry_that_made_another_order_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.order.way is Way.SYNCHRONOUS and bool(each.order.retries))
    record.answers[-1] = reply(record.order.arrival, record.answers[0].status, "/v1/orders/o-second")

    assert any("one key led to several orders" in each for each in shop.found())


def test_a_retry_with_another_status_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.order.way is Way.SYNCHRONOUS and bool(each.order.retries))
    record.answers[-1] = reply(record.order.arrival, 200, record.answers[0].location)

    assert any("answered 200 instead of" in each for each in shop.found())


def test_a_refused_command_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.order.way is Way.COMMAND)
    record.commands[0] = CommandDocument(command_id="c", outcome="Refused", problem={"title": "Unknown SKU"})

    assert any("command c was Refused" in each for each in shop.found())


def test_two_keys_that_became_one_order_are_found(shop: Shop) -> None:
    shop.show(shop.orders[1], order_id=shop.orders[0].seen[REGIONS[0]].order_id)

    assert any("is the order of several keys" in each for each in shop.found())


def test_a_unit_sold_twice_is_found(shop: Shop) -> None:
    shop.show(shop.order(lambda each: each.outcome == "SoldOut"), state="Completed", reason=None)

    assert any("units sold of" in each for each in shop.found())


def test_a_unit_that_was_left_over_while_a_buyer_was_sent_away_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.order.outcome is Outcome.WHOEVER_COMES_FIRST and each.completed)

    shop.show(record, state="Rejected", reason="SoldOut")

    assert any("units sold of" in each for each in shop.found())


def test_a_lost_cent_is_found(shop: Shop) -> None:
    record = next(each for each in shop.customers if each.customer.deposit)
    view = record.views[REGIONS[1]]
    assert view.wallet is not None
    wallet = WalletPart(balance=Money(view.wallet.balance.minor_units - 1, "USD"))
    record.views[REGIONS[1]] = msgspec.structs.replace(view, wallet=wallet)

    (found,) = shop.found()

    assert found.startswith(f"{record.customer.customer_id}: eu-west-1 shows the view")


def test_a_point_too_many_is_found(shop: Shop) -> None:
    record = next(each for each in shop.customers if each.views[REGIONS[0]].points)
    view = record.views[REGIONS[0]]
    assert view.points is not None
    record.views[REGIONS[0]] = msgspec.structs.replace(view, points=PointsPart(balance=view.points.balance + 1))

    (found,) = shop.found()

    assert found.startswith(f"{record.customer.customer_id}: us-east-1 shows the view")


def test_a_deposit_that_did_not_arrive_is_found(shop: Shop) -> None:
    record = next(each for each in shop.customers if each.customer.deposit)
    record.deposit = None

    assert shop.found() == [f"{record.customer.customer_id}: us-east-1 shows the deposit as None"]


def test_a_fault_is_a_difference(shop: Shop) -> None:
    shop.orders[0].faults.append("ReadTimeout: ")

    (found,) = shop.found()

    assert found.endswith("ReadTimeout: ")


def test_units_of_one_line_of_an_order_that_was_rejected_are_found(shop: Shop) -> None:
    """All lines or none: whoever takes stock would miss the unit that the rejected order took."""
    record = shop.order(lambda each: each.order.outcome is Outcome.SOLD_OUT and len(each.order.lines) > 1)
    taken = next(line for line in record.order.lines if shop.plan.allotments[record.order.home, line.sku])
    _leave_out(shop, record.order.home, taken.sku)

    assert any(taken.sku in each and "more could be bought" in each for each in shop.found())


def test_a_line_that_is_missing_from_an_order_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: len(each.order.lines) > 1 and each.completed)
    assert record.at_home

    shop.show(record, lines=record.at_home.lines[1:])

    assert any(each.startswith(record.order.name) and "shows it" not in each for each in shop.found())
    assert any("ordered were" in each for each in shop.found())


def test_a_line_of_another_quantity_is_found(shop: Shop) -> None:
    record = shop.order(_ordinary)
    line = record.order.lines[0]

    shop.show(record, lines=(LineDocument(line.sku, 2, Money(line.cents, "USD")),))

    assert any("quantity=2" in each for each in shop.found())


def test_the_points_of_several_lines_are_those_of_the_total(shop: Shop) -> None:
    """Each line by itself would lose the cents that together make a dollar."""
    record = shop.order(
        lambda each: (
            each.completed
            and not each.order.takes_stock
            and each.order.cents // 100 > sum(line.cents // 100 for line in each.order.lines)
        )
    )
    customer = next(each for each in shop.customers if each.customer.customer_id == record.order.customer_id)
    for region, view in customer.views.items():
        assert view.points
        points = PointsPart(balance=view.points.balance - 1)
        customer.views[region] = msgspec.structs.replace(view, points=points)

    assert [each.partition(":")[0] for each in shop.found()] == [record.order.customer_id] * len(REGIONS)


def test_a_customer_who_was_told_that_the_order_is_called_off_but_pays_is_found(shop: Shop) -> None:
    shop.show(shop.order(_called_off_at_home), state="Completed", reason=None)

    assert any("its customer was told Cancelled, but it is Completed" in each for each in shop.found())


def test_a_customer_who_was_told_that_the_purchase_is_complete_but_gets_nothing_is_found(shop: Shop) -> None:
    record = shop.order(_called_off_at_home)
    record.cancellation = problem(record.order.home, "already-completed")

    assert any("its customer was told Completed, but it is Cancelled" in each for each in shop.found())


@pytest.mark.parametrize("outcome", ["", "HandedOver"])
def test_a_cancellation_from_elsewhere_without_an_end_is_found(shop: Shop, outcome: str) -> None:
    shop.order(_called_off_elsewhere).cancellation_outcome = outcome

    assert any("nobody knows what became of its cancellation" in each for each in shop.found())


def test_a_cancellation_that_was_refused_elsewhere_but_carried_out_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: _called_off_elsewhere(each) and each.outcome == "Cancelled")
    record.cancellation_outcome = "Refused"

    assert any("its customer was told Completed, but it is Cancelled" in each for each in shop.found())


def test_money_that_a_cancelled_order_kept_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.outcome == "Cancelled")
    _take(shop, record.order.customer_id, record.order.cents)

    assert [each.partition(":")[0] for each in shop.found()] == [record.order.customer_id] * len(REGIONS)


def test_a_unit_that_a_cancelled_order_kept_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.outcome == "Cancelled")
    sku = record.order.lines[0].sku
    _leave_out(shop, record.order.home, sku)

    assert any(f"{sku} in {record.order.home}: " in each and "more could be bought" in each for each in shop.found())


def test_a_purchase_that_was_not_refunded_is_found(shop: Shop) -> None:
    shop.show(shop.order(lambda each: each.refunded), state="Completed")

    assert any("it as Completed (None), expected Refunded" in each for each in shop.found())


def test_money_that_was_refunded_twice_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.refunded)
    _take(shop, record.order.customer_id, -record.order.cents)

    assert [each.partition(":")[0] for each in shop.found()] == [record.order.customer_id] * len(REGIONS)


def test_points_that_a_refund_took_are_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.refunded and each.order.cents >= 100)
    customer = next(each for each in shop.customers if each.customer.customer_id == record.order.customer_id)
    view = customer.views[REGIONS[0]]
    assert view.points
    points = PointsPart(balance=view.points.balance - record.order.cents // 100)
    customer.views[REGIONS[0]] = msgspec.structs.replace(view, points=points)

    assert any(each.startswith(f"{record.order.customer_id}: us-east-1 shows the view") for each in shop.found())


def test_a_cancellation_in_vain_that_was_not_refused_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.refunded)
    record.cancellation = reply(record.order.home, 202)

    assert any("was told Cancelled" in each for each in shop.found())


def test_a_second_refund_that_is_taken_on_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.refunded)
    record.refunds[1] = reply(record.order.home, 202)

    assert any("its refunds answered [20" in each and ", 202], not" in each for each in shop.found())


def test_a_hot_unit_sold_twice_is_found(shop: Shop) -> None:
    ((region, sku),) = shop.plan.hot
    shop.show(shop.order(lambda each: not each.order.purchases and each.outcome == "SoldOut"), state="Completed")

    assert f"{sku} in {region}: 41 units sold of 40, asked for 60" in shop.found()


def test_a_hot_unit_that_nobody_got_is_found(shop: Shop) -> None:
    ((region, sku),) = shop.plan.hot
    record = shop.order(lambda each: not each.order.purchases and each.completed)
    shop.show(record, state="Rejected", reason="SoldOut")

    assert f"{sku} in {region}: 39 units sold of 40, asked for 60" in shop.found()


def test_a_unit_that_came_back_twice_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.order.takes_stock and each.order.outcome is Outcome.SOLD_OUT)

    shop.show(record, state="Completed", reason=None)

    assert any(each.startswith(record.order.name) and "expected SoldOut" in each for each in shop.found())


def _called_off_at_home(record: OrderRecord) -> bool:
    order = record.order
    return record.outcome == "Cancelled" and order.changed_in == order.home


def _called_off_elsewhere(record: OrderRecord) -> bool:
    order = record.order
    return order.change_of_mind is ChangeOfMind.AT_ONCE and order.changed_in != order.home


def _leave_out(shop: Shop, region: str, sku: str) -> None:
    """Have those who take stock find nothing of a title."""
    record = shop.order(
        lambda each: (
            each.order.takes_stock
            and each.completed
            and each.order.home == region
            and any(line.sku == sku for line in each.order.lines)
        )
    )
    assert record.at_home
    shop.show(record, lines=tuple(line for line in record.at_home.lines if line.sku != sku))


def _take(shop: Shop, customer_id: str, cents: int) -> None:
    """Take money from a wallet, in every Region."""
    customer = next(each for each in shop.customers if each.customer.customer_id == customer_id)
    for region, view in customer.views.items():
        assert view.wallet
        wallet = WalletPart(balance=Money(view.wallet.balance.minor_units - cents, "USD"))
        customer.views[region] = msgspec.structs.replace(view, wallet=wallet)


def _turn_away(shop: Shop, record: OrderRecord) -> None:
    """Let the entry have refused an order as sold out: then no Region has it."""
    body = b'{"type": "https://shop.example/problems/sold-out"}'
    record.answers = [replace(answer, status=409, location="", body=body) for answer in record.answers]
    order_ids = {document.order_id for document in record.seen.values()}
    record.seen = {}
    for customer in shop.customers:
        for region, view in customer.views.items():
            orders = tuple(order for order in view.orders if order.order_id not in order_ids)
            customer.views[region] = msgspec.structs.replace(view, orders=orders)


def _ordinary(record: OrderRecord) -> bool:
    order = record.order
    return (
        order.outcome is Outcome.COMPLETED
        and order.way is Way.SYNCHRONOUS
        and not order.retries
        and len(order.lines) == 1
    )
