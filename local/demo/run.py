"""Carries the demo out against a laptop that is up, stage by stage."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic

from rich.console import Console

from local.demo.accounts import Accounts, in_threads
from local.demo.clients import Stopwatch, entry_apis
from local.demo.orders import first_weeks
from local.demo.plan import Outcome, Plan, PlannedCustomer, PlannedOrder, Way
from local.demo.planning import make_plan
from local.demo.preparing import fill_wallets, stock_the_shop
from local.demo.readback import read_customers, read_orders
from local.demo.records import CustomerRecord, OrderRecord, Result, Session
from local.demo.replay import place_at_once, place_orders
from local.demo.report import show
from local.demo.stocktaking import stock_takers
from local.demo.stopping import run_until_stopped
from local.demo.verify import differences
from local.deployment import Deployment
from local.sdk import speak_directly

Say = Callable[[str], None]


def run(deployment: Deployment, *, began: float) -> int:
    """Replay the orders, prove the result, print it, and return the exit status: 1 on any difference.

    `began` is when the command said its first line, on the monotonic clock. Raises StopRequested on a signal.
    """
    console = Console()
    speak_directly()
    plan = make_plan(first_weeks(), deployment.regions)
    result = run_until_stopped(carry_out(deployment, plan, say=console.print))
    found = differences(plan, result.orders, result.customers)
    show(console, plan, result, found, seconds=monotonic() - began)
    return 1 if found else 0


async def carry_out(deployment: Deployment, plan: Plan, *, say: Say) -> Result:
    """Stock the shop, fill the wallets and sign in, then place the orders and read everything back."""
    stopwatch = Stopwatch()
    urls = {region: deployment.gateways[region].url for region in deployment.regions}
    async with entry_apis(urls, stopwatch) as apis:
        accounts = Accounts(deployment)
        session = Session(
            apis=apis,
            customers={},
            systems=await _in_each_region(accounts.system_of_record, plan),
            operators=await _in_each_region(accounts.open_operator, plan),
            stopwatch=stopwatch,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(_sign_in(plan, session, accounts, say))
            group.create_task(_stock(plan, session, say))
            deposits = group.create_task(_fill(plan, session, say))
        customers = deposits.result()
        began = monotonic()
        # The rush comes while everybody else is shopping.
        async with asyncio.TaskGroup() as group:
            usual = group.create_task(_place(plan, session, say))
            rush = group.create_task(_rush(plan, session, say))
        orders = usual.result() + rush.result()
        # Who takes stock buys what nobody wants any more: that changes nothing of what is read meanwhile.
        async with asyncio.TaskGroup() as group:
            group.create_task(_read_back(customers, orders, session, say))
            taking = group.create_task(_take_stock(stock_takers(plan, orders), session, accounts, say))
        takers, the_rest = taking.result()
        await _read(takers, the_rest, session)
        customers, orders = customers + takers, orders + the_rest
    return Result(orders=orders, customers=customers, stopwatch=stopwatch, ordering_began=began)


async def _sign_in(plan: Plan, session: Session, accounts: Accounts, say: Say) -> None:
    async with _stage(say, f"{len(plan.customers)} customers sign in to the user pools of their home Regions"):
        await _open(plan.customers, session, accounts)


async def _stock(plan: Plan, session: Session, say: Say) -> None:
    async with _stage(say, f"{len(plan.prices)} prices and {len(plan.allotments)} allotments"):
        await stock_the_shop(plan, session)


async def _fill(plan: Plan, session: Session, say: Say) -> list[CustomerRecord]:
    async with _stage(say, f"{sum(customer.deposit > 0 for customer in plan.customers)} deposits"):
        return await fill_wallets(plan.customers, session)


async def _place(plan: Plan, session: Session, say: Say) -> list[OrderRecord]:
    async with _stage(say, f"{len(plan.orders)} orders, {_ways(plan)}"):
        return await place_orders(plan, session)


async def _rush(plan: Plan, session: Session, say: Say) -> list[OrderRecord]:
    async with _stage(say, f"{len(plan.burst)} orders at once for {_hot_units(plan)} units of a hot item"):
        return await place_at_once(plan.burst, session)


async def _read_back(
    customers: Sequence[CustomerRecord], orders: Sequence[OrderRecord], session: Session, say: Say
) -> None:
    async with _stage(say, "each order read in the other Region, each customer's Single View in every Region"):
        await _read(customers, orders, session)


async def _read(customers: Sequence[CustomerRecord], orders: Sequence[OrderRecord], session: Session) -> None:
    await asyncio.gather(read_orders(orders, session), read_customers(customers, orders, session))


async def _open(customers: Sequence[PlannedCustomer], session: Session, accounts: Accounts) -> None:
    homes = [(customer.customer_id, customer.home) for customer in customers]
    tokens = await in_threads(accounts.open, homes)
    session.customers.update(zip((customer_id for customer_id, _ in homes), tokens, strict=True))


async def _take_stock(
    takers: Sequence[PlannedCustomer], session: Session, accounts: Accounts, say: Say
) -> tuple[list[CustomerRecord], list[OrderRecord]]:
    """Ask for one unit more only when nothing is left any longer."""
    async with _stage(say, "stock taken: what must be left is bought, and one unit more is asked for"):
        await _open(takers, session, accounts)
        customers = await fill_wallets(takers, session)
        orders = [order for taker in takers for order in taker.orders]
        the_rest = await place_at_once([order for order in orders if order.outcome is Outcome.COMPLETED], session)
        more = await place_at_once([order for order in orders if order.outcome is Outcome.SOLD_OUT], session)
    return customers, the_rest + more


async def _in_each_region(call: Callable[[str], str], plan: Plan) -> dict[str, str]:
    return dict(zip(plan.regions, await in_threads(call, [(region,) for region in plan.regions]), strict=True))


def _hot_units(plan: Plan) -> int:
    return sum(plan.allotments[title] for title in plan.hot)


def _ways(plan: Plan) -> str:
    """Say what is special about the orders."""

    def count(accept: Callable[[PlannedOrder], bool]) -> int:
        return sum(map(accept, plan.orders))

    return (
        f"{count(lambda order: len(order.lines) > 1)} of several lines, "
        f"{count(lambda order: order.arrival != order.home)} sent to another Region, "
        f"{count(lambda order: order.way is Way.COMMAND)} as asynchronous commands, "
        f"{sum(len(order.retries) for order in plan.orders)} retries, "
        f"{count(lambda order: order.change_of_mind is not None)} called off"
    )


@asynccontextmanager
async def _stage(say: Say, name: str) -> AsyncGenerator[None]:
    began = monotonic()
    yield
    say(f"{monotonic() - began:6.1f} s  {name}")
