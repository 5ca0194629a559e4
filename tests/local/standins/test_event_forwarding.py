"""Events reach the other Region's bus as they were, or the dead-letter queue with the reason."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from local.deployment import Deployment
from local.standins.emulator import Emulator
from local.standins.event_forwarding import EventForwarder, forwarding_targets
from local.standins.http_client import HttpClient
from tests.local.standins.conftest import ACCOUNT, Emulated
from tests.local.standins.gateway_setup import FakeTransport, RecordedFailures, deployment_of, resource

HOME, OTHER = "us-east-1", "eu-west-1"
EVENT = {
    "version": "0",
    "id": "e-1",
    "account": ACCOUNT,
    "region": HOME,
    "source": "meridian.checkout",
    "detail-type": "PlaceOrder",
    "time": "2026-01-02T03:04:05Z",
    "resources": ["arn:aws:dynamodb:us-east-1:000000000000:table/orders"],
    "detail": {"id": "c-1", "originregion": HOME, "destinationregion": OTHER, "data": {"note": 'quote " end'}},
}


class Scene:
    """A forwarding queue and a dead-letter queue at home, a bus with a queue behind it elsewhere."""

    def __init__(self, emulated: Emulated, name: str, *, declared: bool = True, attempts: int = 20) -> None:
        self.home, self.other = emulated.client("sqs", HOME), emulated.client("sqs", OTHER)
        self.queue = self.home.create_queue(QueueName=f"{name}-forward")["QueueUrl"]
        self.dead_letters = self.home.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        self.arrivals = self.other.create_queue(QueueName=f"{name}-arrivals")["QueueUrl"]
        events = emulated.client("events", OTHER)
        events.create_event_bus(Name=name)
        events.put_rule(Name="all", EventBusName=name, EventPattern=json.dumps({"source": [{"prefix": ""}]}))
        target = f"arn:aws:sqs:{OTHER}:{ACCOUNT}:{name}-arrivals"
        events.put_targets(Rule="all", EventBusName=name, Targets=[{"Id": "queue", "Arn": target}])
        self.bus_arn = f"arn:aws:events:{OTHER}:{ACCOUNT}:event-bus/{name}"
        self.report = RecordedFailures()
        self.deployment = self._deployment(emulated.url, name, declared=declared, attempts=attempts)

    def _deployment(self, url: str, name: str, *, declared: bool, attempts: int) -> Deployment:
        forwarding = resource(
            "aws:cloudwatch/eventTarget:EventTarget",
            {
                "rule": f"{name}-rule",
                "eventBusName": name,
                "arn": self.bus_arn,
                "retryPolicy": {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": attempts},
                "deadLetterConfig": {"arn": f"arn:aws:sqs:{HOME}:{ACCOUNT}:{name}-dead"},
            },
            region=HOME,
            outputs={"forward": {"queueUrl": self.queue}},
        )
        bus = resource("aws:cloudwatch/eventBus:EventBus", {"name": name}, region=OTHER)
        deployment = deployment_of([forwarding, *([bus] if declared else [])], emulator_url=url)
        return deployment.model_copy(update={"account": ACCOUNT})

    def send(self, event: dict[str, Any] = EVENT) -> None:
        self.home.send_message(QueueUrl=self.queue, MessageBody=json.dumps(event))

    def forward(self, bus: RefusingBus | None = None, **options: Any) -> None:
        async def once() -> None:
            url = self.deployment.emulator_url
            async with Emulator(url, transport=bus.to(url) if bus else None) as emulator:
                [target] = forwarding_targets(self.deployment)
                forwarder = EventForwarder(target, emulator=emulator, report=self.report, jitter=lambda: 0.0, **options)
                await forwarder.forward_batch(wait_seconds=1)

        asyncio.run(once())

    def waiting(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self.home.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return sum(int(counts[name]) for name in names)

    def dead(self) -> list[dict[str, Any]]:
        received = self.home.receive_message(QueueUrl=self.dead_letters, MessageAttributeNames=["All"])
        return received.get("Messages", [])

    def arrived(self) -> list[dict[str, Any]]:
        received = self.other.receive_message(QueueUrl=self.arrivals, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in received.get("Messages", [])]


class RefusingBus:
    """Passes everything on but PutEvents, which it answers itself."""

    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer
        self.asked: list[dict[str, Any]] = []

    def to(self, url: str) -> FakeTransport:
        real = HttpClient(url)

        async def answer(request: httpx.Request) -> httpx.Response:
            if request.headers.get("x-amz-target") == "AWSEvents.PutEvents":
                self.asked.append(json.loads(request.content))
                return self._answer
            path = request.url.raw_path.decode()
            headers = {name: value for name, value in request.headers.items() if name not in {"host", "content-length"}}
            passed = await real.request(request.method, path, headers=headers, body=request.content, timeout_seconds=10)
            return httpx.Response(passed.status, content=passed.body)

        return FakeTransport(answer)


REFUSED = httpx.Response(
    200, json={"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}]}
)
THROTTLED = httpx.Response(400, json={"__type": "ThrottlingException", "message": "slow down"})
FORBIDDEN = httpx.Response(400, json={"__type": "com.amazonaws#AccessDeniedException", "message": "no"})


def test_an_event_arrives_with_its_source_type_detail_and_resources(emulated: Emulated) -> None:
    scene = Scene(emulated, "arrives")
    scene.send()

    scene.forward()

    [event] = scene.arrived()
    for key in ("source", "detail-type", "detail", "resources"):
        assert event[key] == EVENT[key]
    assert event["region"] == OTHER
    assert scene.waiting() == 0


def test_an_event_keeps_the_time_of_its_first_publication(emulated: Emulated) -> None:
    # Of what is asked for, because the embedded AWS gives every event the time of its arrival.
    scene = Scene(emulated, "time")
    scene.send()
    bus = RefusingBus(REFUSED)

    scene.forward(bus)

    [entry] = bus.asked[0]["Entries"]
    assert datetime.fromtimestamp(entry["Time"], UTC) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert entry["EventBusName"] == "time"


def test_many_events_go_in_one_batch(emulated: Emulated) -> None:
    scene = Scene(emulated, "many")
    for number in range(10):
        scene.send({**EVENT, "detail": {"number": number}})

    scene.forward()

    assert sorted(event["detail"]["number"] for event in scene.arrived()) == list(range(10))


@pytest.mark.parametrize("answer", [REFUSED, THROTTLED])
def test_a_refused_event_stays_for_a_later_attempt(emulated: Emulated, answer: httpx.Response) -> None:
    scene = Scene(emulated, f"stays-{answer.status_code}")
    scene.send()

    scene.forward(RefusingBus(answer))

    assert scene.waiting() == 1
    assert scene.dead() == []
    assert scene.report.failures == []


def test_an_event_beyond_its_attempts_goes_to_the_dead_letter_queue_with_the_reason(emulated: Emulated) -> None:
    scene = Scene(emulated, "attempts", attempts=0)
    scene.send()

    scene.forward(RefusingBus(REFUSED))

    [message] = scene.dead()
    assert json.loads(message["Body"]) == EVENT
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {
        "RULE_ARN": f"arn:aws:events:{HOME}:{ACCOUNT}:rule/attempts/attempts-rule",
        "TARGET_ARN": scene.bus_arn,
        "ERROR_CODE": "InternalFailure",
        "ERROR_MESSAGE": "try again",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "0",
    }
    assert scene.waiting() == 0
    assert "InternalFailure" in scene.report.failures[0][1][0]


def test_an_event_beyond_its_age_goes_to_the_dead_letter_queue(emulated: Emulated) -> None:
    scene = Scene(emulated, "age")
    scene.send()

    scene.forward(RefusingBus(REFUSED), clock=lambda: datetime.now(UTC).timestamp() + 3601)

    [message] = scene.dead()
    assert message["MessageAttributes"]["EXHAUSTED_RETRY_CONDITION"]["StringValue"] == "MaximumEventAgeInSeconds"


def test_an_event_that_may_not_be_put_is_not_retried(emulated: Emulated) -> None:
    scene = Scene(emulated, "forbidden")
    scene.send()

    scene.forward(RefusingBus(FORBIDDEN))

    assert scene.dead()[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "AccessDeniedException"
    assert scene.waiting() == 0


def test_an_event_for_a_bus_that_nobody_declares_is_not_lost(emulated: Emulated) -> None:
    scene = Scene(emulated, "undeclared", declared=False)
    scene.send()

    scene.forward()

    assert scene.arrived() == []
    assert scene.dead()[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"
