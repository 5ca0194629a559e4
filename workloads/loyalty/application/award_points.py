"""Awards points for a completed purchase, once for each rule."""

from __future__ import annotations

from collections.abc import Iterable

from workloads.contracts.clock import Clock
from workloads.contracts.envelope import CloudEvent, open_as
from workloads.contracts.events import PurchaseCompleted
from workloads.loyalty.application.ports import Appended, Streams
from workloads.loyalty.application.retrying import ATTEMPTS, ContentionError, Pause, jitter
from workloads.loyalty.domain.accounts import Entry, next_entry
from workloads.loyalty.domain.rules import Award, Rule, awards_for


def award_points(
    event: CloudEvent,
    *,
    region: str,
    rules: Iterable[Rule],
    streams: Streams,
    clock: Clock,
    pause: Pause = jitter,
) -> list[Entry]:
    """Record what the rules give for a purchase of this Region; return the entries that are new.

    A purchase of another Region is awarded there. Raises MalformedEventError or ContentionError; a repeat after
    either, or after an answer that was lost, records only what is missing.
    """
    purchase = open_as(event, PurchaseCompleted)
    if event.originregion != region:
        return []
    recorded = [
        _record(award, event, region=region, streams=streams, clock=clock, pause=pause)
        for award in awards_for(purchase, rules)
    ]
    return [entry for entry in recorded if entry is not None]


def _record(
    award: Award, purchase: CloudEvent, *, region: str, streams: Streams, clock: Clock, pause: Pause
) -> Entry | None:
    for attempt in range(ATTEMPTS):
        head = streams.head(award.customer_id, region)
        entry = next_entry(award, purchase=purchase, head=head, region=region, now=clock.now())
        match streams.append(entry):
            case Appended.RECORDED:
                return entry
            case Appended.ALREADY_AWARDED:
                return None
            case Appended.POSITION_TAKEN:
                pause(attempt)
    raise ContentionError(f"award {award.rule} for {award.purchase_id}")
