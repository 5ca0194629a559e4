"""Compares what the APIs showed with the plan: pure. Every difference names its order, customer or title."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from local.demo.clients import OrderDocument, ViewDocument
from local.demo.orders import CURRENCY
from local.demo.plan import Outcome, Plan, PlannedOrder, Way, points_for
from local.demo.records import COMPLETED, SOLD_OUT, TERMINAL, CustomerRecord, OrderRecord


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
        *(Difference(_name(record.order), found) for record in orders for found in _of_order(plan, record)),
        *_shared_ids(orders),
        *_of_stock(plan, orders),
        *_of_customers(plan, orders, customers),
    ]


def expected_view(customer: CustomerRecord, orders: Iterable[OrderRecord]) -> ViewFacts:
    """Return what a view must say, given which orders were completed: amounts and points are those of the file."""
    theirs = list(orders)
    amounts = [record.order.purchase.cents for record in theirs if record.completed]
    return ViewFacts(
        balance=customer.customer.deposit - sum(amounts) if customer.customer.deposit else None,
        points=sum(points_for(cents) for cents in amounts),
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
    ended = document.reason or document.state
    if ended not in _allowed(order) or (document.state == "Completed") != (document.reason is None):
        yield f"it as {document.state} ({document.reason}), expected {order.outcome.value}"
    if document.customer_id != order.customer_id:
        yield f"it as an order of {document.customer_id}"
    if document.total is None or (document.total.minor_units, document.total.currency) != (
        order.purchase.cents,
        CURRENCY,
    ):
        yield f"a total of {document.total}, the file has {order.purchase.cents} cents"


def _allowed(order: PlannedOrder) -> set[str]:
    """Return how an order may end. Who comes too late is turned away by the entry, or rejected by the stock itself."""
    return {COMPLETED, SOLD_OUT} if order.outcome is Outcome.WHOEVER_COMES_FIRST else {order.outcome.value}


def _shared_ids(orders: Iterable[OrderRecord]) -> Iterator[Difference]:
    """Two rows of the file are two orders, also where the file repeats itself."""
    rows: defaultdict[str, list[PlannedOrder]] = defaultdict(list)
    for record in orders:
        if record.at_home:
            rows[record.at_home.order_id].append(record.order)
    for order_id, several in rows.items():
        if len(several) > 1:
            yield Difference(order_id, f"is the order of several rows: {', '.join(_name(order) for order in several)}")


def _of_stock(plan: Plan, orders: Iterable[OrderRecord]) -> Iterator[Difference]:
    """No unit is sold twice, and none of a scarce title is left while a buyer was sent away."""
    sold = Counter((record.order.home, record.order.purchase.sku) for record in orders if record.completed)
    for title, units in plan.allotments.items():
        if sold[title] > units or (title in plan.scarce and sold[title] != units):
            region, sku = title
            yield Difference(
                f"{sku} in {region}", f"{sold[title]} units sold of {units}, asked for {plan.demand[title]}"
            )


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


def _name(order: PlannedOrder) -> str:
    return f"row {order.purchase.row} ({order.customer_id}, {order.purchase.sku})"
