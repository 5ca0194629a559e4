"""Bounds on what costs by the hour or without end: a mistake in a number must not be found on the bill."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from pulumi_policy import EnforcementLevel, Severity
from pydantic import Field

from policies import tokens
from policies.configuration import Parameters
from policies.resources import Resource, Stack
from policies.rule import Theme, resource_rule, stack_rule

_CLASS: Final[Mapping[str, str]] = {
    tokens.DATABASE_INSTANCE: "instanceClass",
    tokens.DATABASE_SINGLE: "instanceClass",
    tokens.DAX: "nodeType",
    tokens.INSTANCE: "instanceType",
    tokens.REPLICATION_INSTANCE: "replicationInstanceClass",
}


class NatGateways(Parameters):
    """How many NAT gateways there are."""

    most: int = Field(default=3, ge=0, description="The most NAT gateways of a stack: one a zone.")


class Capacity(Parameters):
    """What may be provisioned."""

    table_units: int = Field(default=0, ge=0, description="The most provisioned units of a table; 0: on demand only.")
    function_concurrency: int = Field(default=20, ge=0, description="The most provisioned concurrency of a function.")
    function_memory: int = Field(default=3008, ge=128, description="The most memory of a function, in MiB.")
    tasks: int = Field(default=50, ge=1, description="The most tasks that a service may scale to.")
    shards: int = Field(default=8, ge=1, description="The most shards of a provisioned stream.")
    database_units: float = Field(default=32, description="The most capacity units of a serverless database cluster.")


class InstanceClasses(Parameters):
    """Which machines may be used."""

    classes: list[str] = Field(
        default=["db.serverless", "db.t4g.*", "dax.t3.*", "dms.t3.*", "t4g.*"],
        description="Classes of databases, caches and machines; `*` stands for any part.",
    )


@stack_rule(
    Theme.COST,
    tokens.NAT_GATEWAY,
    reason="Each costs some 33 USD a month in standing still, and each gigabyte through it again.",
    remedy="Use VPC endpoints; make one gateway a zone at most.",
    severity=Severity.MEDIUM,
)
def nat_gateways_are_counted(gateway: Resource, stack: Stack, parameters: NatGateways) -> Iterator[str]:
    """A stack has no more NAT gateways than zones."""
    gateways = list(stack.of_type(tokens.NAT_GATEWAY))
    if gateways.index(gateway) >= parameters.most:
        yield f"it is one of {len(gateways)}: {parameters.most} are allowed"


@resource_rule(
    Theme.COST,
    tokens.DATABASE_CLUSTER,
    tokens.FUNCTION,
    tokens.FUNCTION_CONCURRENCY,
    tokens.SCALABLE_TARGET,
    tokens.STREAM,
    tokens.TABLE,
    reason="Capacity that is provisioned is paid for unused; scaling without a bound pays for an attack.",
    remedy="Use capacity on demand, or have the limit in this rule's configuration raised.",
    severity=Severity.MEDIUM,
)
def provisioned_capacity_is_limited(resource: Resource, parameters: Capacity) -> Iterator[str]:
    """Provisioned capacity, memory and scaling stay within limits."""
    properties = resource.properties
    limits: Mapping[str, float] = {
        tokens.DATABASE_CLUSTER: {"serverlessv2ScalingConfiguration.maxCapacity": parameters.database_units},
        tokens.FUNCTION: {"memorySize": parameters.function_memory},
        tokens.FUNCTION_CONCURRENCY: {"provisionedConcurrentExecutions": parameters.function_concurrency},
        tokens.SCALABLE_TARGET: {"maxCapacity": parameters.tasks},
        tokens.STREAM: {"shardCount": parameters.shards},
        tokens.TABLE: {"readCapacity": parameters.table_units, "writeCapacity": parameters.table_units},
    }[resource.type]
    if resource.type == tokens.TABLE:
        mode = properties.get("billingMode", "PROVISIONED")
        if mode != "PAY_PER_REQUEST" and not parameters.table_units:
            yield f"billingMode is {mode}: it must be PAY_PER_REQUEST"
        if mode == "PAY_PER_REQUEST":
            return  # AWS reports the capacities of a table on demand as 0
    for path, most in limits.items():
        value = properties.number(path)
        if value is not None and value > most:
            yield f"{path} is {value:g}: {most:g} is the limit"


@resource_rule(
    Theme.COST,
    *_CLASS,
    reason="One letter in a class is a factor of ten on the bill.",
    remedy="Use an allowed class, or have this rule's configuration extended.",
    severity=Severity.MEDIUM,
)
def instance_classes_are_allowed(resource: Resource, parameters: InstanceClasses) -> Iterator[str]:
    """Machines are of an allowed class."""
    class_ = resource.properties.text(_CLASS[resource.type])
    if not any(fnmatchcase(class_, allowed) for allowed in parameters.classes):
        yield f"{_CLASS[resource.type]} is {class_!r}: allowed are {', '.join(parameters.classes)}"


@stack_rule(
    Theme.COST,
    tokens.BUCKET,
    tokens.REPOSITORY,
    reason="Nobody deletes what nobody sees; storage only grows.",
    remedy="Add a LifecyclePolicy to the repository, a BucketLifecycleConfiguration to the bucket.",
    severity=Severity.LOW,
    level=EnforcementLevel.ADVISORY,
)
def stored_things_expire(resource: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """What is stored for a while expires: old images, old versions, uploads that were never finished."""
    del parameters
    type_, path = {
        tokens.BUCKET: (tokens.BUCKET_LIFECYCLE, "bucket"),
        tokens.REPOSITORY: (tokens.REPOSITORY_LIFECYCLE, "repository"),
    }[resource.type]
    if not stack.referring(type_, path, resource):
        yield f"no {type_.rsplit(':', 1)[-1]} of this stack belongs to it"


RULES: Final = (
    nat_gateways_are_counted,
    provisioned_capacity_is_limited,
    instance_classes_are_allowed,
    stored_things_expire,
)
