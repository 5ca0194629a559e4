"""A work queue as this project means it: encrypted, TLS only, with a dead-letter queue and alarms on both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmArgs, Metric, alarm
from components.documents import json_document
from components.naming import Placement, resource_name
from components.policy_documents import Statement, policy_document, tls_only

COMPONENT: Final = "CellData"
_DAY_SECONDS: Final = 24 * 60 * 60
RETENTION_SECONDS: Final = 14 * _DAY_SECONDS
"""The longest that SQS keeps a message: time for people to mend what did not work."""
MAXIMUM_RECEIVES: Final = 5
"""Deliveries of a message before it becomes a dead letter."""
_KEY_REUSE_SECONDS: Final = 300


@dataclass(frozen=True, kw_only=True)
class DeadLetterQueueArgs:
    """A queue of messages that nobody could handle."""

    placement: Placement
    queue: str
    """The part of the queue's name."""
    key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]
    statements: Sequence[Statement] = ()
    """Who else may send, besides principals that IAM permits."""
    call: str = "messages could not be handled. Read their cause, mend it, redrive the queue."
    """What a person who is called for a message in it is told."""


@dataclass(frozen=True, kw_only=True)
class WorkQueueArgs:
    """A queue that a function or a service works off."""

    placement: Placement
    queue: str
    dead_letters: str
    visibility_timeout_seconds: int
    """At least six times the consumer's time-out, so that a retry never overlaps a slow attempt."""
    oldest_seconds: int
    """How old the oldest message may become before a person is called."""
    key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]
    fed_by_rule: str | None = None
    """The part of the name of the bus rule that sends to this queue."""


class DeadLetterQueue(pulumi.ComponentResource):
    """A dead-letter queue; any message in it calls a person, and again before SQS drops it."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, args: DeadLetterQueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:queues:DeadLetterQueue", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        queue = sqs_queue(
            name, args.placement, args.queue, key_arn=args.key_arn, statements=args.statements, opts=child
        )
        self.name, self.arn, self.url = queue.name, queue.arn, queue.url
        _queue_alarm(
            name,
            "not-empty",
            args,
            metric="ApproximateNumberOfMessagesVisible",
            threshold=0,
            description=f"{args.queue}: {args.call}",
            opts=child,
        )
        _queue_alarm(
            name,
            "soon-dropped",
            args,
            metric="ApproximateAgeOfOldestMessage",
            threshold=RETENTION_SECONDS / 2,
            description=f"{args.queue}: half of the 14 days have passed after which SQS drops a message. Redrive now.",
            opts=child,
        )
        self.register_outputs({"name": self.name, "arn": self.arn, "url": self.url})


class WorkQueue(pulumi.ComponentResource):
    """A queue, its dead-letter queue and an alarm on its backlog."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    dead_letter_queue: DeadLetterQueue

    def __init__(self, name: str, args: WorkQueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:queues:WorkQueue", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        placement = args.placement
        self.dead_letter_queue = DeadLetterQueue(
            f"{name}-dead-letters",
            DeadLetterQueueArgs(
                placement=placement,
                queue=args.dead_letters,
                key_arn=args.key_arn,
                alarm_topic_arn=args.alarm_topic_arn,
            ),
            child,
        )
        queue = sqs_queue(
            name,
            placement,
            args.queue,
            key_arn=args.key_arn,
            statements=[_sent_by_rule(placement, args.queue, args.fed_by_rule)] if args.fed_by_rule else [],
            opts=child,
            redrive_policy=json_document(
                {"deadLetterTargetArn": self.dead_letter_queue.arn, "maxReceiveCount": MAXIMUM_RECEIVES}
            ),
            visibility_timeout_seconds=args.visibility_timeout_seconds,
        )
        # On its own because each queue names the other: no third queue may drop its messages here.
        aws.sqs.RedriveAllowPolicy(
            f"{name}-redrive-allow",
            region=placement.region,
            queue_url=self.dead_letter_queue.url,
            redrive_allow_policy=json_document({"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}),
            opts=child,
        )
        self.name, self.arn, self.url = queue.name, queue.arn, queue.url
        _queue_alarm(
            name,
            "backlog",
            args,
            metric="ApproximateAgeOfOldestMessage",
            threshold=args.oldest_seconds,
            description=f"{args.queue}: the oldest message waits too long. Its consumer is slow, throttled or failing.",
            opts=child,
        )
        self.register_outputs({"name": self.name, "arn": self.arn, "url": self.url})


def sent_by_the_bus(placement: Placement, queue: str, *, sources: Sequence[str]) -> Statement:
    """Let EventBridge send to a queue on behalf of rules of the cell's bus, or of the bus itself, by ARN patterns."""
    return Statement(
        sid="SentByTheBus",
        principals={"Service": ["events.amazonaws.com"]},
        actions=["sqs:SendMessage"],
        resources=[placement.queue_arn(queue)],
        conditions={
            "StringEquals": {"aws:SourceAccount": placement.account},
            "ArnLike": {"aws:SourceArn": sources},
        },
    )


def _sent_by_rule(placement: Placement, queue: str, rule: str) -> Statement:
    return sent_by_the_bus(placement, queue, sources=[placement.rule_arn(resource_name(rule))])


def sqs_queue(
    name: str,
    placement: Placement,
    queue: str,
    *,
    key_arn: pulumi.Input[str],
    statements: Sequence[Statement],
    opts: pulumi.ResourceOptions,
    redrive_policy: pulumi.Input[str] | None = None,
    visibility_timeout_seconds: int = 30,
) -> aws.sqs.Queue:
    """Make the queue itself: encrypted, TLS only, kept for as long as SQS can."""
    return aws.sqs.Queue(
        f"{name}-queue",
        region=placement.region,
        name=resource_name(queue),
        kms_master_key_id=key_arn,
        kms_data_key_reuse_period_seconds=_KEY_REUSE_SECONDS,
        message_retention_seconds=RETENTION_SECONDS,
        receive_wait_time_seconds=20,
        visibility_timeout_seconds=visibility_timeout_seconds,
        redrive_policy=redrive_policy,
        policy=policy_document(tls_only("sqs:*", [placement.queue_arn(queue)]), *statements),
        tags=placement.tags(COMPONENT),
        opts=opts,
    )


def _queue_alarm(
    name: str,
    what: str,
    args: WorkQueueArgs | DeadLetterQueueArgs,
    *,
    metric: str,
    threshold: float,
    description: str,
    opts: pulumi.ResourceOptions,
) -> None:
    alarm(
        f"{name}-{what}",
        f"{args.queue}-{what}",
        AlarmArgs(
            placement=args.placement,
            component=COMPONENT,
            topic_arn=args.alarm_topic_arn,
            description=description,
            metrics=[
                Metric(
                    namespace="AWS/SQS",
                    name=metric,
                    dimensions={"QueueName": resource_name(args.queue)},
                    statistic="Maximum",
                )
            ],
            threshold=threshold,
            period_seconds=60,
            periods=1,
        ),
        opts,
    )
