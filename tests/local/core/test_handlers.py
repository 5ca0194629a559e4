"""Handlers turn declarations into real resources, and back."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from local.handlers.alarms import metric_query
from local.handlers.base import Diff
from local.handlers.recorded_only import RECORDED_ONLY
from local.handlers.registry import KNOWN_TYPES, UnknownTypeError, handler_for
from local.handlers.shapes import parameters
from local.recording import record
from tests.local.core.conftest import Laboratory, declare

ROOT = Path(__file__).resolve().parents[3]


def test_every_type_of_the_program_has_a_handler() -> None:
    types = {resource.type for monitor in record(ROOT).values() for resource in monitor.graph if resource.custom}

    for type_ in types - {"pulumi:pulumi:StackReference"}:
        assert handler_for(type_)


def test_no_handler_is_kept_for_a_type_that_the_program_does_not_declare() -> None:
    declared = "\n".join(path.read_text() for path in (ROOT / "components").rglob("*.py"))

    unused = {type_ for type_ in KNOWN_TYPES if not re.search(rf"\.{type_.rpartition(':')[2]}\(", declared)}

    assert not unused


def test_a_type_without_a_handler_is_refused_by_its_name() -> None:
    with pytest.raises(UnknownTypeError, match="aws:dax/cluster:Cluster"):
        handler_for("aws:dax/cluster:Cluster")


def test_every_type_that_is_only_recorded_says_why() -> None:
    assert all(len(reason) > 10 for reason in RECORDED_ONLY.values())


def test_a_table_is_made_in_each_region_with_its_own_stream_key_and_recovery(laboratory: Laboratory) -> None:
    key = "arn:aws:kms:eu-west-1:000000000000:key/there"

    table = laboratory.create(
        "aws:dynamodb/table:Table",
        "replicated",
        hashKey="pk",
        rangeKey="sk",
        attributes=[{"name": "pk", "type": "S"}, {"name": "sk", "type": "S"}],
        billingMode="PAY_PER_REQUEST",
        streamEnabled=True,
        streamViewType="NEW_AND_OLD_IMAGES",
        pointInTimeRecovery={"enabled": True},
        ttl={"enabled": True, "attributeName": "expires_at"},
        tags={"project": "meridian"},
        replicas=[
            {
                "regionName": "eu-west-1",
                "kmsKeyArn": key,
                "pointInTimeRecovery": True,
                "deletionProtectionEnabled": True,
                "propagateTags": True,
            }
        ],
    )

    [replica] = table.outputs["replicas"]
    assert table.outputs["streamArn"].startswith("arn:aws:dynamodb:us-east-1:")
    assert replica["streamArn"].startswith("arn:aws:dynamodb:eu-west-1:")
    there = laboratory.context.call("dynamodb", "eu-west-1", "DescribeTable", {"TableName": "replicated"})["Table"]
    assert there["SSEDescription"]["KMSMasterKeyArn"] == key
    assert there["DeletionProtectionEnabled"]
    backups = laboratory.context.call(
        "dynamodb", "eu-west-1", "DescribeContinuousBackups", {"TableName": "replicated"}
    )["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_replica_is_added_by_an_update_and_goes_with_the_table(laboratory: Laboratory) -> None:
    declared: dict[str, Any] = {
        "hashKey": "pk",
        "attributes": [{"name": "pk", "type": "S"}],
        "billingMode": "PAY_PER_REQUEST",
        "streamEnabled": True,
    }
    old = laboratory.create("aws:dynamodb/table:Table", "growing", **declared)
    handler = handler_for(old.type)
    replicas = [{"regionName": "eu-west-1"}]
    new = declare(old.type, "growing", id_=old.id, outputs=dict(old.outputs), replicas=replicas, **declared)

    outputs = handler.update(laboratory.context, old, new)

    assert outputs["replicas"][0]["arn"].startswith("arn:aws:dynamodb:eu-west-1:")
    handler.delete(laboratory.context, new)
    assert handler.read(laboratory.context, new) is None


def test_a_queue_has_its_declared_attributes_and_loses_what_is_no_longer_declared(laboratory: Laboratory) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    old = laboratory.create("aws:sqs/queue:Queue", "jobs", visibilityTimeoutSeconds=90, policy=policy)
    handler = handler_for(old.type)

    assert (handler.read(laboratory.context, old) or {})["VisibilityTimeout"] == "90"
    new = declare(old.type, "jobs", id_=old.id, outputs=dict(old.outputs), visibilityTimeoutSeconds=30)
    handler.update(laboratory.context, old, new)

    attributes = handler.read(laboratory.context, new) or {}
    assert attributes["VisibilityTimeout"] == "30"
    assert not attributes.get("Policy")
    handler.delete(laboratory.context, new)
    assert handler.read(laboratory.context, new) is None


def test_a_target_in_another_region_becomes_a_queue_that_a_stand_in_forwards(laboratory: Laboratory) -> None:
    laboratory.create("aws:cloudwatch/eventBus:EventBus", "shop")
    pattern = json.dumps({"source": ["test"]})
    laboratory.create("aws:cloudwatch/eventRule:EventRule", "elsewhere", eventBusName="shop", eventPattern=pattern)

    laboratory.create(
        "aws:cloudwatch/eventTarget:EventTarget",
        "elsewhere-target",
        rule="elsewhere",
        eventBusName="shop",
        targetId="elsewhere",
        arn="arn:aws:events:eu-west-1:000000000000:event-bus/shop",
        roleArn="arn:aws:iam::000000000000:role/forward",
    )
    entry = {"Source": "test", "DetailType": "Test", "Detail": '{"n": 1}', "EventBusName": "shop"}
    laboratory.context.call("events", "us-east-1", "PutEvents", {"Entries": [entry]})

    url = laboratory.context.call("sqs", "us-east-1", "GetQueueUrl", {"QueueName": "elsewhere-forward"})["QueueUrl"]
    known = {"QueueUrl": url, "WaitTimeSeconds": 5}
    [message] = laboratory.context.call("sqs", "us-east-1", "ReceiveMessage", known)["Messages"]
    assert json.loads(message["Body"])["detail"] == {"n": 1}


def test_a_schedule_runs_its_target_in_its_group_at_its_rate(laboratory: Laboratory) -> None:
    group = laboratory.create("aws:scheduler/scheduleGroup:ScheduleGroup", "hourly", tags={"project": "meridian"})
    declared: dict[str, Any] = {
        "groupName": "hourly",
        "flexibleTimeWindow": {"mode": "OFF"},
        "target": {
            "arn": "arn:aws:lambda:us-east-1:000000000000:function:audit:live",
            "roleArn": "arn:aws:iam::000000000000:role/audit-schedule",
            "input": "{}",
            "retryPolicy": {"maximumRetryAttempts": 2, "maximumEventAgeInSeconds": 3600},
            "deadLetterConfig": {"arn": "arn:aws:sqs:us-east-1:000000000000:audit-dead-letters"},
        },
    }
    old = laboratory.create(
        "aws:scheduler/schedule:Schedule", "audit", scheduleExpression="rate(60 minutes)", **declared
    )
    handler = handler_for(old.type)
    new = declare(
        old.type, "audit", id_=old.id, outputs=dict(old.outputs), scheduleExpression="rate(1 minute)", **declared
    )

    handler.update(laboratory.context, old, new)

    found = handler.read(laboratory.context, new) or {}
    assert found["ScheduleExpression"] == "rate(1 minute)"
    assert found["Target"]["DeadLetterConfig"] == {"Arn": "arn:aws:sqs:us-east-1:000000000000:audit-dead-letters"}
    assert found["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 2}
    assert old.id == "hourly/audit"
    handler.delete(laboratory.context, new)
    assert handler.read(laboratory.context, new) is None
    handler_for(group.type).delete(laboratory.context, group)
    assert handler_for(group.type).read(laboratory.context, group) is None


def test_an_alarm_keeps_its_dimensions(laboratory: Laboratory) -> None:
    alarm = laboratory.create(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "deep",
        namespace="AWS/SQS",
        metricName="Depth",
        dimensions={"Queue": "a"},
        period=60,
        statistic="Maximum",
        comparisonOperator="GreaterThanThreshold",
        evaluationPeriods=1,
        threshold=0,
    )

    found = handler_for(alarm.type).read(laboratory.context, alarm) or {}

    assert found["Dimensions"] == [{"Name": "Queue", "Value": "a"}]
    assert found["Statistic"] == "Maximum"


def test_a_query_of_an_alarm_has_its_metric_where_the_api_wants_it(laboratory: Laboratory) -> None:
    metric = {"namespace": "AWS/SQS", "metricName": "Depth", "period": 60, "stat": "Maximum", "dimensions": {"Q": "a"}}
    queries = [metric_query({"id": "m0", "metric": metric, "returnData": True})]
    shape = laboratory.context.input_shape("cloudwatch", "PutMetricAlarm")

    found = parameters(shape, {"metricQueries": queries}, {"Metrics": "metricQueries"})

    dimensions = [{"Name": "Q", "Value": "a"}]
    api_metric = {"Namespace": "AWS/SQS", "MetricName": "Depth", "Dimensions": dimensions}
    stat = {"Metric": api_metric, "Period": 60, "Stat": "Maximum"}
    assert found == {"Metrics": [{"Id": "m0", "MetricStat": stat, "ReturnData": True}]}


def test_a_function_shows_its_declared_image_and_a_published_version(deploy_function: Any) -> None:
    function = deploy_function("shown", "variables")

    assert function.outputs["packageType"] == "Image"
    assert function.outputs["imageUri"].endswith("@sha256:abc")
    assert function.outputs["version"] == "1"
    assert function.outputs["qualifiedArn"] == "arn:aws:lambda:us-east-1:000000000000:function:shown:1"


def test_what_was_taken_away_by_hand_is_missed(laboratory: Laboratory, deploy_function: Any) -> None:
    deploy_function("asked", "variables")
    key = laboratory.create("aws:kms/key:Key", "key")
    laboratory.create("aws:iam/role:Role", "worker", assumeRolePolicy="{}")
    attached = {"role": "worker", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    allowed = {"function": "asked", "action": "lambda:InvokeFunction", "principal": "events.amazonaws.com"}
    made = [
        laboratory.create("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "read", **attached),
        laboratory.create("aws:kms/alias:Alias", "alias/data", targetKeyId=key.id),
        laboratory.create("aws:lambda/permission:Permission", "by-events", **allowed),
    ]

    for resource in made:
        handler = handler_for(resource.type)
        assert handler.read(laboratory.context, resource)
        handler.delete(laboratory.context, resource)
        assert handler.read(laboratory.context, resource) is None


def test_a_log_group_has_its_retention(laboratory: Laboratory) -> None:
    group = laboratory.create("aws:cloudwatch/logGroup:LogGroup", "/shop/log", retentionInDays=30)

    assert (handler_for(group.type).read(laboratory.context, group) or {})["retentionInDays"] == 30


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"name": "a", "timeout": 3}, {"name": "a", "timeout": 4}, Diff(update=("timeout",))),
        ({"name": "a", "region": "us-east-1"}, {"name": "a", "region": "eu-west-1"}, Diff(replace=("region",))),
        ({"name": "a"}, {"name": "a"}, Diff()),
        ({"name": "a", "packageType": "Image"}, {"name": "b"}, Diff(replace=("name", "packageType"))),
    ],
)
def test_a_difference_says_what_changes_in_place_and_what_replaces(
    old: dict[str, Any], new: dict[str, Any], expected: Diff
) -> None:
    assert handler_for("aws:lambda/function:Function").diff(old, new) == expected
