"""The projector as a process of its own: what it does with hints, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.workloads.conftest import HERE, REGIONS, Emulator
from tests.workloads.functions import function_environment
from tests.workloads.loyalty.builders import entry
from tests.workloads.loyalty.faults import PATIENCE, Gate
from workloads.loyalty.adapters.dynamodb_balances import DynamoDBBalances
from workloads.loyalty.adapters.dynamodb_streams import DynamoDBStreams
from workloads.loyalty.application.ports import StoredBalance
from workloads.loyalty.domain.accounts import Entry

_AS_CHILD: Final = """
import ctypes, runpy, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL: however the test process ends, this one ends with it
runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
"""


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"after {PATIENCE:.0f} s still not: {what}")
        time.sleep(0.02)


class World:
    """What one projector lives in: tables, the queue of hints with its dead letters, and a bus with a listener."""

    def __init__(self, emulator: Emulator, folder: Path, tables: tuple[str, str]) -> None:
        self.emulator = emulator
        self.sqs = emulator.client("sqs")
        self.customer = f"{HERE}.c-{uuid4().hex[:12]}"
        self.dead_letters = self._queue("dead-letters")
        redrive = json.dumps({"deadLetterTargetArn": self._arn(self.dead_letters), "maxReceiveCount": "2"})
        self.hints = self._queue("hints", VisibilityTimeout="1", RedrivePolicy=redrive)
        self.published = self._queue("published")
        self.bus = f"bus-{uuid4().hex[:8]}"
        events = emulator.client("events")
        events.create_event_bus(Name=self.bus)
        pattern = json.dumps({"detail-type": ["BalanceChanged"]})
        events.put_rule(Name="told", EventBusName=self.bus, EventPattern=pattern, State="ENABLED")
        events.put_targets(Rule="told", EventBusName=self.bus, Targets=[{"Id": "1", "Arn": self._arn(self.published)}])
        dynamodb = emulator.dynamodb()
        self.streams = DynamoDBStreams(dynamodb, tables[0])
        self.balances = DynamoDBBalances(dynamodb, tables[1])
        self.heartbeat = folder / "heartbeat"
        self._log = folder / "log"
        self._environment = function_environment(
            emulator,
            HERE,
            LOYALTY_EVENTS_TABLE=tables[0],
            LOYALTY_PROJECTIONS_TABLE=tables[1],
            PROJECTION_HINTS_QUEUE_URL=self.hints,
            EVENT_BUS=self.bus,
            MERIDIAN_REGIONS=",".join(REGIONS),
            HEARTBEAT_FILE=str(self.heartbeat),
        )
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a projector."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _AS_CHILD, "workloads.loyalty.entrypoints.projector"],
                env={**os.environ, **self._environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def health(self) -> subprocess.CompletedProcess[str]:
        """Run the container's health check."""
        return subprocess.run(
            [sys.executable, "-m", "workloads.loyalty.entrypoints.projector_health"],
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def record(self, *points: int) -> None:
        """Record awards for the customer."""
        head: Entry | None = None
        for number, value in enumerate(points):
            order = f"o-{self.customer}-{number}"
            head = entry(value, customer=self.customer, order=order, head=head)
            self.streams.append(head)

    def hint(self, *bodies: str) -> None:
        """Send hints at the customer, or these bodies."""
        for body in bodies or (json.dumps({"customerId": self.customer}),):
            self.sqs.send_message(QueueUrl=self.hints, MessageBody=body)

    def stored(self) -> StoredBalance:
        return self.balances.load(self.customer)

    def told(self) -> list[dict[str, Any]]:
        """Return the data of every BalanceChanged that the bus has delivered since the last look."""
        data: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(QueueUrl=self.published, MaxNumberOfMessages=10).get("Messages"):
            data += [json.loads(message["Body"])["detail"]["data"] for message in messages]
        return data

    def waiting(self, url: str) -> int:
        """Return how many messages a queue holds, those in flight included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def log(self) -> str:
        return self._log.read_text()

    def _queue(self, name: str, **attributes: str) -> str:
        return self.sqs.create_queue(QueueName=f"{name}-{uuid4().hex[:8]}", Attributes=attributes)["QueueUrl"]

    def _arn(self, url: str) -> str:
        return self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@pytest.fixture(scope="module")
def tables(emulator: Emulator) -> tuple[str, str]:
    return emulator.table("loyalty-events"), emulator.table("loyalty-projections", regions=(HERE,))


@pytest.fixture
def world(emulator: Emulator, tmp_path: Path, tables: tuple[str, str]) -> Iterator[World]:
    world = World(emulator, tmp_path, tables)
    yield world
    for process in world.processes:
        process.kill()
        process.wait()


@pytest.fixture
def gate(emulator: Emulator) -> Iterator[Gate]:
    gate = Gate(emulator.url)
    yield gate
    gate.close()


def test_hints_become_a_balance_that_is_told_once_and_sigterm_ends_the_wait_at_once(world: World) -> None:
    world.record(10, 20)
    world.hint()
    world.hint()
    projector = world.start()

    eventually(lambda: world.waiting(world.hints) == 0, "both hints are handled and deleted")
    asked_to_stop = time.monotonic()
    projector.send_signal(signal.SIGTERM)

    assert projector.wait(PATIENCE) == 0
    assert time.monotonic() - asked_to_stop < 5, "a long poll takes 20 s: the stop must not wait for its end"
    assert world.stored().balance.points == 30
    assert world.stored().published_version == 2
    assert world.told() == [{"customerId": world.customer, "points": 30, "sequence": 2}]


def test_a_hint_that_is_none_is_logged_and_left_to_the_redrive_while_others_go_on(world: World) -> None:
    world.record(10)
    world.hint("no hint", '{"customerId": "nobody"}', json.dumps({"customerId": world.customer}))
    world.start()

    eventually(lambda: world.stored().published_version == 1, "the good hint is handled")
    eventually(lambda: world.waiting(world.dead_letters) == 2, "the bad ones are dead letters")
    assert "this is no hint" in world.log()


def test_killed_between_storing_and_publishing_the_next_projector_tells_the_balance(world: World, gate: Gate) -> None:
    world.record(10)
    world.hint()
    victim = world.start(AWS_ENDPOINT_URL_EVENTBRIDGE=gate.url)
    assert gate.arrived.wait(PATIENCE)

    victim.kill()
    victim.wait()
    assert (world.stored().balance.points, world.stored().published_version) == (10, 0)
    world.start()

    eventually(lambda: world.stored().published_version == 1, "the balance is published")
    assert {"customerId": world.customer, "points": 10, "sequence": 1} in world.told()


def test_sigterm_in_the_middle_of_a_batch_finishes_the_batch(world: World, gate: Gate) -> None:
    world.record(10)
    world.hint()
    projector = world.start(AWS_ENDPOINT_URL_EVENTBRIDGE=gate.url)
    assert gate.arrived.wait(PATIENCE)

    projector.send_signal(signal.SIGTERM)
    gate.open.set()

    assert projector.wait(PATIENCE) == 0
    assert world.stored().published_version == 1
    assert world.waiting(world.hints) == 0


def test_health_follows_the_heartbeat(world: World) -> None:
    before = world.health()
    world.start()
    eventually(world.heartbeat.exists, "the loop turns")
    running = world.health()
    long_ago = time.time() - 3600
    os.utime(world.heartbeat, (long_ago, long_ago))
    stuck = world.health()

    assert (before.returncode, running.returncode, stuck.returncode) == (1, 0, 1)
    assert "has not started its loop" in before.stderr
    assert "3600 s ago" in stuck.stderr


def test_a_missing_setting_stops_it_with_the_settings_name(world: World) -> None:
    projector = world.start(EVENT_BUS="")

    assert projector.wait(PATIENCE) == 1
    assert "the environment variable EVENT_BUS is not set" in world.log()
