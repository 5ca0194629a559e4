"""Checks names, enumerations, ranges and patterns against the shapes of the AWS APIs that botocore carries.

A resource type is mapped to the operation that makes it; its inputs are paired with the operation's members by name.
What finds no partner is not judged: the provider has names of its own, and an unpaired name is no mistake.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, cast

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape
from pulumi.output import Unknown

from local.recording import RecordedResource

OPERATIONS: Final[Mapping[str, str]] = {
    "aws:apigateway/deployment:Deployment": "apigateway.CreateDeployment",
    "aws:apigateway/restApi:RestApi": "apigateway.CreateRestApi",
    "aws:apigateway/stage:Stage": "apigateway.CreateStage",
    "aws:appautoscaling/policy:Policy": "application-autoscaling.PutScalingPolicy",
    "aws:appautoscaling/target:Target": "application-autoscaling.RegisterScalableTarget",
    "aws:cloudwatch/eventArchive:EventArchive": "events.CreateArchive",
    "aws:cloudwatch/eventBus:EventBus": "events.CreateEventBus",
    "aws:cloudwatch/eventRule:EventRule": "events.PutRule",
    "aws:cloudwatch/eventTarget:EventTarget": "events.PutTargets/Targets",
    "aws:cloudwatch/logGroup:LogGroup": "logs.CreateLogGroup",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch.PutMetricAlarm",
    "aws:cognito/resourceServer:ResourceServer": "cognito-idp.CreateResourceServer",
    "aws:cognito/userGroup:UserGroup": "cognito-idp.CreateGroup",
    "aws:cognito/userPool:UserPool": "cognito-idp.CreateUserPool",
    "aws:cognito/userPoolClient:UserPoolClient": "cognito-idp.CreateUserPoolClient",
    "aws:cognito/userPoolDomain:UserPoolDomain": "cognito-idp.CreateUserPoolDomain",
    "aws:dynamodb/table:Table": "dynamodb.CreateTable",
    "aws:ec2/flowLog:FlowLog": "ec2.CreateFlowLogs",
    "aws:ec2/securityGroup:SecurityGroup": "ec2.CreateSecurityGroup",
    "aws:ec2/subnet:Subnet": "ec2.CreateSubnet",
    "aws:ec2/vpc:Vpc": "ec2.CreateVpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "ec2.CreateVpcEndpoint",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "ecr.PutLifecyclePolicy",
    "aws:ecr/repository:Repository": "ecr.CreateRepository",
    "aws:ecs/cluster:Cluster": "ecs.CreateCluster",
    "aws:ecs/service:Service": "ecs.CreateService",
    "aws:ecs/taskDefinition:TaskDefinition": "ecs.RegisterTaskDefinition",
    "aws:iam/role:Role": "iam.CreateRole",
    "aws:iam/rolePolicy:RolePolicy": "iam.PutRolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "iam.AttachRolePolicy",
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": "iam.CreateServiceLinkedRole",
    "aws:kms/alias:Alias": "kms.CreateAlias",
    "aws:kms/key:Key": "kms.CreateKey",
    "aws:lambda/alias:Alias": "lambda.CreateAlias",
    "aws:lambda/eventSourceMapping:EventSourceMapping": "lambda.CreateEventSourceMapping",
    "aws:lambda/function:Function": "lambda.CreateFunction",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": "lambda.PutFunctionEventInvokeConfig",
    "aws:lambda/permission:Permission": "lambda.AddPermission",
    "aws:s3/bucket:Bucket": "s3.CreateBucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        "s3.PutBucketLifecycleConfiguration/LifecycleConfiguration"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "s3.PutBucketOwnershipControls/OwnershipControls",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "s3.PutBucketEncryption/ServerSideEncryptionConfiguration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "s3.PutBucketVersioning",
    "aws:scheduler/schedule:Schedule": "scheduler.CreateSchedule",
    "aws:scheduler/scheduleGroup:ScheduleGroup": "scheduler.CreateScheduleGroup",
    "aws:sfn/stateMachine:StateMachine": "stepfunctions.CreateStateMachine",
    "aws:sns/topic:Topic": "sns.CreateTopic",
    "aws:sqs/queue:Queue": "sqs.CreateQueue",
}
_PROVIDERS_NAMES: Final[Mapping[tuple[str, str], str]] = {
    ("dynamodb.CreateTable", "attributes"): "AttributeDefinitions",
    ("dynamodb.CreateTable", "attributes.name"): "AttributeName",
    ("dynamodb.CreateTable", "attributes.type"): "AttributeType",
    ("dynamodb.CreateTable", "streamViewType"): "StreamSpecification.StreamViewType",
    ("lambda.CreateFunction", "imageConfig.commands"): "Command",
    ("lambda.AddPermission", "function"): "FunctionName",
    ("iam.CreateRole", "assumeRolePolicy"): "AssumeRolePolicyDocument",
    ("iam.PutRolePolicy", "role"): "RoleName",
    ("iam.PutRolePolicy", "name"): "PolicyName",
    ("iam.PutRolePolicy", "policy"): "PolicyDocument",
    ("iam.AttachRolePolicy", "role"): "RoleName",
    ("cloudwatch.PutMetricAlarm", "name"): "AlarmName",
    ("events.PutTargets/Targets", "targetId"): "Id",
}
# Documents within documents have checks of their own, and IAM's pattern of them is only an alphabet.
_JSON: Final = frozenset({"containerDefinitions"})


class UnknownMemberError(Exception):
    """The table of the provider's names points to a member that the API does not have."""


def violations(resources: Iterable[RecordedResource]) -> list[str]:
    """Return what an API would refuse."""
    return [problem for _, problem in _findings(resources) if problem]


def judged(resources: Iterable[RecordedResource]) -> int:
    """Return how many values were paired with a shape that says something about them."""
    return sum(1 for _ in _findings(resources))


def _findings(resources: Iterable[RecordedResource]) -> Iterator[tuple[str, str]]:
    for resource in resources:
        operation = OPERATIONS.get(resource.type)
        if operation is None:
            continue
        for path, problem in _structure(resource.inputs, _shape(operation), operation, ""):
            yield path, f"{resource.urn} {path}: {problem} ({operation})" if problem else ""


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


@cache
def _shape(operation: str) -> StructureShape:
    path, _, member = operation.partition("/")
    service, _, name = path.partition(".")
    shape = _model(service).operation_model(name).input_shape
    if member:
        shape = cast("StructureShape", shape).members[member]
        shape = shape.member if isinstance(shape, ListShape) else shape
    return cast("StructureShape", shape)


def _structure(value: Mapping[str, Any], shape: StructureShape, operation: str, path: str) -> Iterator[tuple[str, str]]:
    """Yield each judged value's path with what is wrong with it, or nothing."""
    for key, item in value.items():
        here = f"{path}.{key}" if path else key
        member = _member(shape, operation, key, re.sub(r"\[\d+\]", "", here))
        if member is not None and item is not None and not isinstance(item, Unknown):
            yield from _judge(json.loads(item) if key in _JSON else item, member, operation, here)


def _member(shape: StructureShape, operation: str, key: str, path: str) -> Shape | None:
    if told := _PROVIDERS_NAMES.get((operation, path)):
        found: Shape = shape
        for part in told.split("."):
            if not isinstance(found, StructureShape) or part not in found.members:
                raise UnknownMemberError(f"{operation} has no {told}")
            found = found.members[part]
        return found
    # `name` is the function's name to CreateFunction, and so on.
    noun = re.sub(r".*\.(Create|Put|Register)", "", operation)
    return _by_name(shape).get(_plain(key)) or (_by_name(shape).get(f"{noun}name".lower()) if path == "name" else None)


@cache
def _by_name(shape: StructureShape) -> dict[str, Shape]:
    return {_plain(name): member for name, member in shape.members.items()}


def _plain(name: str) -> str:
    """The provider writes lists in the plural where the API may write the singular."""
    return re.sub(r"(ies|es|s)$", "", name.lower())


def _judge(value: Any, shape: Shape, operation: str, path: str) -> Iterator[tuple[str, str]]:
    match shape, value:
        case StructureShape(), Mapping():
            yield from _structure(cast("Mapping[str, Any]", value), shape, operation, path)
        case StructureShape(), [Mapping()]:
            yield from _structure(cast("Mapping[str, Any]", value[0]), shape, operation, f"{path}[0]")
        case ListShape(), list():
            items = cast("list[Any]", value)
            yield path, _size(len(items), shape, "items")
            for index, item in enumerate(items):
                yield from _judge(item, shape.member, operation, f"{path}[{index}]")
        case MapShape(), Mapping():
            for key, item in cast("Mapping[str, Any]", value).items():
                yield from _judge(key, shape.key, operation, f"{path}.{key}")
                yield from _judge(item, shape.value, operation, f"{path}.{key}")
        case Shape(type_name="string"), str() if {"enum", "min", "max", "pattern"} & shape.metadata.keys():
            yield path, _text(value, shape)
        case Shape(type_name="integer" | "long" | "float" | "double"), int() | float() if not isinstance(value, bool):
            yield path, _size(value, shape, "")
        case _:
            return


def _text(value: str, shape: Shape) -> str:
    allowed = cast("StringShape", shape).enum
    if allowed and value not in allowed:
        return f"{value!r} is none of {', '.join(allowed)}"
    pattern = _pattern(shape.metadata.get("pattern"))
    if pattern is not None and not pattern.search(value):
        return f"{value!r} does not match {pattern.pattern}"
    return _size(len(value), shape, "characters")


def _size(size: float, shape: Shape, unit: str) -> str:
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    if minimum is not None and size < minimum:
        return f"{size} {unit} is less than {minimum}"
    if maximum is not None and size > maximum:
        return f"{size} {unit} is more than {maximum}"
    return ""


@cache
def _pattern(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(rf"^(?:{pattern})$", re.DOTALL)
    except re.error:
        return None  # Java's classes of characters (\p{L}), which Python does not have
