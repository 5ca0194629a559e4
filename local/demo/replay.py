"""Sends the plan's requests to the entry APIs and keeps every answer."""

from collections.abc import Awaitable, Callable
from typing import Final

import httpx
import msgspec

from local.demo.clients import (
    CONCURRENCY,
    WAIT_SECONDS,
    CommandDocument,
    DepositDocument,
    EntryApi,
    Reply,
    UnexpectedReplyError,
)
from local.demo.plan import Plan, PlannedOrder, Retry, Way
from local.demo.records import TERMINAL, CustomerRecord, OrderRecord, Session
from local.demo.waiting import Deadline, for_each, read_until

NOT_FOUND: Final = 404
PATIENCE: Final = 60.0
"""Seconds that any single stage may take to settle; a healthy laptop needs a tenth of it."""


class PreparationError(Exception):
    """Prices, units or money could not be brought in: there is nothing to replay on."""


async def stock_the_shop(plan: Plan, session: Session) -> None:
    """Set every title's price and each Region's units, and return when all of it is in force."""
    sent: list[Reply] = []
    price_region = plan.regions[0]

    async def price(title: tuple[str, int]) -> None:
        sku, cents = title
        sent.append(await session.apis[price_region].set_price(session.systems[price_region], sku=sku, cents=cents))

    async def allot(allotment: tuple[tuple[str, str], int]) -> None:
        (region, sku), units = allotment
        sent.append(await session.apis[region].set_allotment(session.systems[region], sku=sku, units=units))

    await for_each(plan.prices.items(), price, workers=CONCURRENCY)
    await for_each(plan.allotments.items(), allot, workers=CONCURRENCY)
    deadline = Deadline(PATIENCE)

    async def settled(reply: Reply) -> None:
        document = await follow_command(reply, session.apis[reply.region], session.systems[reply.region], deadline)
        if document.outcome != "Accepted":
            message = f"{reply.operation} in {reply.region} was refused: {document.problem}"
            raise PreparationError(message)

    await for_each(sent, settled, workers=CONCURRENCY)


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
            reply.read(DepositDocument, 201 if customer.deposit_region == customer.home else 202)
            if record.deposit_location not in ("", reply.location):
                record.faults.append(
                    f"the retried deposit is at {reply.location}, the first at {record.deposit_location}"
                )
            record.deposit_location = reply.location

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
        record.deposits[home] = reply.read(DepositDocument, 200)

    await for_each(paying, settled, workers=CONCURRENCY)
    return records


async def place_orders(plan: Plan, session: Session) -> list[OrderRecord]:
    """Send all orders in the order of their days; those of a customer whose money runs out, each after the last."""
    records = {order.key: OrderRecord(order) for order in plan.orders}
    in_turn = {customer.customer_id for customer in plan.customers if customer.in_turn}
    followers = {customer.customer_id: customer.orders for customer in plan.customers if customer.in_turn}

    async def place(order: PlannedOrder) -> None:
        if order.customer_id not in in_turn:
            await attempt(records[order.key], session)
            return
        # The customer's first order in the file brings the others along.
        for follower in followers.pop(order.customer_id, ()):
            await attempt(records[follower.key], session, to_its_end=True)

    await for_each(plan.orders, place, workers=CONCURRENCY)
    return list(records.values())


async def attempt(record: OrderRecord, session: Session, *, to_its_end: bool = False) -> None:
    """Send one order, then its retries; what no client should ever get is kept as a fault of this order."""
    order = record.order
    regions = [order.arrival, *(_retry_region(order, retry, session) for retry in order.retries)]

    async def exchange() -> None:
        for number, region in enumerate(regions):
            reply = await _send(order, session, region, wait=WAIT_SECONDS if to_its_end and number == 0 else None)
            record.answers.append(reply)
            if to_its_end and number == 0:
                await follow_order(reply, session, order, Deadline(PATIENCE))

    await guarded(record.faults, exchange)


async def follow_order(reply: Reply, session: Session, order: PlannedOrder, deadline: Deadline) -> None:
    """Return when the order has ended."""
    if state_of(reply) not in TERMINAL:
        await read_until(
            session.apis[order.home],
            "read an order",
            reply.location,
            session.customers[order.customer_id],
            accepted=lambda seen: state_of(seen) in TERMINAL,
            deadline=deadline,
        )


async def follow_command(reply: Reply, api: EntryApi, token: str, deadline: Deadline) -> CommandDocument:
    """Return what became of a command: it is not found while it is still on its way."""
    if reply.status != 202:
        raise UnexpectedReplyError(reply, "202")
    answer = await read_until(
        api,
        "read a command",
        reply.location,
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
    except httpx.HTTPError as error:
        faults.append(f"{type(error).__name__}: {error}")


def state_of(reply: Reply) -> str:
    """Return the state that an order or a deposit is shown in; none while it is not found."""
    if reply.status == NOT_FOUND:
        return ""
    return reply.read(_Stated, 200, 201, 202).state


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


class _Stated(msgspec.Struct, frozen=True):
    """What orders and deposits have in common."""

    state: str
