"""Tags are set, changed, removed and found again, whatever a service calls them."""

from collections.abc import Mapping
from typing import Any

import pytest

from local.handlers.registry import handler_for
from local.handlers.tags import TAGGED
from local.recording import Graph, RecordedResource
from tests.infrastructure.inspection import sdk_arguments
from tests.local.provider.conftest import Provider, Resource

REGION = "us-east-1"
ROLE = "arn:aws:iam::000000000000:role/tagged"
MACHINE = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
DECLARED: dict[str, dict[str, Any]] = {
    "aws:cloudwatch/eventBus:EventBus": {},
    "aws:cloudwatch/eventRule:EventRule": {"eventBusName": "default", "eventPattern": '{"source": ["tagged"]}'},
    "aws:cloudwatch/logGroup:LogGroup": {},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 1,
        "metricName": "Errors",
        "namespace": "AWS/Lambda",
        "period": 60,
        "statistic": "Sum",
        "threshold": 1,
    },
    "aws:cognito/userPool:UserPool": {},
    "aws:dynamodb/table:Table": {
        "hashKey": "pk",
        "attributes": [{"name": "pk", "type": "S"}],
        "billingMode": "PAY_PER_REQUEST",
    },
    "aws:iam/role:Role": {"assumeRolePolicy": "{}"},
    "aws:kms/key:Key": {},
    "aws:lambda/function:Function": {
        "packageType": "Image",
        "role": ROLE,
        "imageUri": "image@sha256:1",
        "imageConfig": {"commands": ["handler"]},
    },
    "aws:scheduler/scheduleGroup:ScheduleGroup": {},
    "aws:sfn/stateMachine:StateMachine": {"definition": MACHINE, "roleArn": ROLE, "type": "STANDARD"},
    "aws:s3/bucket:Bucket": {},
    "aws:sns/topic:Topic": {},
    "aws:sqs/queue:Queue": {},
}
BUCKET = "aws:s3/bucket:Bucket"
NAMES: dict[str, dict[str, str]] = {
    BUCKET: {"bucket": "tagged"},
    "aws:kms/key:Key": {},
    "aws:lambda/eventSourceMapping:EventSourceMapping": {},
}


def tags(provider: Provider, resource: Resource, type_: str) -> Mapping[str, str]:
    real = handler_for(type_).read(
        provider.context,
        RecordedResource(
            urn=resource.urn,
            type=type_,
            name="tagged",
            custom=True,
            stack="test",
            inputs=resource.inputs,
            id=resource.id,
            outputs=resource.outputs,
        ),
    )
    assert real is not None
    return real["Tags"]


@pytest.mark.parametrize("type_", sorted({*TAGGED, BUCKET}))
def test_tags_are_set_changed_and_found(provider: Provider, type_: str) -> None:
    declared = {"region": REGION, **NAMES.get(type_, {"name": "tagged"}), **declaration(provider, type_)}
    made = provider.create(type_, "tagged", **declared, tags={"Project": "one", "Owner": "me"})

    created = tags(provider, made, type_)
    updated = provider.update(made, declared | {"tags": {"Project": "two"}})
    changed = tags(provider, updated, type_)
    untouched = provider.read(updated)
    provider.update(made, declared | {"tags": {"Project": "by hand", "More": "too"}})
    found = provider.read(updated)

    assert created == {"Project": "one", "Owner": "me"}
    assert changed == {"Project": "two"}
    assert untouched == updated
    assert found is not None
    assert found.inputs["tags"] == found.outputs["tags"] == {"Project": "by hand", "More": "too"}


def declaration(provider: Provider, type_: str) -> dict[str, Any]:
    if type_ != "aws:lambda/eventSourceMapping:EventSourceMapping":
        return DECLARED[type_]
    function = "aws:lambda/function:Function"
    provider.create(function, "read", region=REGION, name="reads", **DECLARED[function])
    queue = provider.create("aws:sqs/queue:Queue", "read", region=REGION, name="read", visibilityTimeoutSeconds=30)
    return {"functionName": "reads", "eventSourceArn": queue.outputs["arn"], "batchSize": 1}


def test_a_roles_description_and_trust_are_changed(provider: Provider) -> None:
    declared = {"name": "described", "assumeRolePolicy": '{"Version": "2012-10-17", "Statement": []}'}
    role = provider.create("aws:iam/role:Role", "described", **declared, description="what it is for")

    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny"}]}'
    changed = declared | {"assumeRolePolicy": trust, "description": "another", "maxSessionDuration": 7200}
    provider.update(role, changed)

    described = provider.context.call("iam", REGION, "GetRole", {"RoleName": "described"})["Role"]
    assert described["Description"] == "another"
    assert described["MaxSessionDuration"] == 7200
    assert described["AssumeRolePolicyDocument"]["Statement"] == [{"Effect": "Deny"}]


def test_every_type_of_the_program_that_has_tags_of_its_own_is_here(graphs: Mapping[str, Graph]) -> None:
    declared = {resource.type for graph in graphs.values() for resource in graph if resource.type.startswith("aws:")}
    taggable = {type_ for type_ in declared if "tags" in sdk_arguments(type_)}
    held = {type_ for type_ in taggable if handler_for(type_).handling == "emulated"}

    assert held - TAGGED.keys() == {BUCKET}
