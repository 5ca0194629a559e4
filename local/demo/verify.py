"""Compares what the APIs showed with the plan: pure. Every difference names its order, customer or title."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from local.demo.clients import ALREADY_COMPLETED, LineDocument, OrderDocument, ViewDocument
from local.demo.orders import CURRENCY
from local.demo.plan import ChangeOfMind, Outcome, Plan, PlannedOrder, Way, points_for
from local.demo.records import (
    CANCELLED,
    COMPLETED,
    REFUNDED,
    SOLD_OUT,
    TERMINAL,
    CustomerRecord,
    OrderRecord,
    outcome_of,
    units_of,
)
from workloads.contracts.money import Money


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it must be."""

    subject: str
    found: str


@dataclass(frozen=True, slots=True)
class ViewFacts:
    """What a Single View must say, and what one says."""

    balance: int | None
    """Cents; None without a wallet."""
    points: int
    orders: frozenset[tuple[str, str]]
    """Order id and state."""


def differences(plan: Plan, orders: Sequence[OrderRecord], customers: Sequence[CustomerRecord]) -> list[Difference]:
    """Return everything that is not as it must be: none, if all is well."""
    return [
        *(Difference(record.order.name, found) for record in orders for found in _of_order(plan, record)),
        *_shared_ids(orders),
        *_of_stock(plan, orders),
        *_of_customers(plan, orders, customers),
    ]


def expected_view(customer: CustomerRecord, orders: Iterable[OrderRecord]) -> ViewFacts:
    """Return what a view must say, given how the orders ended: amounts and points are those of the file.

    A refund gives the money back, and leaves the points: the loyalty programme has no rule that takes them.
    """
    theirs = list(orders)
    spent = sum(record.order.cents for record in theirs if record.completed)
    return ViewFacts(
        balance=customer.customer.deposit - spent if customer.customer.deposit else None,
        points=sum(points_for(record.order.cents) for record in theirs if record.purchased),
        orders=frozenset((document.order_id, document.state) for record in theirs if (document := record.at_home)),
    )


def view_facts(view: ViewDocument) -> ViewFacts:
    """Return what a view says. Money in another currency is none."""
    return ViewFacts(
        balance=view.wallet.balance.minor_units if view.wallet and view.wallet.balance.currency == CURRENCY else None,
        points=view.points.balance if view.points else 0,
        orders=frozenset((order.order_id, order.state) for order in view.orders),
    )


def _of_order(plan: Plan, record: OrderRecord) -> Iterator[str]:
    yield from record.faults
    yield from _of_answers(record)
    yield from _of_change_of_mind(record)
    if record.turned_away:
        if SOLD_OUT not in _allowed(record.order):
            yield f"it was turned away as sold out, expected {record.order.outcome.value}"
        return
    for region in plan.regions:
        document = record.seen.get(region)
        if document is None:
            yield f"{region} never showed it"
        else:
            yield from (f"{region} shows {found}" for found in _of_document(record.order, document))
    if len(set(record.seen.values())) > 1:
        yield f"the Regions differ: {record.seen}"


def _of_answers(record: OrderRecord) -> Iterator[str]:
    """However often, wherever and in whichever way it was asked for, it is one order."""
    order = record.order
    if len(record.answers) != 1 + len(order.retries):
        yield f"{len(record.answers)} answers to {1 + len(order.retries)} requests"
    if order.way is Way.COMMAND:
        for answer, command in zip(record.answers, record.commands, strict=False):
            # A Region that is not the customer's home never learns more than that it has handed the command over.
            if command.outcome not in ({"Accepted"} if answer.region == order.home else {"Accepted", "HandedOver"}):
                yield f"command {command.command_id} was {command.outcome}: {command.problem}"
        if len({each.command_id for each in record.commands}) != len(record.answers):
            yield f"{len(record.answers)} commands were sent, {len(record.commands)} have an outcome"
    else:
        expected = 201 if order.arrival == order.home else 202
        first = record.answers[:1]
        again = [answer for answer in record.answers[1:] if answer.region == order.arrival]
        yield from (
            f"{answer.region} answered {answer.status} instead of {expected}"
            for answer in [*first, *again]
            if answer.status != expected and not (answer.sold_out and SOLD_OUT in _allowed(order))
        )
    if len(record.locations) > 1:
        yield f"one key led to several orders: {', '.join(sorted(record.locations))}"


def _of_document(order: PlannedOrder, document: OrderDocument) -> Iterator[str]:
    if document.state not in TERMINAL:
        yield f"it in the state {document.state}, which is no end"
        return
    without_reason = document.state in {COMPLETED, REFUNDED}
    if outcome_of(document) not in _allowed(order) or without_reason != (document.reason is None):
        yield f"it as {document.state} ({document.reason}), expected {order.outcome.value}"
    if document.customer_id != order.customer_id:
        yield f"it as an order of {document.customer_id}"
    if document.total != Money(order.cents, CURRENCY):
        yield f"a total of {document.total}, the file has {order.cents} cents"
    if Counter(document.lines) != Counter(
        LineDocument(line.sku, line.quantity, Money(line.cents, CURRENCY)) for line in order.lines
    ):
        yield f"the lines {document.lines}, ordered were {order.lines}"


def _allowed(order: PlannedOrder) -> set[str]:
    """Return how an order may end. Who comes too late is turned away by the entry, or rejected by the stock itself."""
    match order.outcome:
        case Outcome.WHOEVER_COMES_FIRST:
            return {COMPLETED, SOLD_OUT}
        case Outcome.CANCELLED_UNLESS_COMPLETED:
            return {COMPLETED, CANCELLED}
        case _:
            return {order.outcome.value}


def _of_change_of_mind(record: OrderRecord) -> Iterator[str]:
    """What the customer was told of the cancellation, and the operator of the refund, is what became of the order."""
    change = record.order.change_of_mind
    if change is None:
        return
    told = _told(record)
    ended = {CANCELLED} if told == CANCELLED else {COMPLETED, REFUNDED}
    if not told:
        yield f"nobody knows what became of its cancellation: {record.cancellation}, {record.cancellation_outcome}"
    elif record.outcome not in ended:
        yield f"its customer was told {told}, but it is {record.outcome}"
    if change is ChangeOfMind.TOO_LATE:
        answers = [answer.status for answer in record.refunds]
        expected = [201 if record.order.changed_in == record.order.home else 202, 201]
        if told != COMPLETED or answers != expected:
            yield f"its cancellation came too late and was told {told}, its refunds answered {answers}, not {expected}"


def _told(record: OrderRecord) -> str:
    """Return what the answer to a cancellation says of the order's end: cancelled, completed before, or nothing."""
    answer = record.cancellation
    if answer is None:
        return ""
    if answer.problem:
        return COMPLETED if answer.problem == ALREADY_COMPLETED else ""
    if answer.status not in {200, 202}:
        return ""
    if answer.region == record.order.home or answer.status == 200:
        return CANCELLED
    return {"Accepted": CANCELLED, "Refused": COMPLETED}.get(record.cancellation_outcome, "")


def _shared_ids(orders: Iterable[OrderRecord]) -> Iterator[Difference]:
    """Two keys are two orders, also where the file repeats itself."""
    rows: defaultdict[str, list[PlannedOrder]] = defaultdict(list)
    for record in orders:
        if record.at_home:
            rows[record.at_home.order_id].append(record.order)
    for order_id, several in rows.items():
        if len(several) > 1:
            yield Difference(order_id, f"is the order of several keys: {', '.join(order.name for order in several)}")


def _of_stock(plan: Plan, orders: Sequence[OrderRecord]) -> Iterator[Difference]:
    """No unit is sold twice, none of a scarce title is left while a buyer was sent away, and none is lost.

    What the others have left, those who take stock can buy, all of it: units of orders that were rejected, called off
    or refunded are for sale again.
    """
    sold = units_of(record for record in orders if record.completed)
    by_others = units_of(record for record in orders if record.completed and not record.order.takes_stock)
    stock_was_taken = any(record.order.takes_stock for record in orders)
    for title, units in plan.allotments.items():
        region, sku = title
        if by_others[title] > units or (title in plan.scarce and by_others[title] != units):
            found = f"{by_others[title]} units sold of {units}, asked for {plan.demand[title]}"
            yield Difference(f"{sku} in {region}", found)
        elif stock_was_taken and sold[title] != units:
            found = (
                f"{by_others[title]} units sold of {units}, but {sold[title] - by_others[title]} more could be bought"
            )
            yield Difference(f"{sku} in {region}", found)


def _of_customers(
    plan: Plan, orders: Iterable[OrderRecord], customers: Iterable[CustomerRecord]
) -> Iterator[Difference]:
    """What went in is what is left and what was spent; and every Region says so."""
    theirs: defaultdict[str, list[OrderRecord]] = defaultdict(list)
    for record in orders:
        theirs[record.order.customer_id].append(record)
    for customer in customers:
        name = customer.customer.customer_id
        yield from (Difference(name, fault) for fault in customer.faults)
        expected = expected_view(customer, theirs[name])
        yield from (Difference(name, found) for found in _of_deposit(customer))
        for region in plan.regions:
            view = customer.views.get(region)
            found = view_facts(view) if view else None
            if found != expected:
                yield Difference(name, f"{region} shows the view {found}, expected {expected}")


def _of_deposit(customer: CustomerRecord) -> Iterator[str]:
    cents, home = customer.customer.deposit, customer.customer.home
    document = customer.deposit
    if cents == 0:
        return
    if document is None or document.state != "Accepted" or document.amount is None:
        yield f"{home} shows the deposit as {document}"
    elif (document.amount.minor_units, document.amount.currency) != (cents, CURRENCY):
        yield f"{home} shows a deposit of {document.amount}, sent were {cents} cents"
