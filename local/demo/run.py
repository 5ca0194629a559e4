"""Carries the demo out against a laptop that is up, stage by stage."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from rich.console import Console

from local.demo.accounts import Accounts, in_threads
from local.demo.clients import Stopwatch, entry_apis
from local.demo.orders import first_weeks
from local.demo.plan import Plan, Way, make_plan
from local.demo.readback import read_customers, read_orders
from local.demo.records import CustomerRecord, Result, Session
from local.demo.replay import fill_wallets, place_orders, stock_the_shop
from local.demo.report import show
from local.demo.verify import differences
from local.deployment import Deployment

Say = Callable[[str], None]


def run(deployment: Deployment) -> int:
    """Replay the orders, prove the result, print it, and return the exit status: 1 on any difference."""
    console = Console()
    plan = make_plan(first_weeks(), deployment.regions)
    result = asyncio.run(carry_out(deployment, plan, say=console.print))
    found = differences(plan, result.orders, result.customers)
    show(console, plan, result, found)
    return 1 if found else 0


async def carry_out(deployment: Deployment, plan: Plan, *, say: Say) -> Result:
    """Stock the shop, fill the wallets and sign in, then place the orders and read everything back."""
    stopwatch = Stopwatch()
    urls = {region: deployment.gateways[region].url for region in deployment.regions}
    async with entry_apis(urls, stopwatch) as apis:
        accounts = Accounts(deployment)
        systems = await in_threads(accounts.system_of_record, [(region,) for region in plan.regions])
        session = Session(
            apis=apis, customers={}, systems=dict(zip(plan.regions, systems, strict=True)), stopwatch=stopwatch
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(_sign_in(plan, session, accounts, say))
            group.create_task(_stock(plan, session, say))
            deposits = group.create_task(_fill(plan, session, say))
        customers = deposits.result()
        began = monotonic()
        async with _stage(say, f"{len(plan.orders)} orders, {_ways(plan)}"):
            orders = await place_orders(plan, session)
        async with _stage(say, "each order read in the other Region"):
            await read_orders(orders, session)
        async with _stage(say, "each customer's Single View read in every Region"):
            await read_customers(customers, orders, session)
    return Result(orders=orders, customers=customers, stopwatch=stopwatch, ordering_began=began)


async def _sign_in(plan: Plan, session: Session, accounts: Accounts, say: Say) -> None:
    async with _stage(say, f"{len(plan.customers)} customers sign in to the user pools of their home Regions"):
        homes = [(customer.customer_id, customer.home) for customer in plan.customers]
        tokens = await in_threads(accounts.open, homes)
        session.customers.update(zip((customer_id for customer_id, _ in homes), tokens, strict=True))


async def _stock(plan: Plan, session: Session, say: Say) -> None:
    async with _stage(say, f"{len(plan.prices)} prices and {len(plan.allotments)} allotments"):
        await stock_the_shop(plan, session)


async def _fill(plan: Plan, session: Session, say: Say) -> list[CustomerRecord]:
    async with _stage(say, f"{sum(customer.deposit > 0 for customer in plan.customers)} deposits"):
        return await fill_wallets(plan, session)


def _ways(plan: Plan) -> str:
    """Say what is special about the orders."""
    elsewhere = sum(order.arrival != order.home for order in plan.orders)
    commands = sum(order.way is Way.COMMAND for order in plan.orders)
    retries = sum(len(order.retries) for order in plan.orders)
    return f"{elsewhere} of them sent to another Region, {commands} as asynchronous commands, {retries} retries"


@asynccontextmanager
async def _stage(say: Say, name: str) -> AsyncGenerator[None]:
    began = monotonic()
    yield
    say(f"{monotonic() - began:6.1f} s  {name}")
