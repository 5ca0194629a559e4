"""What wakes a function: a queue or a table's stream, each with its batch, its bounds and its way out for poison."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from components.naming import Placement
from components.policy_documents import Statement
from components.workload.permissions import keeps_unpublished_events, reads_stream, receives_messages

# Of the batch, only what failed is delivered again.
_PARTIAL_RESPONSES: Final = ["ReportBatchItemFailures"]


@dataclass(frozen=True, kw_only=True)
class QueueTrigger:
    """Messages of a queue. Poison goes to the queue's own dead-letter queue."""

    queue_arn: pulumi.Input[str]
    batch_size: int = 10
    maximum_concurrency: int = 20
    """Bounds the function without taking from the account's reserve: what is above waits in the queue."""

    @property
    def statements(self) -> Sequence[Statement]:
        """What the function's role needs."""
        return (receives_messages(self.queue_arn),)

    def connect(
        self, name: str, alias_arn: pulumi.Input[str], placement: Placement, opts: pulumi.ResourceOptions
    ) -> aws.lambda_.EventSourceMapping:
        """Make the mapping."""
        return aws.lambda_.EventSourceMapping(
            name,
            region=placement.region,
            event_source_arn=self.queue_arn,
            function_name=alias_arn,
            batch_size=self.batch_size,
            function_response_types=_PARTIAL_RESPONSES,
            scaling_config=aws.lambda_.EventSourceMappingScalingConfigArgs(
                maximum_concurrency=self.maximum_concurrency
            ),
            tags=placement.tags("Workload"),
            opts=opts,
        )


@dataclass(frozen=True, kw_only=True)
class StreamTrigger:
    """Changes of a table's replica. Poison is isolated by bisecting and kept, whole, in a bucket."""

    stream_arn: pulumi.Input[str]
    unpublished_events_bucket_arn: pulumi.Input[str]
    pattern: Mapping[str, Any]
    """The filter: what does not fit costs no invocation."""
    batch_size: int = 50
    maximum_attempts: int = 10

    @property
    def statements(self) -> Sequence[Statement]:
        """What the function's role needs."""
        return (*reads_stream(self.stream_arn), *keeps_unpublished_events(self.unpublished_events_bucket_arn))

    def connect(
        self, name: str, alias_arn: pulumi.Input[str], placement: Placement, opts: pulumi.ResourceOptions
    ) -> aws.lambda_.EventSourceMapping:
        """Make the mapping."""
        return aws.lambda_.EventSourceMapping(
            name,
            region=placement.region,
            event_source_arn=self.stream_arn,
            function_name=alias_arn,
            # What was written before the mapping was made is published too.
            starting_position="TRIM_HORIZON",
            batch_size=self.batch_size,
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=self.maximum_attempts,
            function_response_types=_PARTIAL_RESPONSES,
            filter_criteria=aws.lambda_.EventSourceMappingFilterCriteriaArgs(
                filters=[
                    aws.lambda_.EventSourceMappingFilterCriteriaFilterArgs(
                        pattern=json.dumps(self.pattern, sort_keys=True)
                    )
                ]
            ),
            # A bucket, not a queue: a queue would get the position in the stream, which is gone after a day.
            destination_config=aws.lambda_.EventSourceMappingDestinationConfigArgs(
                on_failure=aws.lambda_.EventSourceMappingDestinationConfigOnFailureArgs(
                    destination_arn=self.unpublished_events_bucket_arn
                )
            ),
            # The alarm on what went to the bucket reads this metric.
            metrics_config=aws.lambda_.EventSourceMappingMetricsConfigArgs(metrics=["EventCount"]),
            tags=placement.tags("Workload"),
            opts=opts,
        )
