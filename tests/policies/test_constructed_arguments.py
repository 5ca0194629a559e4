"""Rules decide on single resources as they say, and admit what they can not know in preview."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pulumi_policy.proxy import UnknownValueError

from policies import tokens
from tests.policies.asking import UNKNOWN, ask, ask_stack, mended, resource, urn

KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/meridian-checkout"


def policy(**statement: Any) -> dict[str, Any]:
    return {"policy": json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})}


def trust(**statement: Any) -> dict[str, Any]:
    return {"assumeRolePolicy": policy(Action="sts:AssumeRole", **statement)["policy"]}


def containers(**changes: Any) -> dict[str, Any]:
    good = {
        "name": "app",
        "image": f"repository@sha256:{'0' * 64}",
        "user": "10001",
        "readonlyRootFilesystem": True,
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
    }
    return {"networkMode": "awsvpc", "containerDefinitions": json.dumps([good | changes])}


@pytest.mark.parametrize(
    ("rule", "type_", "properties"),
    [
        ("data-at-rest-uses-a-customer-key", tokens.QUEUE, {"kmsMasterKeyId": KEY}),
        ("data-at-rest-uses-a-customer-key", tokens.QUEUE, {"kmsMasterKeyId": UNKNOWN}),
        (
            "data-at-rest-uses-a-customer-key",
            tokens.TABLE,
            {"serverSideEncryption": {"enabled": True, "kmsKeyArn": UNKNOWN}},
        ),
        (
            "replicas-use-a-customer-key",
            tokens.TABLE,
            {"replicas": [{"regionName": "eu-west-1", "kmsKeyArn": UNKNOWN}]},
        ),
        ("keys-rotate", tokens.KEY, {"customerMasterKeySpec": "RSA_4096"}),
        (
            "resource-policies-name-their-principals",
            tokens.QUEUE_POLICY,
            policy(Principal={"Service": "sns.amazonaws.com"}),
        ),
        (
            "resource-policies-name-their-principals",
            tokens.QUEUE_POLICY,
            policy(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        ),
        ("the-internet-is-not-let-in", tokens.SECURITY_GROUP_INGRESS, {"cidrIpv4": "10.0.0.0/8"}),
        ("the-internet-is-not-let-in", tokens.SECURITY_GROUP_INGRESS, {"referencedSecurityGroupId": UNKNOWN}),
        ("the-internet-is-not-let-in", tokens.SECURITY_GROUP_RULE, {"type": "egress", "cidrBlocks": ["0.0.0.0/0"]}),
        ("actions-are-named", tokens.ROLE_POLICY, policy(Action="dynamodb:GetItem", Resource=TABLE_ARN)),
        ("actions-are-named", tokens.KEY, policy(Action=["kms:GenerateDataKey*"], Resource="*")),
        ("resources-are-named", tokens.ROLE_POLICY, policy(Action="dynamodb:GetItem", Resource=f"{TABLE_ARN}/index/*")),
        (
            "resources-are-named",
            tokens.ROLE_POLICY,
            policy(Action="s3:PutObject", Resource="arn:aws:s3:::meridian-x/*"),
        ),
        ("resources-are-named", tokens.ROLE_POLICY, policy(Action="xray:PutTraceSegments", Resource="*")),
        ("trust-is-closed", tokens.ROLE, trust(Principal={"Service": "lambda.amazonaws.com"})),
        (
            "services-are-bound-to-a-source",
            tokens.ROLE,
            trust(
                Principal={"Service": "states.amazonaws.com"}, Condition={"StringEquals": {"aws:SourceAccount": "1"}}
            ),
        ),
        (
            "services-are-bound-to-a-source",
            tokens.KEY,
            policy(
                Principal={"Service": "logs.us-east-1.amazonaws.com"},
                Condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:1:log-group:*"}},
            ),
        ),
        (
            "function-permissions-name-their-source",
            tokens.FUNCTION_PERMISSION,
            {"principal": "1", "sourceArn": UNKNOWN},
        ),
        ("workloads-span-zones", tokens.FUNCTION, {"memorySize": 512}),
        (
            "workloads-span-zones",
            tokens.SERVICE,
            {"desiredCount": 2, "networkConfiguration": {"subnets": [UNKNOWN, UNKNOWN]}},
        ),
        ("regional-resources-name-their-region", tokens.ROLE, {"name": "meridian-x-us-east-1"}),
        ("regional-resources-name-their-region", "meridian:data:CellData", {}),
        ("cells-stay-in-their-region", tokens.QUEUE, {"region": "us-east-1"}),
        ("queues-have-dead-letters", tokens.QUEUE, {"name": "meridian-x-dead-letters"}),
        (
            "consumers-fail-safely",
            tokens.FUNCTION_SOURCE,
            {"eventSourceArn": UNKNOWN, "functionResponseTypes": ["ReportBatchItemFailures"]},
        ),
        ("provisioned-capacity-is-limited", tokens.TABLE, {"billingMode": "PAY_PER_REQUEST", "readCapacity": 0}),
        ("instance-classes-are-allowed", tokens.DATABASE_INSTANCE, {"instanceClass": "db.t4g.medium"}),
        ("tokens-are-short-lived", tokens.USER_POOL_CLIENT, {"explicitAuthFlows": []}),
        ("images-are-named-by-digest", tokens.TASK_DEFINITION, containers()),
        ("images-are-named-by-digest", tokens.FUNCTION, {"packageType": "Zip"}),
        ("containers-have-no-privileges", tokens.TASK_DEFINITION, containers()),
        ("environments-hold-no-secrets", tokens.FUNCTION, {"environment": {"variables": {"TABLE": UNKNOWN}}}),
        ("environments-hold-no-secrets", tokens.FUNCTION, {"environment": {"variables": {"TOKEN_ISSUERS": "[]"}}}),
        ("names-carry-the-project", tokens.LOG_GROUP, {"name": "/aws/lambda/meridian-checkout-api"}),
        ("names-carry-the-project", tokens.KEY_ALIAS, {"name": "alias/meridian-cell-data"}),
    ],
)
def test_what_keeps_a_rule_is_let_through(rule: str, type_: str, properties: Mapping[str, Any]) -> None:
    assert ask(rule, resource(type_, properties)) == []


@pytest.mark.parametrize(
    ("rule", "type_", "properties", "message"),
    [
        ("data-at-rest-uses-a-customer-key", tokens.TOPIC, {}, "kmsMasterKeyId is not set"),
        (
            "data-at-rest-uses-a-customer-key",
            tokens.DATABASE_CLUSTER,
            {"kmsKeyId": KEY, "storageEncrypted": False},
            "storageEncrypted is False",
        ),
        ("resource-policies-name-their-principals", tokens.KEY, policy(Principal={"AWS": ["*"]}), "allows everyone"),
        (
            "actions-are-named",
            tokens.ROLE_POLICY,
            policy(Sid="All", Action=["s3:GetObject", "s3:*"], Resource="arn:aws:s3:::b/*"),
            "statement 'All' allows 's3:*'",
        ),
        (
            "resources-are-named",
            tokens.ROLE_POLICY,
            policy(Action=["xray:PutTraceSegments", "sqs:SendMessage"], Resource="*"),
            "allows sqs:SendMessage on *",
        ),
        (
            "resources-are-named",
            tokens.ROLE_POLICY,
            policy(Action="dynamodb:GetItem", Resource="arn:aws:dynamodb:us-east-1:*:table/meridian-checkout"),
            "allows dynamodb:GetItem",
        ),
        (
            "passed-roles-name-their-service",
            tokens.ROLE_POLICY,
            policy(Action="iam:PassRole", Resource="arn:aws:iam::1:role/x"),
            "without iam:PassedToService",
        ),
        (
            "no-broad-managed-policy-is-attached",
            tokens.ROLE,
            {"managedPolicyArns": [UNKNOWN, "arn:aws:iam::aws:policy/AmazonS3FullAccess"]},
            "AmazonS3FullAccess",
        ),
        (
            "cells-stay-in-their-region",
            tokens.QUEUE,
            {"region": "eu-west-1"},
            "stands in eu-west-1, the cell in us-east-1",
        ),
        (
            "consumers-fail-safely",
            tokens.FUNCTION_SOURCE,
            {"startingPosition": "LATEST", "functionResponseTypes": ["ReportBatchItemFailures"]},
            "destinationConfig.onFailure is not set",
        ),
        (
            "operations-are-authorised",
            tokens.API,
            {"body": json.dumps({"paths": {"/v1/x": {"get": {}, "options": {}}}})},
            "GET /v1/x has no security requirement",
        ),
        ("tokens-are-short-lived", tokens.USER_POOL_CLIENT, {"accessTokenValidity": 2}, "live 120 minutes"),
        (
            "environments-hold-no-secrets",
            tokens.FUNCTION,
            {"environment": {"variables": {"URL": "postgres://shop:hunter2@db"}}},
            "looks like a secret",
        ),
        (
            "containers-have-no-privileges",
            tokens.TASK_DEFINITION,
            containers(linuxParameters=None),
            "does not drop all",
        ),
        ("names-carry-the-project", tokens.QUEUE, {"name": "meridians"}, "must begin with 'meridian'"),
    ],
)
def test_what_breaks_a_rule_is_named(rule: str, type_: str, properties: Mapping[str, Any], message: str) -> None:
    found = ask(rule, resource(type_, properties))

    assert any(message in text for text in found), found


@pytest.mark.parametrize(
    ("rule", "type_", "properties"),
    [
        ("actions-are-named", tokens.ROLE_POLICY, {"policy": UNKNOWN}),
        ("images-are-named-by-digest", tokens.FUNCTION, {"imageUri": UNKNOWN}),
        ("requests-are-traced", tokens.FUNCTION, {"tracingConfig": UNKNOWN}),
        ("workloads-span-zones", tokens.SERVICE, {"networkConfiguration": {"subnets": UNKNOWN}}),
        ("operations-are-authorised", tokens.API, {"body": UNKNOWN}),
    ],
)
def test_what_is_not_known_in_preview_is_left_to_the_deployment(
    rule: str, type_: str, properties: Mapping[str, Any]
) -> None:
    with pytest.raises(UnknownValueError):
        ask(rule, resource(type_, properties))


def test_what_is_known_to_be_wrong_is_reported_although_more_is_unknown() -> None:
    replicas = [{"regionName": "eu-west-1"}, {"regionName": UNKNOWN}]

    found: list[str] = []
    with pytest.raises(UnknownValueError):
        found += ask(
            "replicas-use-a-customer-key", resource(tokens.TABLE, {"replicas": replicas}), on_message=found.append
        )

    assert found == ["the replica in eu-west-1 has no kmsKeyArn"]


def test_a_rule_says_nothing_about_other_types() -> None:
    assert ask("keys-rotate", resource(tokens.QUEUE, {})) == []


def test_an_alarm_may_act_through_a_composite_alarm() -> None:
    alarm = resource(tokens.ALARM, {"name": "meridian-slow"}, name="slow")
    composite = resource(
        tokens.COMPOSITE_ALARM,
        {"name": "meridian-cell", "alarmRule": 'ALARM("meridian-slow")', "alarmActions": [UNKNOWN]},
    )

    assert ask_stack("alarms-have-an-action", alarm, composite) == []
    assert [violation.urn for violation in ask_stack("alarms-have-an-action", alarm)] == [alarm.urn]


def test_in_preview_an_alarm_watches_what_its_dimensions_will_come_from() -> None:
    function = resource(tokens.FUNCTION, {"name": UNKNOWN}, name="function")
    alarm = resource(tokens.ALARM, {"dimensions": {"FunctionName": UNKNOWN}}, name="alarm")
    alarm.property_dependencies = {"dimensions": [function]}

    assert ask_stack("failures-are-alarmed", function, alarm) == []


def test_one_resource_that_is_not_known_yet_hides_no_other() -> None:
    unknown = resource(tokens.QUEUE, {"redrivePolicy": UNKNOWN}, name="unknown")
    wrong = resource(tokens.QUEUE, {"redrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:::gone"}'}, name="wrong")
    found: list[str] = []

    with pytest.raises(UnknownValueError):
        ask_stack("dead-letter-queues-exist", unknown, wrong, on_urn=found.append)

    assert found == [wrong.urn]


def test_a_queue_of_another_region_is_not_taken_for_the_one_of_the_same_name() -> None:
    subscription = {"endpoint": "arn:aws:sqs:eu-west-1:123456789012:meridian-work", "protocol": "sqs"}
    queue = resource(tokens.QUEUE, {"name": "meridian-work", "region": "us-east-1"}, name="queue")

    assert ask_stack("subscribed-queues-let-send", queue, resource(tokens.TOPIC_SUBSCRIPTION, subscription)) == []


def test_databases_of_one_engine_have_one_version_in_a_stack_and_the_stated_one_in_all() -> None:
    older = resource(tokens.DATABASE_CLUSTER, {"engine": "aurora-postgresql", "engineVersion": "15.4"}, name="older")
    newer = resource(tokens.DATABASE_CLUSTER, {"engine": "aurora-postgresql", "engineVersion": "16.6"}, name="newer")
    stated = {"versions": {"aurora-postgresql": "16.6"}}

    assert ask_stack("engine-versions-agree", newer, config=stated) == []
    assert len(ask_stack("engine-versions-agree", older, newer)) == 2
    assert [violation.urn for violation in ask_stack("engine-versions-agree", older, config=stated)] == [older.urn]


class TestRemediation:
    def test_a_missing_retention_is_set_and_everything_else_left(self) -> None:
        group = {"name": "meridian", "kmsKeyId": UNKNOWN}

        assert mended("log-groups-have-a-retention", tokens.LOG_GROUP, group) == {**group, "retentionInDays": 30}

    def test_a_retention_that_somebody_chose_is_not_changed(self) -> None:
        assert mended("log-groups-have-a-retention", tokens.LOG_GROUP, {"retentionInDays": 3653}) is None

    def test_missing_tags_are_added_with_the_component_that_the_resource_belongs_to(self) -> None:
        own = urn("meridian:cell:RegionalCell$meridian:queues:WorkQueue$aws:sqs/queue:Queue")

        assert mended("tags-are-set", tokens.QUEUE, {"tags": {"Owner": "shop"}}, urn_=own) == {
            "tags": {
                "Owner": "shop",
                "Project": "meridian",
                "Stack": "us-east-1",
                "Component": "WorkQueue",
                "ManagedBy": "pulumi",
            }
        }

    def test_complete_tags_are_left_alone(self) -> None:
        tags = {"Project": "meridian", "Stack": "us-east-1", "Component": "X", "ManagedBy": "pulumi"}

        assert mended("tags-are-set", tokens.QUEUE, {"tags": tags}) is None

    def test_what_is_mended_keeps_the_rule(self) -> None:
        properties = mended("tags-are-set", tokens.QUEUE, {"name": "meridian-x"})

        assert properties is not None
        assert ask("tags-are-set", resource(tokens.QUEUE, properties)) == []
