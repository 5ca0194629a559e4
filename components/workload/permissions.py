"""What a workload's role may do, as statements: one function an ability, named after what the workload does."""

from collections.abc import Sequence
from typing import Final

import pulumi

from components.naming import Placement
from components.policy_documents import Conditions, Statement

_READ_ITEMS: Final = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")
# Transactions need the permissions of their parts.
_WRITE_ITEMS: Final = ("dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem")


def reads_items(sid: str, table_arn: pulumi.Input[str], *, leading_keys: Sequence[str] = ()) -> Statement:
    """Read items of a table; with `leading_keys`, only those whose partition key fits one of the patterns."""
    return Statement(sid=sid, actions=_READ_ITEMS, resources=[table_arn], conditions=_of_leading_keys(leading_keys))


def scans_items(sid: str, table_arn: pulumi.Input[str]) -> Statement:
    """Read every item of a table: a scan names no keys that could be bounded."""
    return Statement(sid=sid, actions=["dynamodb:Scan"], resources=[table_arn])


def finds_items(sid: str, table_arn: pulumi.Input[str], index: str, *, leading_keys: Sequence[str] = ()) -> Statement:
    """Query an index of a table; with `leading_keys`, only keys of the index that fit one of the patterns."""
    return Statement(
        sid=sid,
        actions=["dynamodb:Query"],
        resources=[pulumi.Output.concat(table_arn, f"/index/{index}")],
        conditions=_of_leading_keys(leading_keys),
    )


def writes_items(sid: str, table_arn: pulumi.Input[str], *, leading_keys: Sequence[str] = ()) -> Statement:
    """Put, update and check items of a table, not delete them: nothing in this system deletes what happened."""
    return Statement(sid=sid, actions=_WRITE_ITEMS, resources=[table_arn], conditions=_of_leading_keys(leading_keys))


def checks_items(sid: str, table_arn: pulumi.Input[str], *, leading_keys: Sequence[str]) -> Statement:
    """Hold a transaction to a condition on items that it does not write."""
    return Statement(
        sid=sid,
        actions=["dynamodb:ConditionCheckItem"],
        resources=[table_arn],
        conditions=_of_leading_keys(leading_keys),
    )


def appends_items(sid: str, table_arn: pulumi.Input[str]) -> Statement:
    """Put items into a table that the workload never reads: an outbox."""
    return Statement(sid=sid, actions=["dynamodb:PutItem"], resources=[table_arn])


def reads_stream(stream_arn: pulumi.Input[str]) -> Sequence[Statement]:
    """Poll a table's stream."""
    return (
        Statement(
            sid="ReadTheStream",
            actions=["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            resources=[stream_arn],
        ),
        # ListStreams knows no resource; Lambda refuses a mapping whose role lacks it.
        Statement(sid="FindTheStream", actions=["dynamodb:ListStreams"], resources=["*"]),
    )


def receives_messages(queue_arn: pulumi.Input[str]) -> Statement:
    """Receive and settle the messages of a queue."""
    return Statement(
        sid="ReceiveMessages",
        actions=[
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ],
        resources=[queue_arn],
    )


def sends_messages(queue_arn: pulumi.Input[str]) -> Statement:
    """Send messages to a queue."""
    return Statement(sid="SendMessages", actions=["sqs:SendMessage"], resources=[queue_arn])


def trades_tokens(queue_arns: Sequence[pulumi.Input[str]]) -> Statement:
    """Receive the tokens of hot SKUs, keep them or give them back, and send those that came back."""
    return Statement(
        sid="TradeTokens",
        actions=["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"],
        resources=queue_arns,
    )


def measures_tokens(queue_arns: Sequence[pulumi.Input[str]]) -> Statement:
    """Ask how many tokens wait."""
    return Statement(sid="MeasureTokens", actions=["sqs:GetQueueAttributes"], resources=queue_arns)


def measures_queue(queue_arn: pulumi.Input[str]) -> Statement:
    """Ask how many messages wait in a queue."""
    return Statement(sid="MeasureTheQueue", actions=["sqs:GetQueueAttributes"], resources=[queue_arn])


def tells_metrics(namespace: str) -> Statement:
    """Put values of the metrics of one namespace; the action knows no resource."""
    return Statement(
        sid="TellMetrics",
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],
        conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
    )


def publishes_events(placement: Placement, *, source: str) -> Statement:
    """Put events onto the Region's bus, in the name of one source only."""
    return Statement(
        sid="PublishEvents",
        actions=["events:PutEvents"],
        resources=[placement.bus_arn()],
        conditions={"StringEquals": {"events:source": source}},
    )


def keeps_unpublished_events(bucket_arn: pulumi.Input[str]) -> Sequence[Statement]:
    """Write what could not be published into the bucket; Lambda also wants to see that the bucket is there."""
    return (
        Statement(sid="FindTheBucket", actions=["s3:ListBucket"], resources=[bucket_arn]),
        Statement(
            sid="KeepUnpublishedEvents",
            actions=["s3:PutObject"],
            # Any object of the bucket: Lambda chooses the names.
            resources=[pulumi.Output.concat(bucket_arn, "/*")],
        ),
    )


def uses_key(sid: str, key_arn: pulumi.Input[str], placement: Placement, *, through: Sequence[str]) -> Statement:
    """Use a key, only through the services named."""
    return Statement(
        sid=sid,
        actions=[
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ],
        resources=[key_arn],
        conditions={"StringEquals": {"kms:ViaService": [placement.endpoint(service) for service in through]}},
    )


def writes_logs(placement: Placement, log_group_name: str) -> Statement:
    """Write into streams of one log group."""
    return Statement(
        sid="WriteLogs",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[placement.log_group_arn(log_group_name)],
    )


def sends_traces() -> Statement:
    """Send traces; X-Ray's write actions know no resource."""
    return Statement(
        sid="SendTraces",
        actions=[
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ],
        resources=["*"],
    )


def _of_leading_keys(patterns: Sequence[str]) -> Conditions:
    # ForAllValues is true for a request without keys too; the actions here all carry one, only Scan does not.
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(patterns)}} if patterns else {}
