"""Reads everything back through the APIs of all Regions, waiting until it has settled or time is up."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from local.demo.clients import CONCURRENCY, OrderDocument, Reply, ViewDocument
from local.demo.following import PATIENCE, guarded, state_of
from local.demo.records import TERMINAL, CustomerRecord, OrderRecord, Session
from local.demo.verify import expected_view, view_facts
from local.demo.waiting import Deadline, for_each, read_until


async def read_orders(records: Iterable[OrderRecord], session: Session) -> None:
    """Read each order in the Regions that have not shown it yet: at home it was followed to its end."""
    deadline = Deadline(PATIENCE)

    async def read(record: OrderRecord) -> None:
        await guarded(record.faults, lambda: _read_order(record, session, deadline))

    await for_each(records, read, workers=CONCURRENCY)


async def read_customers(customers: Iterable[CustomerRecord], orders: Iterable[OrderRecord], session: Session) -> None:
    """Read each customer's Single View in every Region: its balance is the deposit less what the orders took."""
    deadline = Deadline(PATIENCE)
    theirs: defaultdict[str, list[OrderRecord]] = defaultdict(list)
    for order in orders:
        theirs[order.order.customer_id].append(order)

    async def read(record: CustomerRecord) -> None:
        orders_of_customer = theirs[record.customer.customer_id]
        await guarded(record.faults, lambda: _read_views(record, orders_of_customer, session, deadline))

    await for_each(customers, read, workers=CONCURRENCY)


async def _read_order(record: OrderRecord, session: Session, deadline: Deadline) -> None:
    for location in sorted(record.locations)[:1]:
        for region in _not_in(record.seen, session):
            reply = await read_until(
                session.apis[region],
                "read an order",
                location,
                session.customers[record.order.customer_id],
                accepted=lambda seen: state_of(seen) in TERMINAL,
                deadline=deadline,
            )
            record.seen[region] = reply.read(OrderDocument, 200)


async def _read_views(
    record: CustomerRecord, orders: Iterable[OrderRecord], session: Session, deadline: Deadline
) -> None:
    """Views follow from events: wait for the one that contains everything that the orders' ends will cause."""
    customer_id = record.customer.customer_id
    expected = expected_view(record, orders)

    def settled(reply: Reply) -> bool:
        return reply.status == 200 and view_facts(reply.read(ViewDocument, 200)) == expected

    for region in _home_first(record.customer.home, session):
        reply = await read_until(
            session.apis[region],
            "read a Single View",
            f"/v1/customers/{customer_id}/view",
            session.customers[customer_id],
            accepted=settled,
            deadline=deadline,
        )
        record.views[region] = reply.read(ViewDocument, 200)


def _not_in(seen: Mapping[str, object], session: Session) -> list[str]:
    return [region for region in session.apis if region not in seen]


def _home_first(home: str, session: Session) -> list[str]:
    """Wait where the writer is: elsewhere there is then little left to wait for."""
    return sorted(session.apis, key=lambda region: region != home)
