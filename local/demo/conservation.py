"""Adds up, for each Region, what went in and where it is now: from what the APIs showed, and the plan's allotments."""

from collections.abc import Sequence
from dataclasses import dataclass

from local.demo.plan import Plan, points_for
from local.demo.records import Result, units_of


@dataclass(frozen=True, slots=True)
class Money:
    """What became of the money of a Region's customers, in cents."""

    deposited: int
    """By the deposits that their home showed."""
    spent: int
    """On purchases, also on those that were taken back then."""
    refunded: int
    left: int
    """In the wallets, by the Single Views in another Region than the home, where there is one."""

    @property
    def missing(self) -> int:
        """Return what went in and is nowhere; less than zero, if there is more than went in."""
        return self.deposited - self.spent + self.refunded - self.left


@dataclass(frozen=True, slots=True)
class Units:
    """What became of a Region's units."""

    allotted: int
    sold: int
    """Also to those who gave them back then."""
    returned: int
    """By refunds."""
    left: int
    """What somebody could still buy in the end, all of it."""

    @property
    def missing(self) -> int:
        """Return what was allotted and is nowhere; less than zero, if there is more than was allotted."""
        return self.allotted - self.sold + self.returned - self.left


@dataclass(frozen=True, slots=True)
class Account:
    """One Region's."""

    money: Money
    units: Units
    hot_units: int
    hot_sold: int
    hot_turned_away: int
    points_earned: int
    """By the file: one for each whole dollar of a completed purchase."""
    points_shown: int


def accounts(plan: Plan, result: Result) -> dict[str, Account]:
    """Return the account of each home Region."""
    return {region: _account(plan, result, region) for region in plan.regions}


def total(accounts: Sequence[Account]) -> Account:
    """Return the account of all Regions."""
    moneys, units = [each.money for each in accounts], [each.units for each in accounts]
    return Account(
        money=Money(
            deposited=sum(each.deposited for each in moneys),
            spent=sum(each.spent for each in moneys),
            refunded=sum(each.refunded for each in moneys),
            left=sum(each.left for each in moneys),
        ),
        units=Units(
            allotted=sum(each.allotted for each in units),
            sold=sum(each.sold for each in units),
            returned=sum(each.returned for each in units),
            left=sum(each.left for each in units),
        ),
        hot_units=sum(each.hot_units for each in accounts),
        hot_sold=sum(each.hot_sold for each in accounts),
        hot_turned_away=sum(each.hot_turned_away for each in accounts),
        points_earned=sum(each.points_earned for each in accounts),
        points_shown=sum(each.points_shown for each in accounts),
    )


def _account(plan: Plan, result: Result, region: str) -> Account:
    orders = [record for record in result.orders if record.order.home == region]
    customers = [record for record in result.customers if record.customer.home == region]
    views = [view for record in customers if (view := record.views.get(_viewer(plan, region)))]
    totals = [
        (record, record.at_home.total.minor_units) for record in orders if record.at_home and record.at_home.total
    ]
    deposits = [record.deposit.amount for record in customers if record.deposit and record.deposit.amount]
    others = [record for record in orders if not record.order.takes_stock]
    hot_orders = [record for record in others if any(title in plan.hot for title in record.order.units)]
    hot_sold = units_of(record for record in hot_orders if record.completed)
    return Account(
        money=Money(
            deposited=sum(amount.minor_units for amount in deposits),
            spent=sum(cents for record, cents in totals if record.purchased),
            refunded=sum(cents for record, cents in totals if record.refunded),
            left=sum(view.wallet.balance.minor_units for view in views if view.wallet),
        ),
        units=Units(
            allotted=sum(units for title, units in plan.allotments.items() if title[0] == region),
            sold=units_of(record for record in others if record.purchased).total(),
            returned=units_of(record for record in others if record.refunded).total(),
            left=units_of(record for record in orders if record.completed and record.order.takes_stock).total(),
        ),
        hot_units=sum(units for title, units in plan.allotments.items() if title in plan.hot and title[0] == region),
        hot_sold=sum(hot_sold[title] for title in plan.hot),
        hot_turned_away=sum(not record.completed for record in hot_orders),
        points_earned=sum(points_for(record.order.cents) for record in orders if record.purchased),
        points_shown=sum(view.points.balance for view in views if view.points),
    )


def _viewer(plan: Plan, region: str) -> str:
    """Return another Region than the home, where there is one: what it shows has come the whole way."""
    return next((other for other in plan.regions if other != region), region)
