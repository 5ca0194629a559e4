"""The functions of loyalty: what awards points, and what tells of them."""

from collections.abc import Sequence

from components.cell_functions.rows import QUEUE_TIMEOUT_SECONDS, FunctionRow, Surroundings
from components.naming import Queue, Table
from components.settings import Context
from components.workload import QueueTrigger, StreamTrigger
from components.workload.permissions import appends_items, publishes_events, reads_items, sends_messages


def functions(around: Surroundings) -> Sequence[FunctionRow]:
    """Return loyalty's functions."""
    placement, queues = around.placement, around.data.queues
    events = around.shared.table(Table.LOYALTY_EVENTS)
    return (
        FunctionRow(
            function="loyalty-awards",
            context=Context.LOYALTY,
            entrypoint="awards",
            timeout_seconds=QUEUE_TIMEOUT_SECONDS,
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
