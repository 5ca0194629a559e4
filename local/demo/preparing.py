"""Brings in what the replay needs: prices, units and money. Without any of it there is nothing to replay on."""

import asyncio
from collections.abc import Iterable
from itertools import cycle
from typing import Final

from local.demo.clients import CONCURRENCY, DepositDocument, Reply
from local.demo.following import PATIENCE, accepted, follow_command, state_of
from local.demo.plan import Plan, PlannedCustomer, Title
from local.demo.records import CustomerRecord, Session
from local.demo.waiting import Deadline, for_each, read_until
from local.errors import UserFacingError

LAST_COMMANDS: Final = 16
"""How many of a Region's commands are followed when only all of them together matter."""


class PreparationError(UserFacingError):
    """Prices, units or money could not be brought in: there is nothing to replay on."""


async def stock_the_shop(plan: Plan, session: Session) -> None:
    """Set every title's price and each Region's units, and return when the last of it is in force.

    The commands before the last ones are settled by what follows: an order meets no price, another total than the
    file's, or another number of units, wherever one of them came to nothing.
    """
    sent: dict[str, list[Reply]] = {region: [] for region in plan.regions}
    # A price that is set in one Region is in force in all.
    in_turn = cycle(plan.regions)

    async def price(title: tuple[str, int]) -> None:
        (sku, cents), region = title, next(in_turn)
        reply = await session.apis[region].set_price(session.systems[region], sku=sku, cents=cents)
        sent[region].append(accepted(reply))

    async def allot(allotment: tuple[tuple[str, str], int]) -> None:
        (region, sku), units = allotment
        reply = await session.apis[region].set_allotment(session.systems[region], sku=sku, units=units)
        sent[region].append(accepted(reply))

    async def heat(title: Title) -> None:
        """Have a title sold by tokens, which takes that it has an allotment."""
        region, sku = title
        api, token = session.apis[region], session.systems[region]
        await settled(accepted(await api.set_allotment(token, sku=sku, units=plan.allotments[title])))
        await settled(accepted(await api.sell_hot(token, sku=sku)))

    deadline = Deadline(PATIENCE)

    async def settled(reply: Reply) -> None:
        document = await follow_command(reply, session.apis[reply.region], session.systems[reply.region], deadline)
        if document.outcome != "Accepted":
            message = f"{reply.operation} in {reply.region} was refused: {document.problem}"
            raise PreparationError(message)

    async def allot_and_settle() -> None:
        plain = [allotment for allotment in plan.allotments.items() if allotment[0] not in plan.hot]
        await for_each(plain, allot, workers=CONCURRENCY)
        last = [reply for replies in sent.values() for reply in replies[-LAST_COMMANDS:]]
        await for_each(last, settled, workers=CONCURRENCY)

    await for_each(plan.prices.items(), price, workers=CONCURRENCY)
    async with asyncio.TaskGroup() as group:
        group.create_task(allot_and_settle())
        for title in sorted(plan.hot):
            group.create_task(heat(title))


async def fill_wallets(customers: Iterable[PlannedCustomer], session: Session) -> list[CustomerRecord]:
    """Make all deposits, and return when every one is in its wallet."""
    records = [CustomerRecord(customer) for customer in customers]
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
