"""Publishes events to the bus and tells, entry by entry, what was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from workloads.contracts.envelope import CloudEvent, encode

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

MAXIMUM_ENTRIES: Final = 10
MAXIMUM_BYTES: Final = 256 * 1024
"""A PutEvents request: at most 10 entries and 256 KB in all (EventBridge User Guide, PutEvents)."""

PERMANENT_CODES: Final = frozenset({"InvalidArgument", "MalformedDetail", "NotAuthorizedForDetailTypeException"})
"""A refusal with one of these codes is repeated at every retry; any other, such as a throttle, may pass."""


class EventTooLargeError(ValueError):
    """An event alone is over the bus's limit: it can never be published."""

    def __init__(self, event: CloudEvent, size: int) -> None:
        super().__init__(f"event {event.id} ({event.type}) has {size} bytes; the bus takes {MAXIMUM_BYTES}")
        self.event = event


class BusRefusedError(RuntimeError):
    """Some events did not get onto the bus; `codes` says why, by event id."""

    def __init__(self, codes: Mapping[str, str]) -> None:
        listed = ", ".join(f"{event_id} ({code})" for event_id, code in codes.items())
        super().__init__(f"the bus refused {len(codes)} entries: {listed}")
        self.codes = dict(codes)

    @property
    def failed(self) -> frozenset[str]:
        """Return the ids of the events that are not published."""
        return frozenset(self.codes)


class BusPublisher:
    """Puts events onto one bus.

    >>> publisher = BusPublisher(aws.events(), "meridian")  # doctest: +SKIP
    >>> publisher.publish([event])  # doctest: +SKIP
    """

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """Publish all events, in as few requests as the limits allow.

        Raises EventTooLargeError before anything is sent, and BusRefusedError with all that is not published: it
        stops at the first request with a refusal that may pass, for what throttles now throttles the next one too.
        """
        refused: dict[str, str] = {}
        groups = _grouped([(event, self._entry(event)) for event in events])
        for position, group in enumerate(groups):
            answer = self._client.put_events(Entries=[entry for _, entry in group])
            for (event, _), result in zip(group, answer["Entries"], strict=True):
                if "ErrorCode" in result:
                    refused[event.id] = result["ErrorCode"]
            if refused and not PERMANENT_CODES.issuperset(refused.values()):
                refused |= {event.id: "NotSent" for later in groups[position + 1 :] for event, _ in later}
                break
        if refused:
            raise BusRefusedError(refused)

    def _entry(self, event: CloudEvent) -> PutEventsRequestEntryTypeDef:
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self._bus,
            "Source": event.source,
            "DetailType": event.type,
            "Detail": encode(event).decode(),
        }
        size = _size(entry)
        if size > MAXIMUM_BYTES:
            raise EventTooLargeError(event, size)
        return entry


_Entry = tuple[CloudEvent, "PutEventsRequestEntryTypeDef"]


def _grouped(entries: Sequence[_Entry]) -> list[list[_Entry]]:
    groups: list[list[_Entry]] = []
    room = 0
    for event, entry in entries:
        size = _size(entry)
        if not groups or len(groups[-1]) == MAXIMUM_ENTRIES or size > room:
            groups.append([])
            room = MAXIMUM_BYTES
        groups[-1].append((event, entry))
        room -= size
    return groups


def _size(entry: PutEventsRequestEntryTypeDef) -> int:
    """Return an entry's size as EventBridge counts it (User Guide, Calculating PutEvents event entry size)."""
    return sum(len(entry.get(field, "").encode()) for field in ("Source", "DetailType", "Detail"))
