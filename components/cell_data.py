"""What a cell keeps for itself: projections, queues and the bucket of events that could not be published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmArgs, Metric, alarm
from components.encryption import CellKeys
from components.global_outputs import SharedOutputs
from components.naming import (
    CHECKOUT_REPAIR,
    EVENT_TARGET_DEAD_LETTERS,
    LOYALTY_PROJECTIONS,
    TOKENS,
    Placement,
    Queue,
    Table,
    dead_letters,
    resource_name,
)
from components.queues import COMPONENT, DeadLetterQueue, DeadLetterQueueArgs, WorkQueue, WorkQueueArgs, sent_by_the_bus
from components.token_queue import TokenQueue, TokenQueueArgs
from components.unpublished_events import UnpublishedEvents, UnpublishedEventsArgs


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What differs between queues."""

    fed_by_rule: str | None
    visibility_timeout_seconds: int
    oldest_seconds: int


# Functions end after 30 seconds, so 180 are six attempts' time; the projector takes its hints for a minute.
# A command or a saga that waits is a customer who waits; projections may lag for some minutes.
_QUEUES: Final[Mapping[Queue, _Work]] = {
    Queue.CHECKOUT_COMMANDS: _Work(fed_by_rule="checkout-commands", visibility_timeout_seconds=180, oldest_seconds=120),
    # What is sold while nobody looks after it waits for its tokens, or for "sold out" to be said.
    Queue.CHECKOUT_HOT_ITEMS: _Work(fed_by_rule=None, visibility_timeout_seconds=180, oldest_seconds=120),
    Queue.CHECKOUT_SAGA_START: _Work(fed_by_rule=None, visibility_timeout_seconds=180, oldest_seconds=120),
    # Until a flag is up, orders of what is sold out are taken, only to be rejected when their saga is to start.
    Queue.CHECKOUT_AVAILABILITY: _Work(
        fed_by_rule="checkout-availability", visibility_timeout_seconds=180, oldest_seconds=120
    ),
    Queue.LOYALTY_PURCHASES: _Work(fed_by_rule="loyalty-purchases", visibility_timeout_seconds=180, oldest_seconds=600),
    Queue.LOYALTY_PROJECTION_HINTS: _Work(fed_by_rule=None, visibility_timeout_seconds=60, oldest_seconds=600),
    Queue.SINGLE_VIEW_UPDATES: _Work(
        fed_by_rule="single-view-updates", visibility_timeout_seconds=180, oldest_seconds=600
    ),
}

# Sums of the operations that the workloads use: DynamoDB reports these metrics by operation only.
_OPERATIONS: Final = ("GetItem", "Query", "PutItem", "UpdateItem", "TransactWriteItems")


@dataclass(frozen=True, kw_only=True)
class CellDataArgs:
    """One cell's own data."""

    placement: Placement
    regions: Sequence[str]
    """All Regions, this one included: each other one is watched for replication lag."""
    shared: SharedOutputs
    keys: CellKeys
    alarm_topic_arn: pulumi.Input[str]
    hot_item_queues: int
    ephemeral: bool


class CellData(pulumi.ComponentResource):
    """Projection table, queues, bucket, and the alarms on this Region's replicas of the global tables."""

    projections: aws.dynamodb.Table
    queues: Mapping[Queue, WorkQueue]
    token_queues: Sequence[TokenQueue]
    event_target_dead_letters: DeadLetterQueue
    """For every target of every rule on the bus."""
    checkout_repair: DeadLetterQueue
    """Checkouts whose way back is blocked."""
    unpublished_events: aws.s3.Bucket

    def __init__(self, name: str, args: CellDataArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:data:CellData", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._kept = pulumi.ResourceOptions(parent=self, protect=not args.ephemeral)
        self.projections = self._projection_table()
        self.queues = {queue: self._work_queue(queue, work) for queue, work in _QUEUES.items()}
        self.token_queues = [self._token_queue(number) for number in range(args.hot_item_queues)]
        self.event_target_dead_letters = self._event_target_dead_letters()
        self.checkout_repair = self._checkout_repair()
        self.unpublished_events = UnpublishedEvents(
            f"{name}-unpublished-events",
            UnpublishedEventsArgs(
                placement=args.placement,
                key_arn=args.keys.data_key_arn,
                alarm_topic_arn=args.alarm_topic_arn,
                ephemeral=args.ephemeral,
            ),
            self._child,
        ).bucket
        self._watch_table(LOYALTY_PROJECTIONS, self.projections.name)
        for table in Table:
            self._watch_table(table, args.shared.table(table).name)
            self._watch_replication(table)
        self.register_outputs(
            {
                "projectionsTable": self.projections.name,
                "queueUrls": {queue.value: made.url for queue, made in self.queues.items()},
                "unpublishedEventsBucket": self.unpublished_events.bucket,
            }
        )

    def _projection_table(self) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            f"{self._name}-{LOYALTY_PROJECTIONS}",
            region=self._args.placement.region,
            name=resource_name(LOYALTY_PROJECTIONS),
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            range_key="sk",
            attributes=[
                aws.dynamodb.TableAttributeArgs(name="pk", type="S"),
                aws.dynamodb.TableAttributeArgs(name="sk", type="S"),
            ],
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=True, kms_key_arn=self._args.keys.data_key_arn
            ),
            deletion_protection_enabled=not self._args.ephemeral,
            tags=self._args.placement.tags(COMPONENT),
            opts=self._kept,
        )

    def _work_queue(self, queue: Queue, work: _Work) -> WorkQueue:
        return WorkQueue(
            f"{self._name}-{queue}",
            WorkQueueArgs(
                placement=self._args.placement,
                queue=queue,
                dead_letters=dead_letters(queue),
                visibility_timeout_seconds=work.visibility_timeout_seconds,
                oldest_seconds=work.oldest_seconds,
                key_arn=self._args.keys.data_key_arn,
                alarm_topic_arn=self._args.alarm_topic_arn,
                fed_by_rule=work.fed_by_rule,
            ),
            self._child,
        )

    def _token_queue(self, number: int) -> TokenQueue:
        return TokenQueue(
            f"{self._name}-{TOKENS}-{number}",
            TokenQueueArgs(
                placement=self._args.placement,
                number=number,
                key_arn=self._args.keys.data_key_arn,
                alarm_topic_arn=self._args.alarm_topic_arn,
            ),
            self._child,
        )

    def _event_target_dead_letters(self) -> DeadLetterQueue:
        placement = self._args.placement
        return DeadLetterQueue(
            f"{self._name}-{EVENT_TARGET_DEAD_LETTERS}",
            DeadLetterQueueArgs(
                placement=placement,
                queue=EVENT_TARGET_DEAD_LETTERS,
                key_arn=self._args.keys.data_key_arn,
                alarm_topic_arn=self._args.alarm_topic_arn,
                # Each target of each rule ends here, and what the bus itself can not encrypt or decrypt.
                statements=[
                    sent_by_the_bus(
                        placement,
                        EVENT_TARGET_DEAD_LETTERS,
                        sources=[placement.rule_arn(resource_name("*")), placement.bus_arn()],
                    )
                ],
            ),
            self._child,
        )

    def _checkout_repair(self) -> DeadLetterQueue:
        return DeadLetterQueue(
            f"{self._name}-{CHECKOUT_REPAIR}",
            DeadLetterQueueArgs(
                placement=self._args.placement,
                queue=CHECKOUT_REPAIR,
                key_arn=self._args.keys.data_key_arn,
                alarm_topic_arn=self._args.alarm_topic_arn,
                call=(
                    "a checkout could not be undone, so its order is pending and may hold stock or money. The message "
                    "names the step and its error: mend the cause, then redrive the checkout."
                ),
            ),
            self._child,
        )

    def _watch_table(self, table: str, table_name: pulumi.Input[str]) -> None:
        alarm(
            f"{self._name}-{table}-throttled",
            f"{table}-throttled",
            AlarmArgs(
                placement=self._args.placement,
                component=COMPONENT,
                topic_arn=self._args.alarm_topic_arn,
                description=f"{table}: DynamoDB throttles. Look for a hot key, then for the table's on-demand limits.",
                metrics=[
                    Metric(namespace="AWS/DynamoDB", name=metric, dimensions={"TableName": table_name})
                    for metric in ("ReadThrottleEvents", "WriteThrottleEvents")
                ],
                threshold=0,
                periods=5,
                periods_to_alarm=2,
            ),
            self._child,
        )
        alarm(
            f"{self._name}-{table}-system-errors",
            f"{table}-system-errors",
            AlarmArgs(
                placement=self._args.placement,
                component=COMPONENT,
                topic_arn=self._args.alarm_topic_arn,
                description=f"{table}: DynamoDB answers with errors of its own. Watch the Region's health.",
                metrics=[
                    Metric(
                        namespace="AWS/DynamoDB",
                        name="SystemErrors",
                        dimensions={"TableName": table_name, "Operation": operation},
                    )
                    for operation in _OPERATIONS
                ],
                threshold=0,
                periods=5,
                periods_to_alarm=3,
            ),
            self._child,
        )

    def _watch_replication(self, table: Table) -> None:
        for other in self._args.regions:
            if other == self._args.placement.region:
                continue
            alarm(
                f"{self._name}-{table}-lag-to-{other}",
                f"{table}-replication-lag-to-{other}",
                AlarmArgs(
                    placement=self._args.placement,
                    component=COMPONENT,
                    topic_arn=self._args.alarm_topic_arn,
                    description=f"{table}: writes of this Region reach {other} late. Its readers see old data.",
                    metrics=[
                        Metric(
                            namespace="AWS/DynamoDB",
                            name="ReplicationLatency",
                            dimensions={"TableName": resource_name(table), "ReceivingRegion": other},
                            statistic="Average",
                        )
                    ],
                    # Milliseconds; a second is usual.
                    threshold=30_000,
                    periods=5,
                    periods_to_alarm=3,
                ),
                self._child,
            )
