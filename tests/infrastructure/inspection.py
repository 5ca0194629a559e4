"""Questions that tests ask of recorded resources: policies, tags, Regions, and what the SDK says about a type."""

import importlib
import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from pulumi.output import Unknown

from local.recording import Graph, RecordedResource

POLICY_PROPERTIES = {
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/policy:Policy": "policy",
    "aws:iam/role:Role": "assumeRolePolicy",
    "aws:kms/key:Key": "policy",
    "aws:sqs/queue:Queue": "policy",
    "aws:sqs/queuePolicy:QueuePolicy": "policy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
    "aws:sns/topic:Topic": "policy",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "policy",
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": "policy",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "policyDocument",
    "aws:apigateway/restApiPolicy:RestApiPolicy": "policy",
}
IDENTITY_POLICIES = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy")


@dataclass(frozen=True)
class PolicyStatement:
    """One statement of a policy that some resource carries."""

    resource: RecordedResource
    document: Mapping[str, Any]

    @property
    def actions(self) -> list[str]:
        """The actions, a list whether IAM's one text or many."""
        return as_list(self.document.get("Action", []))

    @property
    def resources(self) -> list[str]:
        """The resources, likewise."""
        return as_list(self.document.get("Resource", []))

    @property
    def allows(self) -> bool:
        """Whether it gives a permission."""
        return self.document["Effect"] == "Allow"

    @property
    def conditions(self) -> Mapping[str, Mapping[str, Any]]:
        """Operator → key → value."""
        return self.document.get("Condition", {})

    @property
    def condition_keys(self) -> set[str]:
        """The keys that conditions look at."""
        return {key for keys in self.conditions.values() for key in keys}

    def principals(self, kind: str) -> list[str]:
        """The principals of a kind (`AWS`, `Service`); "*" alone counts as any AWS principal."""
        principal = self.document.get("Principal", {})
        if principal == "*":
            return ["*"] if kind == "AWS" else []
        return as_list(principal.get(kind, []))

    def __str__(self) -> str:
        return f"{self.resource.stack} {self.resource.name}: {json.dumps(self.document)}"


def statements(graph: Graph, *types: str) -> Iterator[PolicyStatement]:
    """Yield the statements of all policies in a graph, or of those that resources of some types carry."""
    for resource in graph:
        if resource.type not in (types or POLICY_PROPERTIES):
            continue
        text = resource.inputs.get(POLICY_PROPERTIES[resource.type])
        if text is None:
            continue
        document = cast("Mapping[str, Any]", json.loads(text) if isinstance(text, str) else text)
        for statement in document["Statement"]:
            yield PolicyStatement(resource, statement)


def as_list(value: str | list[str]) -> list[str]:
    """Return IAM's one-or-many as many."""
    return [value] if isinstance(value, str) else list(value)


def aws_resources(graphs: Iterable[Graph]) -> Iterator[RecordedResource]:
    """Yield everything of AWS in these stacks."""
    return (resource for graph in graphs for resource in graph if resource.type.startswith("aws:"))


@cache
def sdk_arguments(type_: str) -> frozenset[str]:
    """Return the arguments that the SDK's class for a type takes."""
    _, module, name = type_.split(":")
    package = module.partition("/")[0]
    package = {"lambda": "lambda_"}.get(package, package)
    resource_class = getattr(importlib.import_module(f"pulumi_aws.{package}"), name)
    return frozenset(inspect.signature(resource_class._internal_init).parameters)


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every scalar of nested values with its path; texts that hold JSON are nested values too."""
    value = _unfolded(value)
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[str, object]", value).items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def _unfolded(value: object) -> object:
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value  # a template or a pattern that only looks alike


def is_known(value: object) -> bool:
    """Whether a recorded value is known, with everything in it."""
    return not any(isinstance(leaf, Unknown) for _, leaf in leaves(value))
