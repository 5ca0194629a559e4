"""Sends the plan's requests to the entry APIs and keeps every answer."""

from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Final

from local.demo.changes_of_mind import cancel, follow_change_of_mind
from local.demo.clients import (
    CONCURRENCY,
    WAIT_SECONDS,
    OrderDocument,
    Reply,
)
from local.demo.following import PATIENCE, follow_command, guarded, state_of
from local.demo.plan import ChangeOfMind, Plan, PlannedOrder, Retry, Way
from local.demo.records import TERMINAL, OrderRecord, Session
from local.demo.waiting import Deadline, for_each, read_until

UNDER_WAY: Final = 64
"""How many orders are on their way at a time before the oldest of them is looked at: orders end about in the order in
which they came, and each look in vain costs the very processors that do the work."""


async def place_orders(plan: Plan, session: Session) -> list[OrderRecord]:
    """Send all orders in the order of their days, so many under way at a time, and follow each to its end at home.

    A shop whose orders come faster than they end only grows its queues; and those of a customer whose money runs out
    have to come one after the other.
    """
    records = {order.key: OrderRecord(order) for order in plan.orders}
    in_turn = {customer.customer_id: customer.orders for customer in plan.customers if customer.in_turn}
    begun: set[str] = set()
    under_way: deque[OrderRecord] = deque()

    async def place(order: PlannedOrder) -> None:
        if order.customer_id not in in_turn:
            await _begin(records[order.key], session, wait=None)
            under_way.append(records[order.key])
            if len(under_way) > UNDER_WAY:
                await _finish(under_way.popleft(), session)
        elif order.customer_id not in begun:
            # The customer's first order in the file brings the others along.
            begun.add(order.customer_id)
            for each in in_turn[order.customer_id]:
                await _begin(records[each.key], session, wait=WAIT_SECONDS)
                await _finish(records[each.key], session)

    async def finish(record: OrderRecord) -> None:
        await _finish(record, session)

    await for_each(plan.orders, place, workers=CONCURRENCY)
    await for_each(under_way, finish, workers=CONCURRENCY)
    return list(records.values())


async def place_at_once(orders: Sequence[PlannedOrder], session: Session) -> list[OrderRecord]:
    """Send orders as fast as the entries take them, and follow each to its end at home only then."""
    records = [OrderRecord(order) for order in orders]

    async def begin(record: OrderRecord) -> None:
        await _begin(record, session, wait=None)

    async def finish(record: OrderRecord) -> None:
        await _finish(record, session)

    await for_each(records, begin, workers=CONCURRENCY)
    await for_each(records, finish, workers=CONCURRENCY)
    return records


async def _begin(record: OrderRecord, session: Session, *, wait: int | None) -> None:
    """Send one order and its retries."""
    order = record.order

    async def exchange() -> None:
        record.answers.append(await _send(order, session, order.arrival, wait=wait))
        if order.change_of_mind is ChangeOfMind.AT_ONCE:
            await cancel(record, session)
        for retry in order.retries:
            record.answers.append(await _send(order, session, _retry_region(order, retry, session), wait=None))

    await guarded(record.faults, exchange)


async def _finish(record: OrderRecord, session: Session) -> None:
    """Follow one order to its end at home; commands lead to their orders."""

    async def exchange() -> None:
        await _follow(record, session, Deadline(PATIENCE))
        await follow_change_of_mind(record, session, Deadline(PATIENCE))
        record.ended_at = monotonic()

    await guarded(record.faults, exchange)


async def _follow(record: OrderRecord, session: Session, deadline: Deadline) -> None:
    order, token = record.order, session.customers[record.order.customer_id]
    if order.way is Way.COMMAND:
        for answer in record.answers:
            record.commands.append(await follow_command(answer, session.apis[answer.region], token, deadline))
    for location in sorted(record.locations)[:1]:
        reply = await read_until(
            session.apis[order.home],
            "read an order",
            location,
            token,
            accepted=lambda seen: state_of(seen) in TERMINAL,
            deadline=deadline,
        )
        record.seen[order.home] = reply.read(OrderDocument, 200)


async def _send(order: PlannedOrder, session: Session, region: str, *, wait: int | None) -> Reply:
    api, token = session.apis[region], session.customers[order.customer_id]
    match order.way:
        case Way.SYNCHRONOUS:
            return await api.place_order(token, key=order.key, lines=order.lines, wait=wait)
        case Way.COMMAND:
            return await api.command_order(token, key=order.key, lines=order.lines)


def _retry_region(order: PlannedOrder, retry: Retry, session: Session) -> str:
    """Return where a retry goes: to the Region that the first request went to, or to another."""
    if retry is Retry.SAME_REGION:
        return order.arrival
    return next(region for region in session.apis if region != order.arrival)
