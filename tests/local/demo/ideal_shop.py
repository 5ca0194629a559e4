"""What an ideal shop would have shown: the records of a demo that found no difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from local.demo.clients import (
    CommandDocument,
    DepositDocument,
    LineDocument,
    OrderDocument,
    PointsPart,
    Reply,
    Stopwatch,
    ViewDocument,
    WalletPart,
)
from local.demo.orders import Purchase
from local.demo.plan import ChangeOfMind, Outcome, Plan, PlannedCustomer, PlannedOrder, Title, Way
from local.demo.planning import make_plan
from local.demo.records import CustomerRecord, OrderRecord, Result
from local.demo.stocktaking import stock_takers
from local.demo.verify import differences, expected_view
from workloads.contracts.money import Money

REGIONS: Final = ("us-east-1", "eu-west-1")
_REASONS: Final = {"Cancelled": "CustomerRequest"}


@dataclass
class Shop:
    """A plan, and the records of what was asked and answered."""

    plan: Plan
    orders: list[OrderRecord]
    customers: list[CustomerRecord]
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def result(self) -> Result:
        """Return the records as the report takes them."""
        return Result(self.orders, self.customers, self.stopwatch, ordering_began=0.0)

    def found(self) -> list[str]:
        """Return the differences, each in a line."""
        return [f"{each.subject}: {each.found}" for each in differences(self.plan, self.orders, self.customers)]

    def order(self, accept: Callable[[OrderRecord], bool]) -> OrderRecord:
        """Return the first order that is accepted."""
        return next(record for record in self.orders if accept(record))

    def show(self, record: OrderRecord, **changes: object) -> None:
        """Have all Regions show an order otherwise."""
        for region in REGIONS:
            record.seen[region] = msgspec.structs.replace(record.seen[region], **changes)


def ideal_shop(purchases: Sequence[Purchase]) -> Shop:
    """Carry the plan out in the head: first come, first served."""
    plan = make_plan(purchases, REGIONS)
    left = dict(plan.allotments)
    orders = [_ordered(order, number, left) for number, order in enumerate((*plan.orders, *plan.burst))]
    takers = stock_takers(plan, orders)
    for taker in takers:
        orders += [_ordered(order, len(orders) + number, left) for number, order in enumerate(taker.orders)]
    theirs: defaultdict[str, list[OrderRecord]] = defaultdict(list)
    for record in orders:
        theirs[record.order.customer_id].append(record)
    customers = [_customer(customer, theirs[customer.customer_id]) for customer in (*plan.customers, *takers)]
    return Shop(plan, orders, customers)


def reply(region: str, status: int, location: str = "", body: bytes = b"") -> Reply:
    """Return an answer of an entry API."""
    return Reply(region=region, operation="place order", status=status, location=location, body=body, headers={})


def problem(region: str, kind: str) -> Reply:
    """Return a conflict."""
    return reply(region, 409, body=msgspec.json.encode({"type": f"https://shop.example/problems/{kind}"}))


def _ordered(order: PlannedOrder, number: int, left: dict[Title, int]) -> OrderRecord:
    order_id = f"o-{number}"
    record = OrderRecord(order)
    outcome = _outcome(order, number, left)
    for attempt in range(1 + len(order.retries)):
        location = f"/v1/orders/{order_id}"
        if order.way is Way.COMMAND:
            command_id = f"{order_id}-{attempt}"
            record.answers.append(reply(order.arrival, 202, f"/v1/commands/{command_id}"))
            record.commands.append(CommandDocument(command_id=command_id, outcome="Accepted", location=location))
        else:
            record.answers.append(reply(order.arrival, 201 if order.arrival == order.home else 202, location))
    if order.change_of_mind:
        _change_of_mind(record, outcome)
    rejected = outcome not in {"Completed", "Refunded", "Cancelled"}
    document = OrderDocument(
        order_id=order_id,
        state="Rejected" if rejected else outcome,
        customer_id=order.customer_id,
        total=Money(order.cents, "USD"),
        lines=tuple(LineDocument(line.sku, line.quantity, Money(line.cents, "USD")) for line in order.lines),
        reason=outcome if rejected else _REASONS.get(outcome),
    )
    record.seen = dict.fromkeys(REGIONS, document)
    return record


def _outcome(order: PlannedOrder, number: int, left: dict[Title, int]) -> str:
    """Decide, and take the units of what is completed."""
    outcome = order.outcome.value
    if order.outcome is Outcome.CANCELLED_UNLESS_COMPLETED:
        outcome = "Cancelled" if number % 2 else "Completed"
    if order.outcome is Outcome.WHOEVER_COMES_FIRST:
        outcome = "Completed" if all(left[title] for title in order.units) else "SoldOut"
    if outcome == "Completed":
        for title, units in order.units.items():
            left[title] -= units
    return outcome


def _change_of_mind(record: OrderRecord, outcome: str) -> None:
    order = record.order
    if order.change_of_mind is ChangeOfMind.AT_ONCE and order.changed_in != order.home:
        record.cancellation = reply(order.changed_in, 202)
        record.cancellation_outcome = "Accepted" if outcome == "Cancelled" else "Refused"
    elif outcome == "Cancelled":
        record.cancellation = reply(order.changed_in, 202)
    else:
        record.cancellation = problem(order.changed_in, "already-completed")
    if order.change_of_mind is ChangeOfMind.TOO_LATE:
        first = 201 if order.changed_in == order.home else 202
        record.refunds = [reply(order.changed_in, first), reply(order.home, 201)]


def _customer(customer: PlannedCustomer, theirs: Sequence[OrderRecord]) -> CustomerRecord:
    record = CustomerRecord(customer)
    facts = expected_view(record, theirs)
    view = ViewDocument(
        customer_id=customer.customer_id,
        wallet=None if facts.balance is None else WalletPart(balance=Money(facts.balance, "USD")),
        points=PointsPart(balance=facts.points) if facts.points else None,
        orders=tuple(document for order in theirs if (document := order.at_home)),
    )
    record.views = dict.fromkeys(REGIONS, view)
    if customer.deposit:
        record.deposit = DepositDocument(deposit_id="d", state="Accepted", amount=Money(customer.deposit, "USD"))
    return record
