"""The functions of checkout: the entry, the saga, the sale by tokens, and what watches over them."""

import math
from collections.abc import Sequence
from typing import Final

from components.cell_functions.checkout_common import CheckoutCommon
from components.cell_functions.rows import QUEUE_TIMEOUT_SECONDS, FunctionRow, Surroundings
from components.checkout_audit import AUDIT_MINUTES, METRICS_NAMESPACE
from components.checkout_saga import SAGA
from components.checkout_saga_states import FUNCTION_TIMEOUT_SECONDS as STEP_TIMEOUT_SECONDS
from components.naming import ORDERS_BY_CUSTOMER, RESERVATIONS_BY_EXPIRY, Queue
from components.policy_documents import Statement
from components.queues import MAXIMUM_RECEIVES
from components.settings import Context
from components.workload import QueueTrigger, ScheduleTrigger, StreamTrigger
from components.workload.permissions import (
    checks_items,
    finds_items,
    measures_queue,
    measures_tokens,
    publishes_events,
    reads_items,
    scans_items,
    sends_messages,
    tells_metrics,
    writes_items,
)

# HEALTH is what the health check reads.
_READ_AT_THE_ENTRY: Final = ("COMMAND#*", "PRICE#*", "LISTING#*", "ALLOTMENT#*", "HEALTH")
_SET_BY_COMMANDS: Final = ("PRICE#*", "LISTING#*", "ALLOTMENT#*", "TRANSFER#*", "POOL#*", "TOKEN#*")
# Below a minute, so that runs seldom meet.
_SWEEP_TIMEOUT_SECONDS: Final = 50
# A second, one after the other, at about 30 ms to hold the units and 20 ms to call StartExecution, or to reject.
_STARTS_OF_ONE_STARTER: Final = 20
# The bounds of a queue's concurrency (Lambda Developer Guide, scaling behavior of SQS event source mappings).
_LEAST_CONCURRENCY: Final = 2
_MOST_CONCURRENCY: Final = 1000


def functions(around: Surroundings) -> Sequence[FunctionRow]:
    """Return checkout's functions."""
    common = CheckoutCommon(around)
    groups = (_entry, _outbox, _saga, _hot_items, _watch)
    return [row for group in groups for row in group(around, common)]


def _entry(around: Surroundings, common: CheckoutCommon) -> Sequence[FunctionRow]:
    """What is asked of checkout: by customers, by operators, and by messages."""
    return (
        FunctionRow(
            function="checkout-api",
            context=Context.CHECKOUT,
            entrypoint="api",
            # Below the gateway's time-out, above the ten seconds of `Prefer: wait=10`.
            timeout_seconds=18,
            environment={
                **common.tables,
                **common.admits,
                "EVENT_BUS": around.bus.name,
                "PROBLEM_BASE": around.problem_base,
            },
            statements=[
                # Prices, listings and allotments are the systems of record's, by command.
                *common.decides(("ORDER#*", "DEPOSIT#*", "WALLET#*"), reads=_READ_AT_THE_ENTRY),
                finds_items("FindOrders", common.table.arn, ORDERS_BY_CUSTOMER),
                Statement(sid="SeeTheBus", actions=["events:DescribeEventBus"], resources=[around.bus.arn]),
                measures_queue(common.queues[Queue.CHECKOUT_SAGA_START].arn),
            ],
        ),
        FunctionRow(
            function="checkout-operations",
            context=Context.CHECKOUT,
            entrypoint="operations",
            timeout_seconds=9,
            environment={**common.tables, **common.hot_items, "PROBLEM_BASE": around.problem_base},
            # What customers reach writes no stock and no listing: hence a function of its own.
            statements=[
                *common.decides(("ORDER#*", "WALLET#*", "COMMAND#*", "OPERATION#*", "OPERATIONS#*", *_SET_BY_COMMANDS)),
                common.trades,
                common.asks_for_care,
            ],
            key_services=("sqs",),
        ),
        FunctionRow(
            function="checkout-commands",
            context=Context.CHECKOUT,
            entrypoint="commands",
            timeout_seconds=QUEUE_TIMEOUT_SECONDS,
            environment={
                **common.tables,
                **common.admits,
                **common.hot_items,
                "COMMANDS_MAXIMUM_RECEIVES": str(MAXIMUM_RECEIVES),
            },
            statements=[
                # What another Region's operators hand over is in the trail here as well.
                *common.decides(
                    ("ORDER#*", "DEPOSIT#*", "WALLET#*", "COMMAND#*", "OPERATION#*", "OPERATIONS#*", *_SET_BY_COMMANDS)
                ),
                # A refund gives tokens back.
                common.trades,
                common.asks_for_care,
                measures_queue(common.queues[Queue.CHECKOUT_SAGA_START].arn),
            ],
            key_services=("sqs",),
            trigger=QueueTrigger(queue_arn=common.queues[Queue.CHECKOUT_COMMANDS].arn),
        ),
    )


def _outbox(around: Surroundings, common: CheckoutCommon) -> Sequence[FunctionRow]:
    """What publishes its decisions, and hands over the orders that begin."""
    return (
        FunctionRow(
            function="checkout-outbox",
            context=Context.CHECKOUT,
            entrypoint="outbox",
            timeout_seconds=60,
            environment={
                "EVENT_BUS": around.bus.name,
                "SAGA_START_QUEUE_URL": common.queues[Queue.CHECKOUT_SAGA_START].url,
                "UNPUBLISHED_EVENTS_BUCKET": around.data.unpublished_events.bucket,
            },
            statements=[
                publishes_events(around.placement, source="meridian.checkout"),
                sends_messages(common.queues[Queue.CHECKOUT_SAGA_START].arn),
                around.uses_the_tables_key(),
            ],
            key_services=("s3", "sqs"),
            trigger=StreamTrigger(
                stream_arn=common.outbox.stream_arn,
                unpublished_events_bucket_arn=around.data.unpublished_events.arn,
                # Only what was written here: the other Regions' entries arrive by replication and are theirs.
                pattern={
                    "eventName": ["INSERT"],
                    "dynamodb": {"NewImage": {"originregion": {"S": [around.placement.region]}}},
                },
            ),
        ),
    )


def _saga(around: Surroundings, common: CheckoutCommon) -> Sequence[FunctionRow]:
    """What starts the saga, its steps, and what ends reservations that outlived it."""
    return (
        FunctionRow(
            function="checkout-saga-starter",
            context=Context.CHECKOUT,
            entrypoint="saga_starter",
            timeout_seconds=QUEUE_TIMEOUT_SECONDS,
            environment={**common.holds, "SAGA_STATE_MACHINE_ARN": around.placement.state_machine_arn(SAGA)},
            statements=[
                # It holds what an order wants before it starts the saga, and ends the order that can not have it.
                *common.decides(("ORDER#*", "ALLOTMENT#*", "TOKEN#*"), reads=("WALLET#*",)),
                checks_items("CheckThatNothingIsPaid", common.table.arn, leading_keys=("WALLET#*",)),
                common.trades,
                common.asks_for_care,
                Statement(
                    sid="StartTheSaga",
                    actions=["states:StartExecution"],
                    resources=[around.placement.state_machine_arn(SAGA)],
                ),
            ],
            key_services=("sqs", "states"),
            trigger=QueueTrigger(
                queue_arn=common.queues[Queue.CHECKOUT_SAGA_START].arn,
                maximum_concurrency=_starters(common.limits.saga_starts_per_second),
            ),
        ),
        FunctionRow(
            function="checkout-saga-steps",
            context=Context.CHECKOUT,
            entrypoint="saga_steps",
            timeout_seconds=STEP_TIMEOUT_SECONDS,
            environment=common.holds,
            statements=[
                *common.decides(("ORDER#*", "WALLET#*", "ALLOTMENT#*", "TOKEN#*")),
                common.trades,
                common.asks_for_care,
            ],
            key_services=("sqs",),
        ),
        FunctionRow(
            function="checkout-sweeper",
            context=Context.CHECKOUT,
            entrypoint="sweeper",
            timeout_seconds=_SWEEP_TIMEOUT_SECONDS,
            environment={**common.tables, **common.hot_items},
            statements=[
                *common.decides(("ORDER#*", "ALLOTMENT#*", "TOKEN#*"), reads=("WALLET#*",)),
                finds_items(
                    "FindExpired",
                    common.table.arn,
                    RESERVATIONS_BY_EXPIRY,
                    leading_keys=(f"{around.placement.region}#*",),
                ),
                common.trades,
                common.asks_for_care,
            ],
            key_services=("sqs",),
            trigger=ScheduleTrigger(minutes=1),
        ),
    )


def _hot_items(around: Surroundings, common: CheckoutCommon) -> Sequence[FunctionRow]:
    """What keeps the tokens of hot items."""
    return (
        FunctionRow(
            function="checkout-hot-items",
            context=Context.CHECKOUT,
            entrypoint="hot_items",
            timeout_seconds=QUEUE_TIMEOUT_SECONDS,
            environment={**common.tables, **common.hot_items},
            statements=[
                *common.decides(("ALLOTMENT#*", "TOKEN#*", "POOL#*"), reads=("ORDER#*",)),
                common.trades,
                measures_tokens([queue.arn for queue in around.data.token_queues]),
                common.asks_for_care,
            ],
            key_services=("sqs",),
            # Two at a time are the fewest that SQS offers: more would only meet each other.
            trigger=QueueTrigger(queue_arn=common.queues[Queue.CHECKOUT_HOT_ITEMS].arn, maximum_concurrency=2),
        ),
        FunctionRow(
            function="checkout-hot-items-clock",
            context=Context.CHECKOUT,
            entrypoint="hot_items_clock",
            timeout_seconds=10,
            environment={**common.tables, **common.hot_items},
            statements=[
                reads_items("ReadItems", common.table.arn, leading_keys=("POOL#*",)),
                around.uses_the_tables_key(),
                common.asks_for_care,
            ],
            key_services=("sqs",),
            trigger=ScheduleTrigger(minutes=1),
        ),
    )


def _watch(around: Surroundings, common: CheckoutCommon) -> Sequence[FunctionRow]:
    """What says how much is left, and whether the books are in order."""
    return (
        FunctionRow(
            function="checkout-availability",
            context=Context.CHECKOUT,
            entrypoint="availability",
            timeout_seconds=QUEUE_TIMEOUT_SECONDS,
            environment=common.tables,
            statements=[
                reads_items("ReadStock", common.table.arn, leading_keys=("LISTING#*", "ALLOTMENT#*")),
                writes_items("FlagForTheEntry", common.table.arn, leading_keys=("LISTING#*",)),
                tells_metrics(METRICS_NAMESPACE),
                around.uses_the_tables_key(),
            ],
            key_services=("sqs",),
            trigger=QueueTrigger(queue_arn=common.queues[Queue.CHECKOUT_AVAILABILITY].arn),
        ),
        FunctionRow(
            function="checkout-auditor",
            context=Context.CHECKOUT,
            entrypoint="auditor",
            # The most that Lambda gives: an audit reads the whole table, at a bounded rate.
            timeout_seconds=900,
            environment={
                **common.tables,
                "UNPUBLISHED_EVENTS_BUCKET": around.data.unpublished_events.bucket,
                "SAGA_START_QUEUE_URL": common.queues[Queue.CHECKOUT_SAGA_START].url,
            },
            statements=[
                scans_items("ReadTheBooks", common.table.arn),
                # It remembers SKUs, and sends again what waits: transfers, and the starts of sagas.
                *common.decides(("AUDIT#*", "TRANSFER#*"), reads=("ORDER#*", "WALLET#*", "ALLOTMENT#*", "TOKEN#*")),
                sends_messages(common.queues[Queue.CHECKOUT_SAGA_START].arn),
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
