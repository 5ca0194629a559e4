"""Shows what happened: tables, one sentence of verdict, and every difference there is."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from local.demo.plan import Plan
from local.demo.records import Result
from local.demo.verify import Difference

_OUTCOMES: Final = ("Completed", "InsufficientFunds", "SoldOut", "WalletMissing")


def show(console: Console, plan: Plan, result: Result, differences: Sequence[Difference]) -> None:
    """Print the whole report."""
    console.print(_orders(plan, result))
    console.print(_requests(result))
    console.print(
        "Replication: synchronous here. The embedded AWS writes all replicas of a table at once; on AWS they follow "
        "within about a second.",
        style="dim",
    )
    for difference in differences:
        console.print(f"{difference.subject}: {difference.found}", style="red", highlight=False, markup=False)
    console.print(_verdict(plan, result, differences), style="bold red" if differences else "bold green")


def _orders(plan: Plan, result: Result) -> Table:
    found = Counter((record.order.home, record.outcome) for record in result.orders)
    others = sorted({outcome for _, outcome in found} - set(_OUTCOMES))
    table = Table(title="Orders by home Region and outcome")
    table.add_column("home Region")
    outcomes = [*_OUTCOMES, *others]
    for outcome in [*outcomes, "all"]:
        table.add_column(outcome, justify="right")
    for region in plan.regions:
        counts = [found[region, outcome] for outcome in outcomes]
        table.add_row(region, *(str(count) for count in [*counts, sum(counts)]))
    totals = [sum(found[region, outcome] for region in plan.regions) for outcome in outcomes]
    table.add_section()
    table.add_row("all", *(str(count) for count in [*totals, sum(totals)]))
    return table


def _requests(result: Result) -> Table:
    table = Table(
        title=f"Requests: {result.orders_a_second:.0f} orders a second from the first request to the last order's end"
    )
    table.add_column("operation")
    for column in ("requests", "p50 ms", "p99 ms"):
        table.add_column(column, justify="right")
    for operation, seconds in result.stopwatch.seconds.items():
        p50, p99 = (result.stopwatch.percentile(operation, percent) * 1000 for percent in (50, 99))
        table.add_row(operation, str(len(seconds)), f"{p50:.0f}", f"{p99:.0f}")
    return table


def _verdict(plan: Plan, result: Result, differences: Sequence[Difference]) -> str:
    if differences:
        return f"{len(differences)} differences between what {len(plan.regions)} Regions show and what the file gives."
    deposited = sum(record.customer.deposit for record in result.customers)
    spent = sum(record.order.purchase.cents for record in result.orders if record.completed)
    return (
        f"All {len(result.orders)} orders ended once, {_dollars(deposited)} deposited = {_dollars(spent)} spent + "
        f"{_dollars(deposited - spent)} left, no unit was sold twice, the points are those of the file, and "
        f"{len(plan.regions)} Regions show the same."
    )


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02d}"
