"""Shows what happened: tables, one sentence of verdict, and every difference there is."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from local.demo.conservation import Account, accounts, total
from local.demo.plan import ChangeOfMind, Plan, PlannedOrder, Way
from local.demo.records import Result
from local.demo.verify import Difference

_OUTCOMES: Final = ("Completed", "Refunded", "Cancelled", "InsufficientFunds", "SoldOut", "WalletMissing")
_KINDS: Final[Sequence[tuple[str, Callable[[PlannedOrder], object]]]] = (
    ("sent to another Region than the home", lambda order: order.arrival != order.home),
    ("sent as an asynchronous command", lambda order: order.way is Way.COMMAND),
    ("sent again under the same key", lambda order: order.retries),
    ("of several lines, all or none", lambda order: len(order.lines) > 1 and not order.takes_stock),
    ("called off at once", lambda order: order.change_of_mind is ChangeOfMind.AT_ONCE),
    ("called off too late, refunded", lambda order: order.change_of_mind is ChangeOfMind.TOO_LATE),
    ("of a hot item, all at once", lambda order: not order.purchases and not order.takes_stock),
    ("that take stock in the end", lambda order: order.takes_stock),
)
_Row = tuple[str, Callable[[Account], str]]
_MONEY: Final[Sequence[_Row]] = (
    ("deposited", lambda account: _dollars(account.money.deposited)),
    ("- spent on purchases", lambda account: _dollars(account.money.spent)),
    ("+ refunded", lambda account: _dollars(account.money.refunded)),
    ("- left in the wallets", lambda account: _dollars(account.money.left)),
    ("= missing", lambda account: _dollars(account.money.missing)),
)
_UNITS: Final[Sequence[_Row]] = (
    ("units allotted", lambda account: str(account.units.allotted)),
    ("- sold", lambda account: str(account.units.sold)),
    ("+ returned by refunds", lambda account: str(account.units.returned)),
    ("- left, bought to take stock", lambda account: str(account.units.left)),
    ("= missing", lambda account: str(account.units.missing)),
)
_HOT: Final[Sequence[_Row]] = (
    ("hot units allotted", lambda account: str(account.hot_units)),
    ("hot units sold", lambda account: str(account.hot_sold)),
    ("buyers turned away", lambda account: str(account.hot_turned_away)),
)
_POINTS: Final[Sequence[_Row]] = (
    ("points by the file", lambda account: str(account.points_earned)),
    ("points shown", lambda account: str(account.points_shown)),
)


def show(console: Console, plan: Plan, result: Result, differences: Sequence[Difference], *, seconds: float) -> None:
    """Print the whole report; `seconds` is how long it took to come to the verdict."""
    console.print(_orders(plan, result))
    console.print(_conservation(plan, result))
    console.print(_requests(result))
    console.print(
        "Replication: synchronous here. The embedded AWS writes all replicas of a table at once; on AWS they follow "
        "within about a second.",
        style="dim",
    )
    for difference in differences:
        console.print(f"{difference.subject}: {difference.found}", style="red", highlight=False, markup=False)
    console.print(_verdict(plan, result, differences), style="bold red" if differences else "bold green")
    console.print(f"{seconds:.0f} s from the first line to the verdict", highlight=False)


def _orders(plan: Plan, result: Result) -> Table:
    table = _by_region("Orders by home Region: how they ended, and what was special about them", plan)
    ended = Counter((record.order.home, record.outcome) for record in result.orders)
    others = sorted({outcome for _, outcome in ended} - set(_OUTCOMES))
    for outcome in (*_OUTCOMES, *others):
        _add_counts(table, outcome, [ended[region, outcome] for region in plan.regions])
    table.add_section()
    homes = Counter(record.order.home for record in result.orders)
    _add_counts(table, "all", [homes[region] for region in plan.regions])
    table.add_section()
    for kind, is_one in _KINDS:
        homes = Counter(record.order.home for record in result.orders if is_one(record.order))
        _add_counts(table, kind, [homes[region] for region in plan.regions])
    return table


def _conservation(plan: Plan, result: Result) -> Table:
    table = _by_region("Conservation by home Region: what went in, and where the APIs show it", plan)
    by_region = accounts(plan, result)
    columns = [*(by_region[region] for region in plan.regions), total(list(by_region.values()))]
    for rows in (_MONEY, _UNITS, _HOT, _POINTS):
        table.add_section()
        for name, shown in rows:
            table.add_row(name, *(shown(account) for account in columns))
    return table


def _by_region(title: str, plan: Plan) -> Table:
    table = Table(title=title)
    table.add_column("home Region")
    for column in (*plan.regions, "all"):
        table.add_column(column, justify="right")
    return table


def _add_counts(table: Table, name: str, counts: Sequence[int]) -> None:
    table.add_row(name, *(str(count) for count in [*counts, sum(counts)]))


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
    rows = sum(len(order.purchases) for order in plan.orders)
    money = total(list(accounts(plan, result).values())).money
    return (
        f"All {rows} rows of the file were ordered once, all {len(result.orders)} orders ended once, "
        f"{_dollars(money.deposited)} deposited = {_dollars(money.spent - money.refunded)} spent + "
        f"{_dollars(money.left)} left, no unit was sold twice and none was lost, the points are those of the file, and "
        f"{len(plan.regions)} Regions show the same."
    )


def _dollars(cents: int) -> str:
    sign, cents = "-" * (cents < 0), abs(cents)
    return f"{sign}${cents // 100:,}.{cents % 100:02d}"
