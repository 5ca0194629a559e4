"""What an auditor holds the books to: every unit and every cent is somewhere, and nothing is left half done.

A scan is no snapshot: it sees one item now and the next one later. So stock is judged as it was when the audit began,
which each reservation tells of itself by the times at which it was made and ended; whatever was written too close to
that moment counts as either. Money is judged by one wallet at a time, at one version of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.order import Order, OrderState
from workloads.checkout.domain.reservation import Reservation, ReservationState
from workloads.checkout.domain.token import HeldTokens
from workloads.checkout.domain.transfer import Transfer
from workloads.checkout.domain.wallet import Wallet
from workloads.contracts.clock import moment

SLOWEST_WRITE: Final = timedelta(seconds=30)
"""A write is stamped before it is sent, and committed within the time-out of the function that sends it."""
CLOCK_SKEW: Final = timedelta(seconds=5)
"""By so much the clocks of two functions may differ; those of Lambda are kept to milliseconds."""
UNSTAMPED: Final = timedelta(days=1)
"""The first release stamps no reservation: what it wrote for an order of the last day counts as either."""


class FindingKind(StrEnum):
    """What is wrong; also the dimension of the metric that raises the alarm."""

    STOCK_DIFFERS = "StockDiffers"
    TOKENS_DIFFER = "TokensDiffer"
    BALANCE_DIFFERS = "BalanceDiffers"
    PAYMENT_DIFFERS = "PaymentDiffers"
    ORPHANED_RESERVATION = "OrphanedReservation"
    OVERDUE_ORDER = "OverdueOrder"
    OVERDUE_TRANSFER = "OverdueTransfer"
    UNPUBLISHED_EVENTS = "UnpublishedEvents"
    UNFINISHED = "Unfinished"


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong."""

    kind: FindingKind
    subject: str
    """The SKU, customer, order, transfer or object that it is about."""
    detail: str


class Unpublished(msgspec.Struct, frozen=True):
    """An object that keeps what could not be published."""

    name: str
    since: datetime


class Moment(msgspec.Struct, frozen=True):
    """When the allotments were read: at some time between two readings of the clock."""

    earliest: datetime
    latest: datetime

    def is_surely_after(self, stamp: str) -> bool:
        """Return whether what is stamped so was committed before the allotments were read."""
        return moment(stamp) < self.earliest - SLOWEST_WRITE - CLOCK_SKEW

    def is_surely_before(self, stamp: str) -> bool:
        """Return whether what is stamped so was committed after the allotments were read."""
        return moment(stamp) > self.latest + CLOCK_SKEW


class History(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation and when it came to be what it is."""

    reservation: Reservation
    held_at: str | None = None
    ended_at: str | None = None
    """When it was released or consumed."""
    returned_at: str | None = None
    """When the units of a purchase that was refunded went back."""

    def freed_at(self) -> str | None:
        """Return when its units went back; None while they are held or sold, or where nothing says when."""
        return self.ended_at if self.reservation.state is ReservationState.RELEASED else self.returned_at

    def is_freed(self) -> bool:
        """Return whether its units went back."""
        return self.reservation.state is ReservationState.RELEASED or self.returned_at is not None


class Share(msgspec.Struct, frozen=True):
    """How many units are held or sold, as far as it is certain."""

    least: int = 0
    most: int = 0

    def plus(self, other: Share) -> Share:
        """Return both together."""
        return Share(self.least + other.least, self.most + other.most)


def was_in_use(history: History, at: Moment, *, placed_at: str | None) -> tuple[bool, bool]:
    """Return whether a reservation's units were surely, and whether they were possibly, held or sold at a moment."""
    if history.held_at is None:
        return _unstamped_was_in_use(history, at, placed_at)
    if at.is_surely_before(history.held_at):
        return False, False
    surely, possibly = at.is_surely_after(history.held_at), True
    freed_at = history.freed_at()
    if not history.is_freed() or (freed_at is not None and at.is_surely_before(freed_at)):
        return surely, possibly
    if freed_at is not None and at.is_surely_after(freed_at):
        return False, False
    return False, possibly


def _unstamped_was_in_use(history: History, at: Moment, placed_at: str | None) -> tuple[bool, bool]:
    if placed_at is not None and moment(placed_at) > at.earliest - UNSTAMPED:
        return False, True
    freed_at = history.freed_at()
    if freed_at is not None and not at.is_surely_after(freed_at):
        return at.is_surely_before(freed_at), True
    return not history.is_freed(), not history.is_freed()


def ordinary_units(reservation: Reservation, allotments: Mapping[str, Allotment]) -> Counter[str]:
    """Return the units that are no tokens of a generation which is sold at present: those are counted as open ones."""
    units = Counter(reservation.units)
    for sku, held in reservation.tokens.items():
        if not _is_of_the_present(held, allotments.get(sku)):
            units[sku] += len(held.numbers)
    return units


def present_tokens(reservation: Reservation, allotments: Mapping[str, Allotment]) -> Counter[str]:
    """Return the units that are tokens of a generation which is sold at present."""
    return Counter(reservation.all_units()) - ordinary_units(reservation, allotments)


def _is_of_the_present(held: HeldTokens, allotment: Allotment | None) -> bool:
    return (
        allotment is not None and not allotment.selling.is_plain() and held.generation == allotment.selling.generation
    )


def judge_stock(
    allotments: Iterable[Allotment], in_use: Mapping[str, Share], tokens: Mapping[str, Share]
) -> list[Finding]:
    """Compare what is gone from each allotment, and is no open token, with what its reservations had.

    While a generation is drained, some of its tokens that orders have are settled already: these are ordinary units.
    """
    findings: list[Finding] = []
    for allotment in allotments:
        gone = allotment.units - allotment.free - allotment.selling.open
        share = in_use.get(allotment.sku, Share())
        settled = 0
        if not allotment.selling.is_plain():
            closed = allotment.selling.issued - allotment.selling.open
            settled = min(tokens.get(allotment.sku, Share()).most, closed)
        share = share.plus(Share(0, settled))
        if share.least <= gone <= share.most:
            continue
        missing = gone - share.most if gone > share.most else gone - share.least
        what = f"{missing} units are nowhere" if missing > 0 else f"{-missing} units were given out twice"
        findings.append(
            Finding(
                FindingKind.STOCK_DIFFERS,
                allotment.sku,
                f"{what}: of {allotment.units} units of {allotment.sku} in {allotment.region} {allotment.free} are "
                f"free, and reservations have {share.least} to {share.most} of the other {gone}",
            )
        )
    return findings


def judge_wallet(customer_id: str, wallet: Wallet | None, ledger: int) -> Finding | None:
    """Compare a balance with the sum of the wallet's ledger, both in minor units and at the same version."""
    balance = wallet.balance.minor_units if wallet else 0
    if balance == ledger:
        return None
    detail = f"the balance of {customer_id} is {balance}, the sum of its ledger {ledger} minor units"
    return Finding(FindingKind.BALANCE_DIFFERS, customer_id, detail)


def judge_order(
    order_id: str, order: Order | None, reservation: Reservation | None, *, now: datetime, longest: timedelta
) -> Finding | None:
    """Look for what is left over of an order that has ended, and for one that should have ended long ago."""
    held = reservation is not None and reservation.state is ReservationState.HELD
    if held and (order is None or order.state is not OrderState.PENDING):
        ended = "does not exist" if order is None else f"is {order.state.value}"
        return Finding(
            FindingKind.ORPHANED_RESERVATION, order_id, f"the order {ended}, and its reservation still holds units"
        )
    if order is not None and order.state is OrderState.PENDING and moment(order.placed_at) < now - longest:
        return Finding(
            FindingKind.OVERDUE_ORDER,
            order_id,
            f"placed at {order.placed_at} and still pending: its saga should have ended within {longest}",
        )
    return None


def judge_transfer(transfer: Transfer, *, now: datetime, longest: timedelta) -> Finding | None:
    """Look for units that should have entered the other Region's allotment long ago."""
    if not is_waiting(transfer, now=now, wait=longest):
        return None
    return Finding(
        FindingKind.OVERDUE_TRANSFER,
        transfer.id,
        f"{transfer.units} units of {transfer.sku} left for {transfer.to_region} at {transfer.sent_at}, which was told "
        f"of them {transfer.sendings} times and has sent no receipt",
    )


def is_waiting(transfer: Transfer, *, now: datetime, wait: timedelta) -> bool:
    """Return whether no receipt has come for that long."""
    return not transfer.received and moment(transfer.sent_at) < now - wait


def judge_unpublished(unpublished: Unpublished, *, now: datetime) -> Finding:
    """Say for how long an object has kept what could not be published."""
    age = (now - unpublished.since).total_seconds()
    return Finding(
        FindingKind.UNPUBLISHED_EVENTS,
        unpublished.name,
        f"the object {unpublished.name} has kept for {age:.0f} seconds what could not be published: publish it again, "
        "then remove the object",
    )
