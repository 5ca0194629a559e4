"""Records what an event says about a customer, in the customer's home Region only."""

from __future__ import annotations

from enum import StrEnum

from workloads.contracts.envelope import CloudEvent, open_message
from workloads.singleview.application.ports import Rows
from workloads.singleview.domain.facts import fact_of, home_region


class Recorded(StrEnum):
    """What became of an event."""

    STORED = "Stored"
    OUTDATED = "Outdated"
    """The same or a later fact was there already: a repeat, or an overtaken event."""
    NOT_HOME = "NotHome"
    """The row has one writer, the customer's home, and it writes what happened at home."""
    NOT_SHOWN = "NotShown"
    """The Single View shows nothing of this type."""


def record_fact(event: CloudEvent, *, region: str, rows: Rows) -> Recorded:
    """Store the event's fact; raises MalformedEventError or UnknownEventTypeError."""
    fact = fact_of(open_message(event))
    if fact is None:
        return Recorded.NOT_SHOWN
    if not event.originregion == region == home_region(fact.customer_id):
        return Recorded.NOT_HOME
    return Recorded.STORED if rows.record(fact, origin_region=region) else Recorded.OUTDATED
