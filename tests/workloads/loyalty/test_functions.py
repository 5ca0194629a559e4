"""The functions as Lambda calls them: batches in, partial failures out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from tests.workloads.conftest import HERE, THERE, Emulator
from tests.workloads.functions import Handler, failures, load_handler, queue_batch
from tests.workloads.loyalty.builders import entry, on_bus, purchase
from workloads.contracts.envelope import encode
from workloads.contracts.events import Source
from workloads.loyalty.adapters.dynamodb_streams import DynamoDBStreams
from workloads.loyalty.domain.accounts import Entry


@pytest.fixture(scope="module")
def events_table(emulator: Emulator) -> str:
    return emulator.table("loyalty-events")


@pytest.fixture
def customer() -> str:
    return f"{HERE}.c-{uuid4().hex[:12]}"


class TestAwards:
    @pytest.fixture
    def handler(self, monkeypatch: pytest.MonkeyPatch, emulator: Emulator, events_table: str) -> Handler:
        return load_handler(
            monkeypatch, emulator, "workloads.loyalty.entrypoints.awards", LOYALTY_EVENTS_TABLE=events_table
        )

    def test_purchases_become_events_and_a_repeat_changes_nothing(
        self, handler: Handler, emulator: Emulator, events_table: str, customer: str
    ) -> None:
        bodies = [on_bus(purchase(n * 1000, order=f"o-{customer}-{n}", customer=customer)) for n in (1, 2)]

        first = handler(queue_batch(*bodies), None)
        second = handler(queue_batch(*bodies), None)

        assert failures(first) == failures(second) == []
        entries = list(DynamoDBStreams(emulator.dynamodb(), events_table).read_on(customer, HERE, after=0))
        assert [one.change.points for one in entries] == [10, 20]

    @pytest.mark.parametrize("poison", ["", "{}", '{"time": "now", "detail": {"id": 7}}', on_bus(entry().event)])
    def test_a_message_that_is_no_purchase_fails_alone(
        self, handler: Handler, emulator: Emulator, events_table: str, customer: str, poison: str
    ) -> None:
        good = on_bus(purchase(order=f"o-{customer}", customer=customer))

        answer = handler(queue_batch(poison, good), None)

        assert failures(answer) == ["m-0"]
        assert DynamoDBStreams(emulator.dynamodb(), events_table).head(customer, HERE) is not None

    def test_a_purchase_of_another_region_is_taken_and_left_to_that_region(
        self, handler: Handler, emulator: Emulator, events_table: str, customer: str
    ) -> None:
        foreign = on_bus(purchase(order=f"o-{customer}", customer=customer, region=THERE))

        assert failures(handler(queue_batch(foreign), None)) == []
        streams = DynamoDBStreams(emulator.dynamodb(), events_table)
        assert streams.head(customer, HERE) is streams.head(customer, THERE) is None


class TestOutbox:
    @pytest.fixture
    def queues(self, emulator: Emulator) -> tuple[str, str]:
        """Return the URLs of a queue of hints, and of one that takes what the bus gets."""
        sqs = emulator.client("sqs")
        return tuple(sqs.create_queue(QueueName=f"{name}-{uuid4().hex[:8]}")["QueueUrl"] for name in ("hints", "bus"))

    @pytest.fixture
    def handler(self, monkeypatch: pytest.MonkeyPatch, emulator: Emulator, queues: tuple[str, str]) -> Handler:
        hints, listener = queues
        bus, bucket = f"bus-{uuid4().hex[:8]}", f"unpublished-{uuid4().hex[:8]}"
        emulator.client("s3").create_bucket(Bucket=bucket)
        events = emulator.client("events")
        events.create_event_bus(Name=bus)
        events.put_rule(
            Name="all", EventBusName=bus, EventPattern=json.dumps({"source": [{"prefix": ""}]}), State="ENABLED"
        )
        arn = emulator.client("sqs").get_queue_attributes(QueueUrl=listener, AttributeNames=["QueueArn"])
        events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "1", "Arn": arn["Attributes"]["QueueArn"]}])
        return load_handler(
            monkeypatch,
            emulator,
            "workloads.loyalty.entrypoints.outbox",
            EVENT_BUS=bus,
            PROJECTION_HINTS_QUEUE_URL=hints,
            UNPUBLISHED_EVENTS_BUCKET=bucket,
        )

    def test_it_publishes_what_this_region_recorded_and_hints_at_what_any_did(
        self, handler: Handler, emulator: Emulator, queues: tuple[str, str]
    ) -> None:
        own = entry(10, order="o-1")
        foreign = entry(5, order="o-2", region=THERE, customer="eu-west-1.c-9")

        answer = handler(stream_batch([own, foreign]), None)

        assert failures(answer) == []
        [published] = received(emulator, queues[1])
        assert (published["source"], published["detail-type"]) == (Source.LOYALTY, "PointsAwarded")
        assert published["detail"] == json.loads(encode(own.event))
        assert received(emulator, queues[0]) == [{"customerId": "us-east-1.c-00042"}, {"customerId": "eu-west-1.c-9"}]

    def test_it_hints_once_at_a_customer_who_has_several_events_in_a_batch(
        self, handler: Handler, emulator: Emulator, queues: tuple[str, str]
    ) -> None:
        first = entry(10, order="o-1")

        handler(stream_batch([first, entry(20, order="o-2", head=first)]), None)

        assert received(emulator, queues[0]) == [{"customerId": "us-east-1.c-00042"}]
        assert len(received(emulator, queues[1])) == 2

    def test_guards_are_no_events(self, handler: Handler, emulator: Emulator, queues: tuple[str, str]) -> None:
        guard = {"pk": {"S": "AWARD#o-1#points-for-purchase"}, "sk": {"S": "AWARD"}, "originregion": {"S": HERE}}
        batch = stream_batch([])
        batch["Records"].append(stream_record("1", guard))

        assert failures(handler(batch, None)) == []
        assert received(emulator, queues[0]) == received(emulator, queues[1]) == []

    def test_when_the_queue_of_hints_is_gone_the_batch_is_tried_again(
        self, handler: Handler, emulator: Emulator, queues: tuple[str, str]
    ) -> None:
        emulator.client("sqs").delete_queue(QueueUrl=queues[0])

        assert failures(handler(stream_batch([entry(10)]), None)) == ["1"]


def stream_batch(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the event of a batch of stream records, numbered from 1."""
    return {
        "Records": [
            stream_record(
                str(number),
                {
                    "pk": {"S": f"ACC#{one.customer_id}#{one.region}"},
                    "sk": {"S": f"E#{one.sequence:010d}"},
                    "event": {"S": encode(one.event).decode()},
                    "originregion": {"S": one.region},
                },
            )
            for number, one in enumerate(entries, 1)
        ]
    }


def stream_record(number: str, image: dict[str, Any]) -> dict[str, Any]:
    return {
        "eventID": f"record-{number}",
        "eventName": "INSERT",
        "dynamodb": {"SequenceNumber": number, "NewImage": image, "Keys": {"pk": image["pk"], "sk": image["sk"]}},
    }


def received(emulator: Emulator, url: str) -> list[Any]:
    """Return the bodies of all messages in a queue."""
    sqs = emulator.client("sqs")
    bodies: list[Any] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [msgspec.json.decode(message["Body"]) for message in messages]
    return bodies
