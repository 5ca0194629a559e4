"""A customer's account: one append-only stream of events a Region, merged when read and folded to one balance.

Streams of several Regions never conflict, because each Region appends to its own; what they say commutes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from workloads.contracts.clock import timestamp
from workloads.contracts.envelope import CloudEvent, envelop, open_as
from workloads.contracts.events import BalanceChanged, PointsAwarded, Source
from workloads.contracts.identifiers import event_id, region_of_birth
from workloads.loyalty.domain.rules import Award


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream at its position: the envelope as it is published, and what it says."""

    event: CloudEvent
    change: PointsAwarded

    @property
    def customer_id(self) -> str:
        """Return whose account it belongs to."""
        return self.change.customer_id

    @property
    def region(self) -> str:
        """Return the Region whose stream it stands in."""
        return self.event.originregion

    @property
    def sequence(self) -> int:
        """Return its position in that stream, from 1."""
        return self.change.sequence

    @property
    def order(self) -> tuple[str, str, int]:
        """Return its place among the events of all Regions; time is text that sorts as time."""
        return (self.change.awarded_at, self.region, self.sequence)


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The latest event that a balance contains: what the balance's own event says it was caused by."""

    time: str
    region: str
    sequence: int
    event_id: str
    correlation_id: str

    @property
    def order(self) -> tuple[str, str, int]:
        """Return the same as the entry's order."""
        return (self.time, self.region, self.sequence)


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's points, and how far each Region's stream is contained in them."""

    customer_id: str
    points: int = 0
    positions: Mapping[str, int] = {}
    latest: Cause | None = None

    @property
    def version(self) -> int:
        """Return how many events are contained: it only grows, and a rebuild arrives at the same number."""
        return sum(self.positions.values())

    def position(self, region: str) -> int:
        """Return the last contained sequence of a Region's stream; 0 before its first event."""
        return self.positions.get(region, 0)


class OutOfSequenceError(ValueError):
    """A stream's event was folded that is not the one after the last."""

    def __init__(self, entry: Entry, position: int) -> None:
        super().__init__(
            f"{entry.customer_id}, stream of {entry.region}: event {entry.sequence} does not follow event {position}"
        )


def home_region(customer_id: str) -> str:
    """Return the one Region that speaks for the account: that of birth, for an account without another `home`."""
    return region_of_birth(customer_id)


def entry_of(event: CloudEvent) -> Entry:
    """Read an event of a stream; raises MalformedEventError.

    An event of a type that this version does not know is refused, not skipped: a balance that leaves it out is wrong.
    """
    return Entry(event=event, change=open_as(event, PointsAwarded))


def next_entry(award: Award, *, purchase: CloudEvent, head: Entry | None, region: str, now: datetime) -> Entry:
    """Return the entry that records an award after the stream's head.

    Its time never runs back behind the head's, whatever the writers' clocks say, so that merging by time keeps every
    stream's own order. Its id derives from purchase and rule: recorded again, it is the same event.
    """
    moment = timestamp(now)
    change = PointsAwarded(
        customer_id=award.customer_id,
        purchase_id=award.purchase_id,
        rule=award.rule,
        points=award.points,
        awarded_at=max(moment, head.change.awarded_at) if head else moment,
        sequence=head.sequence + 1 if head else 1,
    )
    event = envelop(
        change,
        event_id=event_id(Source.LOYALTY, f"{award.purchase_id}#{award.rule}", 1),
        source=Source.LOYALTY,
        subject=award.customer_id,
        time=change.awarded_at,
        originregion=region,
        correlationid=purchase.correlationid,
        causationid=purchase.id,
    )
    return Entry(event=event, change=change)


def contiguous(entries: Iterable[Entry], *, after: int) -> Iterator[Entry]:
    """Yield a stream's entries up to its first gap.

    Items of a global table replicate one by one: event 7 can be here before event 6. What lies behind a gap is read
    when the missing one arrives, because that arrival is a hint of its own.
    """
    for entry in entries:
        if entry.sequence != after + 1:
            return
        after = entry.sequence
        yield entry


def merge(streams: Iterable[Iterable[Entry]]) -> Iterator[Entry]:
    """Yield the events of several Regions' streams by time, Region and sequence."""
    return heapq.merge(*streams, key=lambda entry: entry.order)


def fold(balance: Balance, entries: Iterable[Entry]) -> Balance:
    """Return the balance with these entries added; raises OutOfSequenceError."""
    points = balance.points
    positions = dict(balance.positions)
    latest = balance.latest
    for entry in entries:
        position = positions.get(entry.region, 0)
        if entry.sequence != position + 1:
            raise OutOfSequenceError(entry, position)
        positions[entry.region] = entry.sequence
        points += entry.change.points
        if latest is None or entry.order > latest.order:
            latest = _cause(entry)
    return Balance(customer_id=balance.customer_id, points=points, positions=positions, latest=latest)


def balance_changed(balance: Balance, cause: Cause, *, region: str) -> CloudEvent:
    """Return the event that tells a balance: said twice, it is the same event, its time included."""
    message = BalanceChanged(customer_id=balance.customer_id, points=balance.points, sequence=balance.version)
    return envelop(
        message,
        event_id=event_id(Source.LOYALTY, f"BALANCE#{balance.customer_id}", balance.version),
        source=Source.LOYALTY,
        subject=balance.customer_id,
        time=cause.time,
        originregion=region,
        correlationid=cause.correlation_id,
        causationid=cause.event_id,
    )


def _cause(entry: Entry) -> Cause:
    return Cause(
        time=entry.change.awarded_at,
        region=entry.region,
        sequence=entry.sequence,
        event_id=entry.event.id,
        correlation_id=entry.event.correlationid,
    )
