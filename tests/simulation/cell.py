"""One Region of the simulation: checkout's own functions on the models of what they call, wired as the program does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, cast

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from components.checkout_saga_states import FUNCTION_TIMEOUT_SECONDS, definition
from components.naming import CHECKOUT_REPAIR, TOKENS
from components.naming import Queue as QueueName
from tests.simulation.bus import Bus
from tests.simulation.circumstances import POOLS, Circumstances
from tests.simulation.dynamodb import DynamoDbModel, DynamoDbModelClient
from tests.simulation.executions import Executions
from tests.simulation.faults import CrashError, Weather
from tests.simulation.network import SimulatedNetwork
from tests.simulation.pools import Pool
from tests.simulation.queues import MAXIMUM_RECEIVES, Queue
from tests.simulation.scheduler import Scheduler
from tests.simulation.sqs import SqsClient
from tests.simulation.state_machine import StateMachine
from tests.simulation.stream import OutboxStream
from tests.workloads.regions import REGIONS
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.adapters.offer_memory import OffersForASecond
from workloads.checkout.adapters.saga import SagaStarter
from workloads.checkout.adapters.token_ledger import DynamoDbTokenLedger
from workloads.checkout.adapters.token_queues import SqsTokenQueues
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.hot_items.ports import HotItems
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.sweep import sweep
from workloads.checkout.domain.admission import Admission, OrderRate
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.entrypoints import availability, hot_items, hot_items_clock, saga_steps
from workloads.checkout.entrypoints.commands import receive
from workloads.checkout.entrypoints.outbox import saga_start
from workloads.checkout.entrypoints.saga_messages import SagaStart
from workloads.checkout.entrypoints.saga_starter import begin
from workloads.contracts.events import CheckoutRedriven, OrderPlaced
from workloads.runtime.batches import Message, consume_messages, consume_queue
from workloads.runtime.outbox import Route, consume_outbox, originates_in, to_bus, to_queue
from workloads.runtime.publisher import BusPublisher
from workloads.runtime.queues import QueueRefusedError, QueueSender

CHECKOUT_TABLE: Final = "checkout"
OUTBOX_TABLE: Final = "checkout-outbox"
_MINUTE: Final = 60.0
_FUNCTION_SECONDS: Final = 30.0
_SWEEP_SECONDS: Final = 50.0
"""As `components.cell_functions` bounds them."""
_A_FEW: Final = 10
"""Retries: what goes forward has fewer, what goes back has more."""
_LATER: Final = (BotoCoreError, ClientError, UndecidedError, QueueRefusedError)
"""What fails in a function on a schedule is tried again at its next strike."""
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


class _StockWatch:
    """Notes which stock lies idle beside low stock."""

    def __init__(self) -> None:
        self.told = Counter[str]()

    def idle_beside_low(self, idle: Allotment) -> None:
        self.told[idle.sku] += 1


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
        circumstances: Circumstances,
    ) -> None:
        self.region = region
        self.replica = model.replicas[region]
        self.clock = SimulatedClock(scheduler)
        self._scheduler = scheduler
        self.network = SimulatedNetwork(scheduler, self.replica, weather)
        client: Any = DynamoDbModelClient(model, region, self.network)
        self._ledger = DynamoDbTokenLedger(client, table=CHECKOUT_TABLE, region=region)
        self._open_queues(weather, circumstances)
        store = DynamoDbStore(
            client,
            table=CHECKOUT_TABLE,
            outbox=OUTBOX_TABLE,
            region=region,
            regions=REGIONS,
            clock=self.clock,
        )
        self.ports = Ports(
            store=store,
            clock=self.clock,
            sleep=scheduler.sleep,
            region=region,
            regions=REGIONS,
            reservation_lifetime=circumstances.reservation_lifetime,
            hot_items=self._hot_items(self._token_queues()),
        )
        self._starter_ports = msgspec.structs.replace(self.ports, hot_items=self._hot_items(self._token_queues()))
        self.admitting_ports = msgspec.structs.replace(
            self.ports,
            admission=Admission(rate=OrderRate(burst=10, per_minute=120)),
            saga_queue=_SagaQueue(self.saga_starts),
            offers=OffersForASecond(lambda: scheduler.now),
        )
        self._care_queues = self._token_queues()
        self._care_ports = msgspec.structs.replace(self.ports, hot_items=self._hot_items(self._care_queues))
        others = tuple(other for other in REGIONS if other != region)
        self.bus = Bus(
            region,
            others,
            scheduler,
            weather,
            targets={
                QueueName.CHECKOUT_COMMANDS: self.commands.send,
                QueueName.CHECKOUT_AVAILABILITY: self.availability.send,
                **{name: lambda body: learn(region, body) for name in _SUBSCRIBERS},
            },
            travel=travel,
        )
        machine = StateMachine(
            with_patience(
                definition(steps_version_arn="steps", repair_queue_url=self.repairs.name),
                circumstances.attempts_of_the_way_back,
            ),
            task=self._run_task,
            sleep=scheduler.sleep,
            jitter=scheduler.random.random,
        )
        self.executions = Executions(machine, scheduler, weather)
        self._starter = SagaStarter(cast("Any", self.executions), "saga")
        self.unpublished = Kept()
        self.stream = OutboxStream(region, self.replica.tables[OUTBOX_TABLE], self._consumer(), scheduler, weather)
        scheduler.every(_MINUTE, self.sweep)
        scheduler.every(_MINUTE, self.strike)

    def _open_queues(self, weather: Weather, circumstances: Circumstances) -> None:
        scheduler = self._scheduler
        self.commands = Queue(QueueName.CHECKOUT_COMMANDS, scheduler, weather, handler=self._handle_commands)
        self.saga_starts = Queue(QueueName.CHECKOUT_SAGA_START, scheduler, weather, handler=self._handle_saga_starts)
        self.availability = Queue(
            QueueName.CHECKOUT_AVAILABILITY, scheduler, weather, handler=self._handle_availability
        )
        self.care = Queue(QueueName.CHECKOUT_HOT_ITEMS, scheduler, weather, handler=self._handle_care)
        self.repairs = Queue(CHECKOUT_REPAIR, scheduler, weather, handler=self._hand_to_an_operator)
        self.parked: list[str] = []
        self.on_parked: Callable[[str], None] = _nobody
        """Told of each message to the operators."""
        worked_off = (self.commands, self.saga_starts, self.availability, self.care, self.repairs)
        self.queues = {queue.name: queue for queue in worked_off}
        self.pools = [
            Pool(f"{TOKENS}-{number}", scheduler, weather, retention=circumstances.token_retention)
            for number in range(POOLS)
        ]
        self.sqs = SqsClient(scheduler, self.queues, {pool.name: pool for pool in self.pools}, weather)
        self.stock_watch = _StockWatch()

    def _hot_items(self, queues: SqsTokenQueues) -> HotItems:
        return HotItems(queues=queues, ledger=self._ledger)

    def _token_queues(self) -> SqsTokenQueues:
        """Return the adapter of another function: what it remembers is its own."""
        return SqsTokenQueues(
            lambda: cast("Any", self.sqs),
            urls=[pool.name for pool in self.pools],
            care_url=self.care.name,
            clock=self.clock,
        )

    def expose_to(self, weather: Weather) -> None:
        """Let everything in this Region have this weather from now on."""
        self.network.expose_to(weather)
        for exposed in (*self.queues.values(), *self.pools, self.sqs, self.bus, self.executions, self.stream):
            exposed.weather = weather

    def _consumer(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        here = originates_in(self.region)
        routes = (
            Route(here, to_bus(BusPublisher(cast("Any", self.bus), "bus"))),
            Route(
                lambda event: here(event) and event.type in {OrderPlaced.__name__, CheckoutRedriven.__name__},
                to_queue(QueueSender(cast("Any", self.sqs), self.saga_starts.name), saga_start),
            ),
        )
        return lambda batch: consume_outbox(batch, routes=routes, unpublished=self.unpublished)

    def _handle_commands(self, event: dict[str, Any]) -> dict[str, Any]:
        def handle(message: Message) -> None:
            receive(self.admitting_ports, message.body, tries_left=MAXIMUM_RECEIVES - message.receives)

        return consume_messages(event, handle)

    def _handle_saga_starts(self, event: dict[str, Any]) -> dict[str, Any]:
        self._scheduler.limit(_FUNCTION_SECONDS)

        def start(body: str) -> None:
            begin(self._starter_ports, self._starter, msgspec.json.decode(body, type=SagaStart))

        return consume_queue(event, start)

    def _handle_availability(self, event: dict[str, Any]) -> dict[str, Any]:
        return consume_queue(event, lambda body: availability.receive(self.ports, body, self.stock_watch))

    def _handle_care(self, event: dict[str, Any]) -> dict[str, Any]:
        self._scheduler.limit(_FUNCTION_SECONDS)
        deadline = self._scheduler.now + hot_items.LONGEST

        def look_after(body: str) -> None:
            hot_items.look_after(
                self._care_ports, self._care_queues, body, is_late=lambda: self._scheduler.now >= deadline
            )

        return consume_queue(event, look_after)

    def sweep(self) -> None:
        """Give back what has expired, as the function on its schedule does."""
        with suppress(CrashError, *_LATER):
            self._scheduler.limit(_SWEEP_SECONDS)
            sweep(self.ports)

    def strike(self) -> None:
        """Have every hot SKU looked after, as the function on its schedule does."""
        with suppress(CrashError, *_LATER):
            hot_items_clock.strike(self._ledger, self._care_queues)

    def _hand_to_an_operator(self, event: dict[str, Any]) -> dict[str, Any]:
        for record in event["Records"]:
            self.parked.append(record["body"])
            self.on_parked(record["body"])
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


def with_patience(machine: Mapping[str, Any], attempts: int | None) -> Mapping[str, Any]:
    """Return the definition with so many retries where a saga would insist for hours."""
    if attempts is None:
        return machine

    def retrier(given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**given, "MaxAttempts": attempts} if given.get("MaxAttempts", 0) > _A_FEW else given

    states = {
        name: {**state, "Retry": [*map(retrier, state["Retry"])]} if "Retry" in state and name != "Park" else state
        for name, state in machine["States"].items()
    }
    return {**machine, "States": states}


def _nobody(_message: str) -> None:
    return None
