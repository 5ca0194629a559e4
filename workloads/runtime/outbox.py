"""The consumer of an outbox's stream: hands each committed event to where it must go, in order and at least once.

An outbox is a table whose items carry an event (`event`, the CloudEvent as JSON) that was committed together with
the state that it tells of. A context says with `Route`s where its events go; what is technical about it is here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from workloads.contracts.envelope import CloudEvent, MalformedEventError, decode
from workloads.runtime.batches import partial_response
from workloads.runtime.logging import logger
from workloads.runtime.publisher import PERMANENT_CODES, BusPublisher, BusRefusedError, EventTooLargeError
from workloads.runtime.queues import QueueRefusedError, QueueSender

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_log: Final = logger("outbox")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a destination did not take, by event id; whatever is in neither it took."""

    retry: Mapping[str, str] = {}
    """May be taken later: the batch is delivered again from the first of these."""
    undeliverable: Mapping[str, str] = {}
    """Will never be taken: set aside with this reason, so that it blocks nothing behind it."""


Deliver = Callable[[Sequence[CloudEvent]], Outcome]


class Route(msgspec.Struct, frozen=True):
    """One destination and which events go there. Each route is tried whatever happens to the others."""

    wants: Callable[[CloudEvent], bool]
    deliver: Deliver


class UnpublishedEvents(Protocol):
    """Where what can not be delivered is kept for a person to look at."""

    def keep(self, record: Mapping[str, Any], reason: str) -> None:
        """Keep a stream record under its own id, so that a repeat replaces it."""
        ...


def consume_outbox(
    batch: Mapping[str, Any], *, routes: Sequence[Route], unpublished: UnpublishedEvents
) -> dict[str, Any]:
    """Deliver a batch of stream records; return the partial batch response, which names the first to be retried.

    Only inserted items that carry an `event` are entries: whatever else lives in the table is passed over.

    >>> here = originates_in("eu-west-1")
    >>> routes = [Route(here, to_bus(publisher)), Route(lambda _: True, to_queue(queue, hint))]  # doctest: +SKIP
    >>> consume_outbox(batch, routes=routes, unpublished=bucket)  # doctest: +SKIP
    """
    entries = [_Entry(record) for record in batch["Records"] if _is_entry(record)]
    retry: set[str] = set()
    set_aside = {entry.id: entry.defect for entry in entries if entry.event is None}
    events = [entry.event for entry in entries if entry.event is not None]
    for route in routes:
        outcome = _delivered(route, [event for event in events if route.wants(event)])
        retry |= outcome.retry.keys()
        set_aside |= outcome.undeliverable
    for entry in entries:
        if entry.id in set_aside and not _kept(unpublished, entry.record, set_aside[entry.id]):
            retry.add(entry.id)
    first = next((entry for entry in entries if entry.id in retry), None)
    return partial_response([] if first is None else [first.record["dynamodb"]["SequenceNumber"]])


def originates_in(region: str) -> Callable[[CloudEvent], bool]:
    """Return the rule that only the Region where an event was first said publishes it.

    A replica's stream carries every Region's items.
    """

    def here(event: CloudEvent) -> bool:
        return event.originregion == region

    return here


def to_bus(publisher: BusPublisher) -> Deliver:
    """Deliver onto the bus."""

    def deliver(events: Sequence[CloudEvent]) -> Outcome:
        undeliverable: dict[str, str] = {}
        remaining = list(events)
        while remaining:
            try:
                publisher.publish(remaining)
            except EventTooLargeError as error:
                undeliverable[error.event.id] = str(error)
                remaining = [event for event in remaining if event.id != error.event.id]
            except BusRefusedError as error:
                permanent = {event_id: code for event_id, code in error.codes.items() if code in PERMANENT_CODES}
                passing = {event_id: code for event_id, code in error.codes.items() if code not in PERMANENT_CODES}
                return Outcome(retry=passing, undeliverable=undeliverable | permanent)
            else:
                break
        return Outcome(undeliverable=undeliverable)

    return deliver


def to_queue(queue: QueueSender, body: Callable[[CloudEvent], str]) -> Deliver:
    """Deliver to a queue; `body` writes the message, and may raise MalformedEventError."""

    def deliver(events: Sequence[CloudEvent]) -> Outcome:
        undeliverable: dict[str, str] = {}
        messages: list[tuple[str, str]] = []
        for event in events:
            try:
                messages.append((event.id, body(event)))
            except MalformedEventError as error:
                undeliverable[event.id] = str(error)
        try:
            queue.send([message for _, message in messages])
        except QueueRefusedError as error:
            retry = {messages[position][0]: code for position, code in error.codes.items()}
            return Outcome(retry=retry, undeliverable=undeliverable)
        return Outcome(undeliverable=undeliverable)

    return deliver


class UnpublishedEventsBucket:
    """Keeps what can not be delivered as objects in a bucket, one a stream record."""

    def __init__(self, client: S3Client, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def keep(self, record: Mapping[str, Any], reason: str) -> None:
        """Put the record and the reason under the record's id."""
        self._client.put_object(
            Bucket=self._bucket,
            Key=f"{self._prefix}/{record['eventID']}.json",
            Body=json.dumps({"reason": reason, "record": record}).encode(),
            ContentType="application/json",
        )


class _Entry:
    """A stream record and the event in it, or what is wrong with it."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record
        self.event: CloudEvent | None = None
        self.defect = ""
        try:
            self.event = decode(record["dynamodb"]["NewImage"]["event"]["S"])
        except (MalformedEventError, KeyError) as error:
            self.defect = f"malformed outbox entry: {error}"
        self.id: str = self.event.id if self.event else record["eventID"]


def _is_entry(record: Mapping[str, Any]) -> bool:
    return record["eventName"] == "INSERT" and "event" in record["dynamodb"].get("NewImage", {})


def _delivered(route: Route, events: Sequence[CloudEvent]) -> Outcome:
    if not events:
        return Outcome()
    try:
        return route.deliver(events)
    except Exception:  # noqa: BLE001 - the rim: a destination that is down fails its own entries, not the others
        _log.exception("a destination failed", extra={"events": len(events), "first": events[0].id})
        return Outcome(retry={event.id: "Failed" for event in events})


def _kept(unpublished: UnpublishedEvents, record: Mapping[str, Any], reason: str) -> bool:
    try:
        unpublished.keep(record, reason)
    except Exception:  # noqa: BLE001 - the rim: the record is delivered again until it is published or kept
        _log.exception("could not keep an unpublished event", extra={"event_id": record["eventID"]})
        return False
    _log.error("kept an event that can not be published", extra={"event_id": record["eventID"], "reason": reason})
    return True
