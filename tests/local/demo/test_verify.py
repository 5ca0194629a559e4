"""An ideal shop has no differences from the plan; each planted fault is found and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec
import pytest

from local.demo.clients import (
    CommandDocument,
    DepositDocument,
    OrderDocument,
    PointsPart,
    Reply,
    ViewDocument,
    WalletPart,
)
from local.demo.orders import Purchase
from local.demo.plan import Outcome, Plan, Way, make_plan
from local.demo.records import CustomerRecord, OrderRecord
from local.demo.verify import differences, expected_view
from workloads.contracts.money import Money

REGIONS = ("us-east-1", "eu-west-1")


@dataclass
class Shop:
    """What an ideal shop would have shown."""

    plan: Plan
    orders: list[OrderRecord]
    customers: list[CustomerRecord]

    def found(self) -> list[str]:
        return [f"{each.subject}: {each.found}" for each in differences(self.plan, self.orders, self.customers)]

    def order(self, accept: Callable[[OrderRecord], bool]) -> OrderRecord:
        return next(record for record in self.orders if accept(record))

    def show(self, record: OrderRecord, **changes: object) -> None:
        for region in REGIONS:
            record.seen[region] = msgspec.structs.replace(record.seen[region], **changes)


@pytest.fixture
def shop(purchases: tuple[Purchase, ...]) -> Shop:
    plan = make_plan(purchases, REGIONS)
    left = dict(plan.allotments)
    orders: list[OrderRecord] = []
    for order in plan.orders:
        outcome = order.outcome.value
        title = (order.home, order.purchase.sku)
        if order.outcome in {Outcome.COMPLETED, Outcome.WHOEVER_COMES_FIRST}:
            outcome = "Completed" if left[title] else "SoldOut"
            left[title] -= outcome == "Completed"
        order_id = f"o-{order.purchase.row}"
        record = OrderRecord(order)
        for number in range(1 + len(order.retries)):
            location = f"/v1/orders/{order_id}"
            if order.way is Way.COMMAND:
                command_id = f"{order_id}-{number}"
                record.answers.append(_reply(order.arrival, 202, f"/v1/commands/{command_id}"))
                record.commands.append(CommandDocument(command_id=command_id, outcome="Accepted", location=location))
            else:
                record.answers.append(_reply(order.arrival, 201 if order.arrival == order.home else 202, location))
        document = OrderDocument(
            order_id=order_id,
            state="Completed" if outcome == "Completed" else "Rejected",
            customer_id=order.customer_id,
            total=Money(order.purchase.cents, "USD"),
            reason=None if outcome == "Completed" else outcome,
        )
        record.seen = dict.fromkeys(REGIONS, document)
        orders.append(record)
    customers: list[CustomerRecord] = []
    for customer in plan.customers:
        record = CustomerRecord(customer)
        theirs = [order for order in orders if order.order.customer_id == customer.customer_id]
        facts = expected_view(record, theirs)
        view = ViewDocument(
            customer_id=customer.customer_id,
            wallet=None if facts.balance is None else WalletPart(balance=Money(facts.balance, "USD")),
            points=PointsPart(balance=facts.points) if facts.points else None,
            orders=tuple(document for order in theirs if (document := order.at_home)),
        )
        record.views = dict.fromkeys(REGIONS, view)
        if customer.deposit:
            deposit = DepositDocument(deposit_id="d", state="Accepted", amount=Money(customer.deposit, "USD"))
            record.deposit = deposit
        customers.append(record)
    return Shop(plan, orders, customers)


def test_an_ideal_shop_has_no_differences(shop: Shop) -> None:
    assert shop.found() == []
    assert Counter(record.outcome for record in shop.orders).keys() == {
        "Completed",
        "InsufficientFunds",
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

    assert any(
        f"row {record.order.purchase.row} " in each and "expected InsufficientFunds" in each for each in shop.found()
    )


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
    record.answers[-1] = _reply(record.order.arrival, record.answers[0].status, "/v1/orders/o-second")

    assert any("one key led to several orders" in each for each in shop.found())


def test_a_retry_with_another_status_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.order.way is Way.SYNCHRONOUS and bool(each.order.retries))
    record.answers[-1] = _reply(record.order.arrival, 200, record.answers[0].location)

    assert any("answered 200 instead of" in each for each in shop.found())


def test_a_refused_command_is_found(shop: Shop) -> None:
    record = shop.order(lambda each: each.order.way is Way.COMMAND)
    record.commands[0] = CommandDocument(command_id="c", outcome="Refused", problem={"title": "Unknown SKU"})

    assert any("command c was Refused" in each for each in shop.found())


def test_two_rows_that_became_one_order_are_found(shop: Shop) -> None:
    shop.show(shop.orders[1], order_id=shop.orders[0].seen[REGIONS[0]].order_id)

    assert any("is the order of several rows" in each for each in shop.found())


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
    return order.outcome is Outcome.COMPLETED and order.way is Way.SYNCHRONOUS and not order.retries


def _reply(region: str, status: int, location: str) -> Reply:
    return Reply(region=region, operation="place order", status=status, location=location, body=b"", headers={})
