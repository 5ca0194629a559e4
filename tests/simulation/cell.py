"""One Region of the simulation: checkout's own functions on the models of what they call, wired as the program does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

import msgspec

from components.checkout_saga_states import FUNCTION_TIMEOUT_SECONDS, definition
from components.naming import CHECKOUT_REPAIR
from components.naming import Queue as QueueName
from tests.simulation.bus import Bus
from tests.simulation.dynamodb import DynamoDbModel, DynamoDbModelClient
from tests.simulation.executions import Executions
from tests.simulation.faults import CrashError, Weather
from tests.simulation.network import SimulatedNetwork
from tests.simulation.queues import MAXIMUM_RECEIVES, Queue, QueueClient
from tests.simulation.scheduler import Scheduler
from tests.simulation.state_machine import StateMachine
from tests.simulation.stream import OutboxStream
from tests.workloads.regions import REGIONS
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.adapters.saga import SagaStarter
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.admission import Admission, OrderRate
from workloads.checkout.entrypoints import saga_steps
from workloads.checkout.entrypoints.commands import receive
from workloads.checkout.entrypoints.outbox import saga_start
from workloads.checkout.entrypoints.saga_messages import SagaStart
from workloads.checkout.entrypoints.saga_starter import begin
from workloads.contracts.events import OrderPlaced
from workloads.runtime.batches import Message, consume_messages, consume_queue
from workloads.runtime.outbox import Route, consume_outbox, originates_in, to_bus, to_queue
from workloads.runtime.publisher import BusPublisher
from workloads.runtime.queues import QueueSender

CHECKOUT_TABLE: Final = "checkout"
OUTBOX_TABLE: Final = "checkout-outbox"
_SUBSCRIBERS: Final = frozenset({QueueName.SINGLE_VIEW_UPDATES, QueueName.LOYALTY_PURCHASES})
"""Queues of other contexts: what they get is what the world learns."""


class SimulatedClock:
    """A Region's clock, which is ahead of or behind the true time."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.skew = 0.0
        self._scheduler = scheduler

    def now(self) -> datetime:
        """Return the time as this Region believes it to be."""
        return datetime.fromtimestamp(self._scheduler.now + self.skew, UTC)


class _SagaQueue:
    """How many orders wait for their saga."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def waiting(self) -> int:
        return self._queue.waiting


class Kept:
    """The bucket of what can not be published."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def keep(self, record: Mapping[str, Any], reason: str) -> None:
        """Keep a stream record."""
        self.reasons.append(f"{record['eventID']}: {reason}")


class SimulatedCell:
    """A Region. Whoever adds a queue, a function or a rule adds it here as the program's own cell does."""

    def __init__(
        self,
        region: str,
        *,
        scheduler: Scheduler,
        model: DynamoDbModel,
        travel: Callable[[], float],
        learn: Callable[[str, str], None],
        weather: Weather,
    ) -> None:
        self.region = region
        self.replica = model.replicas[region]
        self.clock = SimulatedClock(scheduler)
        self._scheduler = scheduler
        self.network = SimulatedNetwork(scheduler, self.replica, weather)
        client: Any = DynamoDbModelClient(model, region, self.network)
        store = DynamoDbStore(
            client,
            table=CHECKOUT_TABLE,
            outbox=OUTBOX_TABLE,
            region=region,
            regions=REGIONS,
            clock=self.clock,
        )
        self.ports = Ports(store=store, clock=self.clock, sleep=scheduler.sleep, region=region, regions=REGIONS)
        self.commands = Queue(QueueName.CHECKOUT_COMMANDS, scheduler, weather, handler=self._handle_commands)
        self.saga_starts = Queue(QueueName.CHECKOUT_SAGA_START, scheduler, weather, handler=self._handle_saga_starts)
        self.repairs = Queue(CHECKOUT_REPAIR, scheduler, weather, handler=self._hand_to_an_operator)
        self.parked: list[str] = []
        self.queues = {queue.name: queue for queue in (self.commands, self.saga_starts, self.repairs)}
        self.admitting_ports = msgspec.structs.replace(
            self.ports,
            admission=Admission(rate=OrderRate(burst=10, per_minute=120)),
            saga_queue=_SagaQueue(self.saga_starts),
        )
        self.sqs = QueueClient(scheduler, self.queues, weather)
        others = tuple(other for other in REGIONS if other != region)
        self.bus = Bus(
            region,
            others,
            scheduler,
            weather,
            targets={
                QueueName.CHECKOUT_COMMANDS: self.commands.send,
                **{name: lambda body: learn(region, body) for name in _SUBSCRIBERS},
            },
            travel=travel,
        )
        machine = StateMachine(
            definition(steps_version_arn="steps", repair_queue_url=self.repairs.name),
            task=self._run_task,
            sleep=scheduler.sleep,
            jitter=scheduler.random.random,
        )
        self.executions = Executions(machine, scheduler, weather)
        self._starter = SagaStarter(cast("Any", self.executions), "saga")
        self.unpublished = Kept()
        self.stream = OutboxStream(region, self.replica.tables[OUTBOX_TABLE], self._consumer(), scheduler, weather)

    def expose_to(self, weather: Weather) -> None:
        """Let everything in this Region have this weather from now on."""
        self.network.expose_to(weather)
        for exposed in (*self.queues.values(), self.sqs, self.bus, self.executions, self.stream):
            exposed.weather = weather

    def _consumer(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        here = originates_in(self.region)
        routes = (
            Route(here, to_bus(BusPublisher(cast("Any", self.bus), "bus"))),
            Route(
                lambda event: here(event) and event.type == OrderPlaced.__name__,
                to_queue(QueueSender(cast("Any", self.sqs), self.saga_starts.name), saga_start),
            ),
        )
        return lambda batch: consume_outbox(batch, routes=routes, unpublished=self.unpublished)

    def _handle_commands(self, event: dict[str, Any]) -> dict[str, Any]:
        def handle(message: Message) -> None:
            receive(self.admitting_ports, message.body, tries_left=MAXIMUM_RECEIVES - message.receives)

        return consume_messages(event, handle)

    def _handle_saga_starts(self, event: dict[str, Any]) -> dict[str, Any]:
        def start(body: str) -> None:
            begin(self.ports, self._starter, msgspec.json.decode(body, type=SagaStart))

        return consume_queue(event, start)

    def _hand_to_an_operator(self, event: dict[str, Any]) -> dict[str, Any]:
        self.parked += [record["body"] for record in event["Records"]]
        return {"batchItemFailures": []}

    def _run_task(self, resource: str, arguments: Mapping[str, Any]) -> Any:
        match resource:
            case "arn:aws:states:::lambda:invoke":
                request = msgspec.convert(arguments["Payload"], saga_steps.StepRequest)
                if self._scheduler.random.random() < self.network.weather.duplicate / 2:
                    # The invocation comes a second time, when nobody waits for it any more.
                    self._scheduler.spawn(lambda: self._run_unseen(request), 30 * self._scheduler.random.random() ** 5)
                return {"Payload": self._run_step(request)}
            case "arn:aws:states:::sqs:sendMessage":
                body = msgspec.json.encode(arguments["MessageBody"]).decode()
                return self.sqs.send_message(QueueUrl=arguments["QueueUrl"], MessageBody=body)
            case _:
                raise NotImplementedError(resource)

    def _run_step(self, request: saga_steps.StepRequest) -> dict[str, Any]:
        # Lambda kills what runs longer than its time-out.
        self._scheduler.limit(FUNCTION_TIMEOUT_SECONDS)
        return {"outcome": saga_steps.carry_out(self.ports, request).value}

    def _run_unseen(self, request: saga_steps.StepRequest) -> None:
        try:
            self._run_step(request)
        except (CrashError, Exception):  # noqa: BLE001 - nobody waits for it
            return
