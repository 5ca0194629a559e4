"""The consumer of an outbox: at least once, in order of the retry, and no poison entry blocks the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.workloads.conftest import HERE, THERE
from workloads.contracts.envelope import CloudEvent, encode, envelop
from workloads.contracts.events import BalanceChanged
from workloads.runtime.outbox import Outcome, Route, consume_outbox, originates_in, to_bus, to_queue
from workloads.runtime.publisher import BusPublisher
from workloads.runtime.queues import QueueRefusedError


class Kept:
    """Keeps what can not be delivered in memory; `broken` makes it fail."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self.broken = False

    def keep(self, record: Mapping[str, Any], reason: str) -> None:
        if self.broken:
            message = "no bucket"
            raise OSError(message)
        self.reasons[record["eventID"]] = reason


class Bus:
    """Answers PutEvents: entry by entry what the test wants."""

    def __init__(self, code_of: Callable[[str], str | None] = lambda _: None) -> None:
        self.requests: list[list[dict[str, Any]]] = []
        self._code_of = code_of

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto's name
        self.requests.append(Entries)
        codes = [
            next((code for event_id in [_id(entry)] if (code := self._code_of(event_id))), None) for entry in Entries
        ]
        return {"Entries": [{"ErrorCode": code} if code else {"EventId": "x"} for code in codes]}

    @property
    def published(self) -> list[str]:
        return [_id(entry) for request in self.requests for entry in request if not self._code_of(_id(entry))]


class Queue:
    """A queue that refuses some messages."""

    def __init__(self, *refused: str) -> None:
        self.bodies: list[str] = []
        self._refused = refused

    def send(self, bodies: Sequence[str]) -> None:
        self.bodies += bodies
        codes = {position: "InternalError" for position, body in enumerate(bodies) if body in self._refused}
        if codes:
            raise QueueRefusedError(codes)


def _id(entry: Mapping[str, Any]) -> str:
    return entry["Detail"].split('"id":"')[1].split('"')[0]


def event(number: int, *, origin: str = HERE, padding: int = 0) -> CloudEvent:
    message = BalanceChanged(customer_id="us-east-1.c-1", points=number, sequence=number)
    return envelop(
        message,
        event_id=f"e-{number}",
        source="meridian.loyalty",
        subject="s" + "x" * padding,
        time="2026-03-01T12:00:00Z",
        originregion=origin,
        correlationid="c",
        causationid="c",
    )


def record(number: int, image: Mapping[str, Any] | None = None, name: str = "INSERT", **of: Any) -> dict[str, Any]:
    image = {"event": {"S": encode(event(number, **of)).decode()}} if image is None else image
    return {"eventID": f"r-{number}", "eventName": name, "dynamodb": {"SequenceNumber": str(number), "NewImage": image}}


def consume(records: list[dict[str, Any]], *routes: Route, kept: Kept | None = None) -> list[str]:
    answer = consume_outbox({"Records": records}, routes=routes, unpublished=kept or Kept())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def onto(bus: Bus) -> Route:
    return Route(originates_in(HERE), to_bus(BusPublisher(bus, "meridian")))  # pyright: ignore[reportArgumentType]


def test_everything_that_originates_here_is_published_in_few_requests() -> None:
    bus = Bus()

    failures = consume([record(number) for number in range(1, 26)], onto(bus))

    assert failures == []
    assert bus.published == [f"e-{number}" for number in range(1, 26)]
    assert [len(request) for request in bus.requests] == [10, 10, 5]
    assert bus.requests[0][0]["EventBusName"] == "meridian"


def test_what_another_region_said_is_not_published_again() -> None:
    bus = Bus()

    consume([record(1, origin=THERE), record(2)], onto(bus))

    assert bus.published == ["e-2"]


def test_only_inserted_items_with_an_event_are_entries() -> None:
    bus = Bus()

    failures = consume(
        [record(1, name="REMOVE"), record(2, name="MODIFY"), record(3, image={"pk": {"S": "G"}})], onto(bus)
    )

    assert (failures, bus.published) == ([], [])


def test_a_passing_refusal_repeats_the_batch_from_the_first_refused() -> None:
    bus = Bus(lambda event_id: "ThrottlingException" if event_id in {"e-3", "e-5"} else None)

    assert consume([record(number) for number in range(1, 26)], onto(bus)) == ["3"]

    assert len(bus.requests) == 1


def test_an_entry_that_is_no_event_is_set_aside_and_the_rest_goes_on() -> None:
    bus, kept = Bus(), Kept()
    poison = record(2, image={"event": {"S": "{"}})

    failures = consume([record(1), poison, record(3, image={"event": {"N": "1"}}), record(4)], onto(bus), kept=kept)

    assert failures == []
    assert bus.published == ["e-1", "e-4"]
    assert kept.reasons.keys() == {"r-2", "r-3"}
    assert "malformed outbox entry" in kept.reasons["r-2"]


def test_an_event_that_is_too_large_is_set_aside_and_the_rest_goes_on() -> None:
    bus, kept = Bus(), Kept()

    failures = consume([record(1), record(2, padding=300_000), record(3)], onto(bus), kept=kept)

    assert (failures, bus.published) == ([], ["e-1", "e-3"])
    assert "bytes" in kept.reasons["r-2"]


def test_an_event_that_the_bus_never_takes_is_set_aside() -> None:
    bus, kept = Bus(lambda event_id: "MalformedDetail" if event_id == "e-2" else None), Kept()

    assert consume([record(1), record(2), record(3)], onto(bus), kept=kept) == []

    assert kept.reasons == {"r-2": "MalformedDetail"}


def test_what_can_not_be_set_aside_is_tried_again() -> None:
    kept = Kept()
    kept.broken = True

    assert consume([record(1), record(2, image={"event": {"S": "{"}}), record(3)], onto(Bus()), kept=kept) == ["2"]


def test_a_destination_that_is_down_keeps_no_other_from_its_events() -> None:
    bus = Bus()

    def down(_events: Sequence[CloudEvent]) -> Outcome:
        message = "no route"
        raise ConnectionError(message)

    failures = consume([record(1), record(2)], Route(lambda event: event.id == "e-2", down), onto(bus))

    assert failures == ["2"]
    assert bus.published == ["e-1", "e-2"]


def test_a_queue_repeats_from_its_first_refused_message() -> None:
    queue = Queue("e-2")
    hints = Route(lambda _: True, to_queue(queue, lambda event: event.id))  # pyright: ignore[reportArgumentType]

    assert consume([record(1), record(2, origin=THERE), record(3)], hints) == ["2"]

    assert queue.bodies == ["e-1", "e-2", "e-3"]


@pytest.mark.parametrize("count", [0, 1, 10, 11])
def test_a_publisher_splits_at_the_bounds_of_a_request(count: int) -> None:
    bus = Bus()

    BusPublisher(bus, "b").publish([event(number, padding=100_000) for number in range(count)])  # pyright: ignore[reportArgumentType]

    assert len(bus.published) == count
    assert all(len(request) <= 2 for request in bus.requests)
