"""Sends the plan's requests to the entry APIs and keeps every answer."""

from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import aiohttp
import msgspec

from local.demo.clients import (
    CONCURRENCY,
    WAIT_SECONDS,
    CommandDocument,
    DepositDocument,
    EntryApi,
    OrderDocument,
    Reply,
    UnexpectedReplyError,
)
from local.demo.plan import Plan, PlannedOrder, Retry, Way
from local.demo.records import TERMINAL, CustomerRecord, OrderRecord, Session
from local.demo.waiting import Deadline, for_each, read_until

NOT_FOUND: Final = 404
UNDER_WAY: Final = 64
"""How many orders are on their way at a time before the oldest of them is looked at: orders end about in the order in
which they came, and each look in vain costs the very processors that do the work."""
LAST_COMMANDS: Final = 16
"""How many of a Region's commands are followed when only all of them together matter."""
PATIENCE: Final = 60.0
"""Seconds that any single stage may take to settle; a healthy laptop needs a tenth of it."""


class PreparationError(Exception):
    """Prices, units or money could not be brought in: there is nothing to replay on."""


async def stock_the_shop(plan: Plan, session: Session) -> None:
    """Set every title's price and each Region's units, and return when the last of it is in force.

    The commands before the last ones are settled by what follows: an order meets no price, another total than the
    file's, or another number of units, wherever one of them came to nothing.
    """
    sent: dict[str, list[Reply]] = {region: [] for region in plan.regions}
    price_region = plan.regions[0]

    async def price(title: tuple[str, int]) -> None:
        sku, cents = title
        reply = await session.apis[price_region].set_price(session.systems[price_region], sku=sku, cents=cents)
        sent[price_region].append(_accepted(reply))

    async def allot(allotment: tuple[tuple[str, str], int]) -> None:
        (region, sku), units = allotment
        reply = await session.apis[region].set_allotment(session.systems[region], sku=sku, units=units)
        sent[region].append(_accepted(reply))

    await for_each(plan.prices.items(), price, workers=CONCURRENCY)
    await for_each(plan.allotments.items(), allot, workers=CONCURRENCY)
    deadline = Deadline(PATIENCE)

    async def settled(reply: Reply) -> None:
        document = await follow_command(reply, session.apis[reply.region], session.systems[reply.region], deadline)
        if document.outcome != "Accepted":
            message = f"{reply.operation} in {reply.region} was refused: {document.problem}"
            raise PreparationError(message)

    last = [reply for replies in sent.values() for reply in replies[-LAST_COMMANDS:]]
    await for_each(last, settled, workers=CONCURRENCY)


async def fill_wallets(plan: Plan, session: Session) -> list[CustomerRecord]:
    """Make all deposits, and return when every one is in its wallet."""
    records = [CustomerRecord(customer) for customer in plan.customers]
    paying = [record for record in records if record.customer.deposit > 0]

    async def pay(record: CustomerRecord) -> None:
        customer = record.customer
        token, api = session.systems[customer.deposit_region], session.apis[customer.deposit_region]
        for _ in range(2 if customer.deposit_retried else 1):
            reply = await api.deposit(
                token, key=f"opening-{customer.customer_id}", customer_id=customer.customer_id, cents=customer.deposit
            )
            document = reply.read(DepositDocument, 201 if customer.deposit_region == customer.home else 202)
            if record.deposit_location not in ("", reply.location):
                record.faults.append(
                    f"the retried deposit is at {reply.location}, the first at {record.deposit_location}"
                )
            record.deposit_location = reply.location
            if reply.status == 201:
                record.deposit = document

    await for_each(paying, pay, workers=CONCURRENCY)
    deadline = Deadline(PATIENCE)

    async def settled(record: CustomerRecord) -> None:
        """Handed-over deposits travel: no order may start before its money is there."""
        home = record.customer.home
        reply = await read_until(
            session.apis[home],
            "read a deposit",
            record.deposit_location,
            session.systems[home],
            accepted=lambda reply: state_of(reply) == "Accepted",
            deadline=deadline,
        )
        record.deposit = reply.read(DepositDocument, 200)

    await for_each((record for record in paying if record.deposit is None), settled, workers=CONCURRENCY)
    return records


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


async def follow_command(reply: Reply, api: EntryApi, token: str, deadline: Deadline) -> CommandDocument:
    """Return what became of a command: it is not found while it is still on its way."""
    answer = await read_until(
        api,
        "read a command",
        _accepted(reply).location,
        token,
        accepted=lambda seen: seen.status != NOT_FOUND,
        deadline=deadline,
    )
    return answer.read(CommandDocument, 200)


async def guarded(faults: list[str], exchange: Callable[[], Awaitable[None]]) -> None:
    """Run an exchange; an answer or a failure that it has no use for becomes a fault, which the verdict shows."""
    try:
        await exchange()
    except UnexpectedReplyError as error:
        faults.append(str(error))
    except (aiohttp.ClientError, TimeoutError) as error:
        faults.append(f"{type(error).__name__}: {error}")


def state_of(reply: Reply) -> str:
    """Return the state that an order or a deposit is shown in; none while it is not found."""
    if reply.status == NOT_FOUND:
        return ""
    return reply.read(_Stated, 200, 201, 202).state


async def _begin(record: OrderRecord, session: Session, *, wait: int | None) -> None:
    """Send one order and its retries."""
    order = record.order

    async def exchange() -> None:
        record.answers.append(await _send(order, session, order.arrival, wait=wait))
        for retry in order.retries:
            record.answers.append(await _send(order, session, _retry_region(order, retry, session), wait=None))

    await guarded(record.faults, exchange)


async def _finish(record: OrderRecord, session: Session) -> None:
    """Follow one order to its end at home; commands lead to their orders."""

    async def exchange() -> None:
        await _follow(record, session, Deadline(PATIENCE))
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
    api, token, sku = session.apis[region], session.customers[order.customer_id], order.purchase.sku
    match order.way:
        case Way.SYNCHRONOUS:
            return await api.place_order(token, key=order.key, sku=sku, wait=wait)
        case Way.COMMAND:
            return await api.command_order(token, key=order.key, sku=sku)


def _retry_region(order: PlannedOrder, retry: Retry, session: Session) -> str:
    """Return where a retry goes: to the Region that the first request went to, or to another."""
    if retry is Retry.SAME_REGION:
        return order.arrival
    return next(region for region in session.apis if region != order.arrival)


def _accepted(reply: Reply) -> Reply:
    """Return the answer to a command that the bus took; any other is an error."""
    if reply.status != 202:
        raise UnexpectedReplyError(reply, "202")
    return reply


class _Stated(msgspec.Struct, frozen=True):
    """What orders and deposits have in common."""

    state: str
