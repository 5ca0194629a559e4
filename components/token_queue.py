"""A queue of tokens: while a SKU is hot, each message is the number of a unit that an order may take."""

from dataclasses import dataclass
from typing import Final

import pulumi

from components.alarms import AlarmArgs, Metric, alarm
from components.naming import TOKENS, Placement, resource_name
from components.queues import COMPONENT, sqs_queue

# So soon a token comes back whose worker died: the last units are sold, and sold out is known, only then
# (docs/capacity.md). A step may run longer; that its token is handed out twice is what the conditional put is for.
_HIDDEN_SECONDS: Final = 5
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
_MOST_IN_FLIGHT: Final = 120_000


@dataclass(frozen=True, kw_only=True)
class TokenQueueArgs:
    """One of a cell's queues of tokens."""

    placement: Placement
    number: int
    key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]


class TokenQueue(pulumi.ComponentResource):
    """A standard queue without dead letters: a token that is received again and again is one that nobody kept yet.

    A number whose message is lost is sent again, from the numbers that no order has.
    """

    arn: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, args: TokenQueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:queues:TokenQueue", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        part = f"{TOKENS}-{args.number}"
        queue = sqs_queue(
            name,
            args.placement,
            part,
            key_arn=args.key_arn,
            statements=[],
            opts=child,
            visibility_timeout_seconds=_HIDDEN_SECONDS,
        )
        self.arn, self.url = queue.arn, queue.url
        alarm(
            f"{name}-in-flight",
            f"{part}-in-flight",
            AlarmArgs(
                placement=args.placement,
                component=COMPONENT,
                topic_arn=args.alarm_topic_arn,
                description=(
                    f"{part}: so many tokens are received and not kept that SQS soon hands out no more. Look for steps "
                    "of the saga that fail or run out of time."
                ),
                metrics=[
                    Metric(
                        namespace="AWS/SQS",
                        name="ApproximateNumberOfMessagesNotVisible",
                        dimensions={"QueueName": resource_name(part)},
                        statistic="Maximum",
                    )
                ],
                threshold=0.75 * _MOST_IN_FLIGHT,
            ),
            child,
        )
        self.register_outputs({"arn": self.arn, "url": self.url})
