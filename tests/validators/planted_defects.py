"""Defects that each validator must catch, planted into the recorded graph of the real program."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from local.recording import RecordedResource
from tests.policies.planting import CELL, GLOBAL, Defect, allowing, first_operation, having, new, saying, without
from tests.validators import (
    botocore_shapes,
    event_routes,
    iam_documents,
    openapi_documents,
    sdk_arguments,
    state_machines,
)

Validator = Callable[[Iterable[RecordedResource]], list[str]]

VALIDATORS: Final[Mapping[str, Validator]] = {
    "inputs fit the SDK's argument types": sdk_arguments.violations,
    "inputs fit the shapes of the AWS APIs": botocore_shapes.violations,
    "IAM documents permit what they say": iam_documents.violations,
    "state machines are of the States Language": state_machines.violations,
    "the OpenAPI document can be imported": openapi_documents.violations,
    "rules match their events and no others": event_routes.violations,
}

_TABLE, _FUNCTION, _QUEUE = "aws:dynamodb/table:Table", "aws:lambda/function:Function", "aws:sqs/queue:Queue"
_ALARM, _SOURCE = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:lambda/eventSourceMapping:EventSourceMapping"
_ROLE, _ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
_MACHINE, _API, _RULE = state_machines.STATE_MACHINE, openapi_documents.API, event_routes.RULE
_SERVICE, _TASK = "aws:ecs/service:Service", "aws:ecs/taskDefinition:TaskDefinition"
_TABLE_ARN: Final = "arn:aws:dynamodb:us-east-1:123456789012:table/meridian-checkout"
_NO_OPERATOR: Final = {"StringEqual": {"aws:SourceAccount": "1"}}
_NO_DRAFT_4: Final = {"minimum": 0, "exclusiveMinimum": 0}
_INTEGRATION: Final = "x-amazon-apigateway-integration"
_QUEUE_ARN: Final = "arn:aws:sqs:us-east-1:123456789012:meridian-checkout-commands"


def _state(name: str, **changes: Any) -> Callable[[Any], Any]:
    def edit(machine: Any) -> Any:
        state = {**machine["States"][name], **changes}
        machine["States"][name] = {key: value for key, value in state.items() if value is not None}
        return machine

    return edit


def _pattern(**changes: Any) -> Callable[[Any], Any]:
    return lambda pattern: {key: value for key, value in {**pattern, **changes}.items() if value is not None}


def _document(change: Callable[[Any], object]) -> Callable[[Any], Any]:
    def edit(document: Any) -> Any:
        change(document)
        return document

    return edit


def _container(**changes: Any) -> Callable[[Any], Any]:
    return lambda containers: [{**containers[0], **changes}]


PLANTED: Final[Mapping[str, Sequence[Defect]]] = {
    "inputs fit the SDK's argument types": [
        having(_TABLE, "replicas", [{"regionName": "eu-west-1", "pointInTimeRecovry": True}], stack=GLOBAL),
        having(_TABLE, "replicas", [{"kmsKeyArn": "k"}], stack=GLOBAL),
        having(_FUNCTION, "memorySize", "512 MB"),
        having(_FUNCTION, "tracingConfig", {"mod": "Active"}),
        having(_QUEUE, "tags", ["Project"]),
        without(_SOURCE, "functionName"),
        having(_SERVICE, "networkConfiguration.assignPublicIp", "no"),
        new("aws:s3/bucketVersioning:BucketVersioning", bucket="b", versioningConfiguration={"state": "Enabled"}),
    ],
    "inputs fit the shapes of the AWS APIs": [
        having(_TABLE, "billingMode", "PAYPERREQUEST", stack=GLOBAL),
        having(_TABLE, "attributes.0.type", "TEXT", stack=GLOBAL),
        having(_FUNCTION, "memorySize", 64),
        having(_FUNCTION, "architectures", ["arm"]),
        having(_ALARM, "comparisonOperator", "GreaterThan"),
        having(_ALARM, "evaluationPeriods", 0),
        having(_SOURCE, "maximumRetryAttempts", 20_000),
        having(_TASK, "requiresCompatibilities", ["FARGAT"]),
        having(_ROLE, "name", "a role"),
        saying(_TASK, "containerDefinitions", _container(logConfiguration={"logDriver": "awslog"}), "logs to awslog"),
    ],
    "IAM documents permit what they say": [
        allowing(_ROLE_POLICY, {"Action": "dynamodb:GetItems", "Resource": _TABLE_ARN}, "with an action that is none"),
        allowing(_ROLE_POLICY, {"Action": "dynamodb:GetItem", "Resource": _QUEUE_ARN}, "on the wrong type of resource"),
        allowing(
            _ROLE_POLICY,
            {"Action": "dynamodb:GetItem", "Resource": [_TABLE_ARN, _QUEUE_ARN]},
            "with a resource that no action supports",
        ),
        allowing(_ROLE_POLICY, {"Action": "ecr:GetAuthorizationToken", "Resource": _TABLE_ARN}, "on what needs '*'"),
        allowing(
            _ROLE_POLICY,
            {
                "Action": "sqs:SendMessage",
                "Resource": _QUEUE_ARN,
                "Condition": {"StringEquals": {"dynamodb:LeadingKeys": "x"}},
            },
            "with a condition key of another service",
        ),
        allowing(
            _ROLE_POLICY,
            {
                "Action": "sqs:SendMessage",
                "Resource": _QUEUE_ARN,
                "Condition": _NO_OPERATOR,
            },
            "with an operator that is none",
        ),
        allowing(
            _ROLE_POLICY, {"Principal": "*", "Action": "sqs:SendMessage", "Resource": _QUEUE_ARN}, "with a principal"
        ),
        allowing(
            _ROLE,
            {"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole", "Resource": "*"},
            "with a resource in the trust",
            path="assumeRolePolicy",
        ),
        saying(_ROLE_POLICY, "policy", lambda document: {**document, "Version": "2008-10-17"}, "of the old version"),
    ],
    "state machines are of the States Language": [
        saying(_MACHINE, "definition", _state("Reserve", TimeoutSecond=3), "with a field that is none"),
        saying(_MACHINE, "definition", _state("Reserve", Next="Debt"), "with a transition to nowhere"),
        saying(_MACHINE, "definition", lambda machine: {**machine, "StartAt": "Begin"}, "that starts nowhere"),
        saying(
            _MACHINE,
            "definition",
            _document(
                lambda machine: machine["States"].update(
                    Parked={"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "Park"}]}
                )
            ),
            "with a choice without default",
        ),
        saying(_MACHINE, "definition", _state("Park", Next="Park"), "that goes round in circles"),
        saying(
            _MACHINE, "definition", _state("Reserve", Output="{% $states.input. %}"), "with an expression that is none"
        ),
        saying(
            _MACHINE,
            "definition",
            _document(lambda machine: machine["States"].update(Nobody={"Type": "Succeed"})),
            "with a state that no way leads to",
        ),
        saying(_MACHINE, "definition", _state("Reserve", ResultPath="answer"), "with a path that is none"),
        saying(
            _MACHINE,
            "definition",
            _state("Reserve", ResultSelector={"outcome.$": "Payload"}),
            "with a selector that is none",
        ),
    ],
    "the OpenAPI document can be imported": [
        saying(_API, "body", first_operation(lambda post: post.pop("responses")), "without responses"),
        saying(
            _API,
            "body",
            first_operation(lambda post: post.pop(_INTEGRATION)),
            "without integration",
        ),
        saying(
            _API,
            "body",
            first_operation(lambda post: post[_INTEGRATION].update(httpMethod="GET")),
            "that invokes a function by GET",
        ),
        saying(
            _API,
            "body",
            first_operation(lambda post: post.update(security=[{"token": []}])),
            "with a scheme that is none",
        ),
        saying(_API, "body", lambda document: {**document, "openapi": "3.1.0"}, "of another version"),
        saying(
            _API,
            "body",
            _document(lambda document: document["components"]["schemas"].update({"An_Order": {"type": "object"}})),
            "with a model's name that is none",
        ),
        saying(
            _API,
            "body",
            _document(
                lambda document: document["components"]["schemas"].update(
                    {"Amount": {"minimum": 0, "exclusiveMinimum": 0}}
                )
            ),
            "with a model of a later draft",
        ),
        saying(
            _API,
            "body",
            _document(lambda document: document["paths"].update({"/v1/orders/{id}.json": {}})),
            "with braces around half a part",
        ),
    ],
    "rules match their events and no others": [
        saying(_RULE, "eventPattern", _pattern(detail=None), "that forgets the Region"),
        saying(_RULE, "eventPattern", _pattern(**{"detail-type": ["PlaceOrders"]}), "with a type that is none"),
        saying(_RULE, "eventPattern", _pattern(**{"detail-type": ["PlaceOrder"]}), "that misses commands"),
        saying(_RULE, "eventPattern", _pattern(**{"detail-type": "PlaceOrder"}), "with a value that is no list"),
        saying(
            _RULE, "eventPattern", _pattern(source=None), "that lets anybody award points", named="loyalty-purchases"
        ),
        saying(_RULE, "eventPattern", _pattern(source=None), "that lets anybody change a view", named="single-view"),
        new(_RULE, CELL, name="meridian-unheard-of", eventPattern=json.dumps({"source": ["meridian.checkout"]})),
    ],
}
