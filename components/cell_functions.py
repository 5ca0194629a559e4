"""The functions of a cell, as one table: what each is told, may do, and is woken by."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from components.cell_data import CellData
from components.checkout_audit import AUDIT_MINUTES, METRICS_NAMESPACE
from components.checkout_saga import SAGA
from components.checkout_saga_states import FUNCTION_TIMEOUT_SECONDS as STEP_TIMEOUT_SECONDS
from components.event_bus import EventBus
from components.global_outputs import SharedOutputs, TokenIssuer
from components.naming import ORDERS_BY_CUSTOMER, RESERVATIONS_BY_EXPIRY, Placement, Queue, Table
from components.policy_documents import Statement
from components.queues import MAXIMUM_RECEIVES
from components.settings import Context, Settings
from components.workload import QueueTrigger, ScheduleTrigger, StreamTrigger
from components.workload.permissions import (
    appends_items,
    checks_items,
    finds_items,
    measures_queue,
    measures_tokens,
    publishes_events,
    reads_items,
    scans_items,
    sends_messages,
    tells_metrics,
    trades_tokens,
    uses_key,
    writes_items,
)

# HEALTH is what the health check reads.
_READ_AT_THE_ENTRY: Final = ("COMMAND#*", "PRICE#*", "LISTING#*", "ALLOTMENT#*", "HEALTH")
_SET_BY_COMMANDS: Final = ("PRICE#*", "LISTING#*", "ALLOTMENT#*", "TRANSFER#*", "POOL#*", "TOKEN#*")
# Below a minute, so that runs seldom meet.
_SWEEP_TIMEOUT_SECONDS: Final = 50
# A sixth of the queues' visibility time-out.
_QUEUE_TIMEOUT_SECONDS: Final = 30
# A second, one after the other, at about 30 ms to hold the units and 20 ms to call StartExecution, or to reject.
_STARTS_OF_ONE_STARTER: Final = 20
# The bounds of a queue's concurrency (Lambda Developer Guide, scaling behavior of SQS event source mappings).
_LEAST_CONCURRENCY: Final = 2
_MOST_CONCURRENCY: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the table's rows refer to."""

    settings: Settings
    placement: Placement
    shared: SharedOutputs
    data: CellData
    bus: EventBus

    @property
    def problem_base(self) -> str:
        """The folder of problem types."""
        return f"https://{self.settings.domain}/problems"

    @property
    def regions(self) -> str:
        """All Regions, as workloads read them."""
        return ",".join(self.settings.regions)

    def uses_the_tables_key(self) -> Statement:
        """Use the key of this Region's replicas."""
        return uses_key("UseTheTablesKey", self.shared.data_key_arn, self.placement, through=("dynamodb",))


@dataclass(frozen=True, kw_only=True)
class FunctionRow:
    """One function."""

    function: str
    context: Context
    entrypoint: str
    timeout_seconds: int
    environment: Mapping[str, pulumi.Input[str]]
    statements: Sequence[Statement]
    key_services: Sequence[str] = ()
    trigger: QueueTrigger | StreamTrigger | ScheduleTrigger | None = None

    @property
    def handler(self) -> str:
        """Where the function begins, within its context's image."""
        return f"workloads.{self.context}.entrypoints.{self.entrypoint}.handler"


def function_table(around: Surroundings) -> Sequence[FunctionRow]:
    """Return all functions of a cell."""
    return (*_identity(around), *_checkout(around), *_loyalty(around), *_single_view(around))


def _identity(around: Surroundings) -> Sequence[FunctionRow]:
    return (
        FunctionRow(
            function="identity-authorizer",
            context=Context.IDENTITY,
            entrypoint="authorizer",
            timeout_seconds=10,
            environment={
                "TOKEN_ISSUERS": around.shared.token_issuers.apply(_issuers),
                "SCOPE_PREFIX": f"https://api.{around.settings.domain}",
            },
            statements=[],
        ),
    )


def _checkout(around: Surroundings) -> Sequence[FunctionRow]:
    placement, queues = around.placement, around.data.queues
    checkout = around.shared.table(Table.CHECKOUT)
    outbox = around.shared.table(Table.CHECKOUT_OUTBOX)
    tables = {
        "CHECKOUT_TABLE": checkout.name,
        "CHECKOUT_OUTBOX_TABLE": outbox.name,
        "MERIDIAN_REGIONS": around.regions,
    }

    token_queues = around.data.token_queues
    hot_items = {
        "HOT_ITEM_QUEUE_URLS": pulumi.Output.all(*(queue.url for queue in token_queues)).apply(",".join),
        "HOT_ITEM_CARE_QUEUE_URL": queues[Queue.CHECKOUT_HOT_ITEMS].url,
    }
    trades = trades_tokens([queue.arn for queue in token_queues])
    asks_for_care = sends_messages(queues[Queue.CHECKOUT_HOT_ITEMS].arn)

    limits = around.settings.cell.sizes.orders
    admits = {
        "SAGA_START_QUEUE_URL": queues[Queue.CHECKOUT_SAGA_START].url,
        "ORDER_BURST": str(limits.burst),
        "ORDERS_PER_MINUTE": str(limits.per_minute),
        "SAGA_STARTS_PER_SECOND": str(limits.saga_starts_per_second),
        "LONGEST_SAGA_WAIT": str(limits.longest_saga_wait),
    }

    holds = {**tables, **hot_items, "RESERVATION_MINUTES": str(limits.reservation_minutes)}

    def decides(writes: Sequence[str], *, reads: Sequence[str] = ()) -> Sequence[Statement]:
        """Read and write items under these keys, each change in one transaction with its outbox entry."""
        return (
            reads_items("ReadItems", checkout.arn, leading_keys=(*writes, *reads)),
            writes_items("WriteItems", checkout.arn, leading_keys=writes),
            appends_items("AppendToTheOutbox", outbox.arn),
            around.uses_the_tables_key(),
        )

    return (
        FunctionRow(
            function="checkout-api",
            context=Context.CHECKOUT,
            entrypoint="api",
            # Below the gateway's time-out, above the ten seconds of `Prefer: wait=10`.
            timeout_seconds=18,
            environment={**tables, **admits, "EVENT_BUS": around.bus.name, "PROBLEM_BASE": around.problem_base},
            statements=[
                # Prices, listings and allotments are the systems of record's, by command.
                *decides(("ORDER#*", "DEPOSIT#*", "WALLET#*"), reads=_READ_AT_THE_ENTRY),
                finds_items("FindOrders", checkout.arn, ORDERS_BY_CUSTOMER),
                Statement(sid="SeeTheBus", actions=["events:DescribeEventBus"], resources=[around.bus.arn]),
                measures_queue(queues[Queue.CHECKOUT_SAGA_START].arn),
            ],
        ),
        FunctionRow(
            function="checkout-operations",
            context=Context.CHECKOUT,
            entrypoint="operations",
            timeout_seconds=9,
            environment={**tables, **hot_items, "PROBLEM_BASE": around.problem_base},
            # What customers reach writes no stock and no listing: hence a function of its own.
            statements=[
                *decides(("ORDER#*", "WALLET#*", "COMMAND#*", "OPERATION#*", "OPERATIONS#*", *_SET_BY_COMMANDS)),
                trades,
                asks_for_care,
            ],
            key_services=("sqs",),
        ),
        FunctionRow(
            function="checkout-commands",
            context=Context.CHECKOUT,
            entrypoint="commands",
            timeout_seconds=_QUEUE_TIMEOUT_SECONDS,
            environment={**tables, **admits, **hot_items, "COMMANDS_MAXIMUM_RECEIVES": str(MAXIMUM_RECEIVES)},
            statements=[
                # What another Region's operators hand over is in the trail here as well.
                *decides(
                    ("ORDER#*", "DEPOSIT#*", "WALLET#*", "COMMAND#*", "OPERATION#*", "OPERATIONS#*", *_SET_BY_COMMANDS)
                ),
                # A refund gives tokens back.
                trades,
                asks_for_care,
                measures_queue(queues[Queue.CHECKOUT_SAGA_START].arn),
            ],
            key_services=("sqs",),
            trigger=QueueTrigger(queue_arn=queues[Queue.CHECKOUT_COMMANDS].arn),
        ),
        FunctionRow(
            function="checkout-outbox",
            context=Context.CHECKOUT,
            entrypoint="outbox",
            timeout_seconds=60,
            environment={
                "EVENT_BUS": around.bus.name,
                "SAGA_START_QUEUE_URL": queues[Queue.CHECKOUT_SAGA_START].url,
                "UNPUBLISHED_EVENTS_BUCKET": around.data.unpublished_events.bucket,
            },
            statements=[
                publishes_events(placement, source="meridian.checkout"),
                sends_messages(queues[Queue.CHECKOUT_SAGA_START].arn),
                around.uses_the_tables_key(),
            ],
            key_services=("s3", "sqs"),
            trigger=StreamTrigger(
                stream_arn=outbox.stream_arn,
                unpublished_events_bucket_arn=around.data.unpublished_events.arn,
                # Only what was written here: the other Regions' entries arrive by replication and are theirs.
                pattern={
                    "eventName": ["INSERT"],
                    "dynamodb": {"NewImage": {"originregion": {"S": [placement.region]}}},
                },
            ),
        ),
        FunctionRow(
            function="checkout-saga-starter",
            context=Context.CHECKOUT,
            entrypoint="saga_starter",
            timeout_seconds=_QUEUE_TIMEOUT_SECONDS,
            environment={**holds, "SAGA_STATE_MACHINE_ARN": placement.state_machine_arn(SAGA)},
            statements=[
                # It holds what an order wants before it starts the saga, and ends the order that can not have it.
                *decides(("ORDER#*", "ALLOTMENT#*", "TOKEN#*"), reads=("WALLET#*",)),
                checks_items("CheckThatNothingIsPaid", checkout.arn, leading_keys=("WALLET#*",)),
                trades,
                asks_for_care,
                Statement(
                    sid="StartTheSaga",
                    actions=["states:StartExecution"],
                    resources=[placement.state_machine_arn(SAGA)],
                ),
            ],
            key_services=("sqs", "states"),
            trigger=QueueTrigger(
                queue_arn=queues[Queue.CHECKOUT_SAGA_START].arn,
                maximum_concurrency=_starters(limits.saga_starts_per_second),
            ),
        ),
        FunctionRow(
            function="checkout-saga-steps",
            context=Context.CHECKOUT,
            entrypoint="saga_steps",
            timeout_seconds=STEP_TIMEOUT_SECONDS,
            environment=holds,
            statements=[*decides(("ORDER#*", "WALLET#*", "ALLOTMENT#*", "TOKEN#*")), trades, asks_for_care],
            key_services=("sqs",),
        ),
        FunctionRow(
            function="checkout-sweeper",
            context=Context.CHECKOUT,
            entrypoint="sweeper",
            timeout_seconds=_SWEEP_TIMEOUT_SECONDS,
            environment={**tables, **hot_items},
            statements=[
                *decides(("ORDER#*", "ALLOTMENT#*", "TOKEN#*"), reads=("WALLET#*",)),
                finds_items(
                    "FindExpired", checkout.arn, RESERVATIONS_BY_EXPIRY, leading_keys=(f"{placement.region}#*",)
                ),
                trades,
                asks_for_care,
            ],
            key_services=("sqs",),
            trigger=ScheduleTrigger(minutes=1),
        ),
        FunctionRow(
            function="checkout-hot-items",
            context=Context.CHECKOUT,
            entrypoint="hot_items",
            timeout_seconds=_QUEUE_TIMEOUT_SECONDS,
            environment={**tables, **hot_items},
            statements=[
                *decides(("ALLOTMENT#*", "TOKEN#*", "POOL#*"), reads=("ORDER#*",)),
                trades,
                measures_tokens([queue.arn for queue in token_queues]),
                asks_for_care,
            ],
            key_services=("sqs",),
            # Two at a time are the fewest that SQS offers: more would only meet each other.
            trigger=QueueTrigger(queue_arn=queues[Queue.CHECKOUT_HOT_ITEMS].arn, maximum_concurrency=2),
        ),
        FunctionRow(
            function="checkout-hot-items-clock",
            context=Context.CHECKOUT,
            entrypoint="hot_items_clock",
            timeout_seconds=10,
            environment={**tables, **hot_items},
            statements=[
                reads_items("ReadItems", checkout.arn, leading_keys=("POOL#*",)),
                around.uses_the_tables_key(),
                asks_for_care,
            ],
            key_services=("sqs",),
            trigger=ScheduleTrigger(minutes=1),
        ),
        FunctionRow(
            function="checkout-availability",
            context=Context.CHECKOUT,
            entrypoint="availability",
            timeout_seconds=_QUEUE_TIMEOUT_SECONDS,
            environment=tables,
            statements=[
                reads_items("ReadStock", checkout.arn, leading_keys=("LISTING#*", "ALLOTMENT#*")),
                writes_items("FlagForTheEntry", checkout.arn, leading_keys=("LISTING#*",)),
                tells_metrics(METRICS_NAMESPACE),
                around.uses_the_tables_key(),
            ],
            key_services=("sqs",),
            trigger=QueueTrigger(queue_arn=queues[Queue.CHECKOUT_AVAILABILITY].arn),
        ),
        FunctionRow(
            function="checkout-auditor",
            context=Context.CHECKOUT,
            entrypoint="auditor",
            # The most that Lambda gives: an audit reads the whole table, at a bounded rate.
            timeout_seconds=900,
            environment={
                **tables,
                "UNPUBLISHED_EVENTS_BUCKET": around.data.unpublished_events.bucket,
                "SAGA_START_QUEUE_URL": queues[Queue.CHECKOUT_SAGA_START].url,
            },
            statements=[
                scans_items("ReadTheBooks", checkout.arn),
                # It remembers SKUs, and sends again what waits: transfers, and the starts of sagas.
                *decides(("AUDIT#*", "TRANSFER#*"), reads=("ORDER#*", "WALLET#*", "ALLOTMENT#*")),
                sends_messages(queues[Queue.CHECKOUT_SAGA_START].arn),
                Statement(
                    sid="FindUnpublishedEvents",
                    actions=["s3:ListBucket"],
                    resources=[around.data.unpublished_events.arn],
                ),
                tells_metrics(METRICS_NAMESPACE),
            ],
            key_services=("sqs",),
            trigger=ScheduleTrigger(minutes=AUDIT_MINUTES),
        ),
    )


def _starters(starts_per_second: int) -> int:
    """Return how many starters together begin so many orders, each with a saga at most: a start that is refused waits
    for the queue's time-out."""
    return min(max(math.ceil(starts_per_second / _STARTS_OF_ONE_STARTER), _LEAST_CONCURRENCY), _MOST_CONCURRENCY)


def _loyalty(around: Surroundings) -> Sequence[FunctionRow]:
    placement, queues = around.placement, around.data.queues
    events = around.shared.table(Table.LOYALTY_EVENTS)
    return (
        FunctionRow(
            function="loyalty-awards",
            context=Context.LOYALTY,
            entrypoint="awards",
            timeout_seconds=_QUEUE_TIMEOUT_SECONDS,
            environment={"LOYALTY_EVENTS_TABLE": events.name},
            statements=[
                reads_items("ReadEvents", events.arn),
                appends_items("AppendEvents", events.arn),
                around.uses_the_tables_key(),
            ],
            key_services=("sqs",),
            trigger=QueueTrigger(queue_arn=queues[Queue.LOYALTY_PURCHASES].arn),
        ),
        FunctionRow(
            function="loyalty-outbox",
            context=Context.LOYALTY,
            entrypoint="outbox",
            timeout_seconds=60,
            environment={
                "EVENT_BUS": around.bus.name,
                "PROJECTION_HINTS_QUEUE_URL": queues[Queue.LOYALTY_PROJECTION_HINTS].url,
                "UNPUBLISHED_EVENTS_BUCKET": around.data.unpublished_events.bucket,
            },
            statements=[
                publishes_events(placement, source="meridian.loyalty"),
                sends_messages(queues[Queue.LOYALTY_PROJECTION_HINTS].arn),
                around.uses_the_tables_key(),
            ],
            key_services=("s3", "sqs"),
            trigger=StreamTrigger(
                stream_arn=events.stream_arn,
                unpublished_events_bucket_arn=around.data.unpublished_events.arn,
                # Of all Regions: each projects everything. The guards of awards are no events.
                pattern={"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "ACC#"}]}}}},
            ),
        ),
    )


def _single_view(around: Surroundings) -> Sequence[FunctionRow]:
    table = around.shared.table(Table.SINGLE_VIEW)
    customers = ("CUSTOMER#*",)
    return (
        FunctionRow(
            function="singleview-updates",
            context=Context.SINGLE_VIEW,
            entrypoint="updates",
            timeout_seconds=_QUEUE_TIMEOUT_SECONDS,
            environment={"SINGLE_VIEW_TABLE": table.name},
            statements=[
                writes_items("WriteRows", table.arn, leading_keys=customers),
                around.uses_the_tables_key(),
            ],
            key_services=("sqs",),
            trigger=QueueTrigger(queue_arn=around.data.queues[Queue.SINGLE_VIEW_UPDATES].arn),
        ),
        FunctionRow(
            function="singleview-api",
            context=Context.SINGLE_VIEW,
            entrypoint="api",
            timeout_seconds=9,
            environment={"SINGLE_VIEW_TABLE": table.name, "PROBLEM_BASE": around.problem_base},
            statements=[
                reads_items("ReadRows", table.arn, leading_keys=customers),
                around.uses_the_tables_key(),
            ],
        ),
    )


def _issuers(issuers: Sequence[TokenIssuer]) -> str:
    return json.dumps(
        [
            {
                "issuer": issuer.issuer,
                "jwks_url": f"{issuer.issuer}/.well-known/jwks.json",
                "client_ids": list(issuer.client_ids),
            }
            for issuer in issuers
        ]
    )
