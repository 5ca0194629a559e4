"""Data outlives mistakes: no deletion by accident, a way back in time, and more than one Availability Zone."""

from collections.abc import Iterator, Mapping
from typing import Final

from pulumi_policy import Severity
from pydantic import Field

from policies import tokens
from policies.configuration import Parameters
from policies.resources import Resource, Stack
from policies.rule import Theme, resource_rule, stack_rule

# What holds data, or the only key to it; what is lost with it can not be made again.
_HOLDING_DATA: Final = (
    tokens.BUCKET,
    tokens.DATABASE_CLUSTER,
    tokens.DATABASE_GLOBAL_CLUSTER,
    tokens.DATABASE_SINGLE,
    tokens.KEY,
    tokens.REPOSITORY,
    tokens.TABLE,
    tokens.USER_POOL,
)
# AWS's own refusal to delete, which also holds against the console.
_DELETION_PROTECTION: Final[Mapping[str, tuple[str, object]]] = {
    tokens.DATABASE_CLUSTER: ("deletionProtection", True),
    tokens.DATABASE_GLOBAL_CLUSTER: ("deletionProtection", True),
    tokens.DATABASE_SINGLE: ("deletionProtection", True),
    tokens.LOAD_BALANCER: ("enableDeletionProtection", True),
    tokens.TABLE: ("deletionProtectionEnabled", True),
    tokens.USER_POOL: ("deletionProtection", "ACTIVE"),
}
_FORCED: Final[Mapping[str, str]] = {
    tokens.BUCKET: "forceDestroy",
    tokens.REPOSITORY: "forceDelete",
    tokens.DATABASE_CLUSTER: "skipFinalSnapshot",
    tokens.DATABASE_SINGLE: "skipFinalSnapshot",
}
_SUBNETS: Final[Mapping[str, str]] = {
    tokens.LOAD_BALANCER: "subnets",
    tokens.SERVICE: "networkConfiguration.subnets",
    tokens.VPC_ENDPOINT: "subnetIds",
}
_LEAST_ZONES: Final = 2


class Lifetime(Parameters):
    """Whether the stack is meant to be destroyed with its data."""

    ephemeral: bool = Field(default=False, description="Whether the stack may be destroyed with its data.")


class Backups(Lifetime):
    """How far back data can be had."""

    backup_days: int = Field(default=14, ge=1, le=35, description="For how many days a database's backups are kept.")


@resource_rule(
    Theme.DURABILITY,
    *_HOLDING_DATA,
    reason="A renamed resource or a changed key is a deletion in disguise; only protection refuses it.",
    remedy="Set protect=True; a stack that may lose its data is marked by meridian:ephemeral.",
    severity=Severity.CRITICAL,
)
def data_is_protected(resource: Resource, parameters: Lifetime) -> Iterator[str]:
    """What holds data is protected against deletion and replacement by Pulumi."""
    if not parameters.ephemeral and not resource.protect:
        yield "the option protect is not set"


@resource_rule(
    Theme.DURABILITY,
    *_DELETION_PROTECTION,
    reason="Pulumi's protection does not hold in the console or in another tool.",
    remedy="Switch deletion protection on; a stack that may lose its data is marked by meridian:ephemeral.",
    severity=Severity.HIGH,
)
def deletion_is_refused(resource: Resource, parameters: Lifetime) -> Iterator[str]:
    """What holds data has AWS's own deletion protection, replicas included."""
    if parameters.ephemeral:
        return
    path, on = _DELETION_PROTECTION[resource.type]
    if resource.properties.get(path) != on:
        yield f"{path} is {resource.properties.get(path)!r}: it must be {on!r}"
    for replica in resource.properties.objects("replicas"):
        if not replica.is_true("deletionProtectionEnabled"):
            yield f"the replica in {replica.text('regionName')} has no deletionProtectionEnabled"


@resource_rule(
    Theme.DURABILITY,
    *_FORCED,
    reason="The refusal to delete what is not empty, and the last snapshot, are the last chances to notice.",
    remedy="Leave force_destroy and force_delete off and skip_final_snapshot false outside ephemeral stacks.",
    severity=Severity.HIGH,
)
def contents_are_not_deleted(resource: Resource, parameters: Lifetime) -> Iterator[str]:
    """Nothing is deleted together with what it still holds."""
    path = _FORCED[resource.type]
    if not parameters.ephemeral and resource.properties.is_true(path):
        yield f"{path} is true"


@resource_rule(
    Theme.DURABILITY,
    tokens.TABLE,
    reason="Replication carries a wrong write to every Region within a second: only the past has the right value.",
    remedy="Switch point-in-time recovery on, on each replica too: there it is off by default.",
    severity=Severity.HIGH,
)
def tables_keep_point_in_time_recovery(table: Resource, parameters: Parameters) -> Iterator[str]:
    """Every table and each of its replicas keeps point-in-time recovery."""
    del parameters
    if not table.properties.is_true("pointInTimeRecovery.enabled"):
        yield "pointInTimeRecovery.enabled is not true"
    for replica in table.properties.objects("replicas"):
        if not replica.is_true("pointInTimeRecovery"):
            yield f"the replica in {replica.text('regionName')} has no pointInTimeRecovery"


@resource_rule(
    Theme.DURABILITY,
    tokens.DATABASE_CLUSTER,
    tokens.DATABASE_SINGLE,
    reason="A wrong migration is often noticed days later.",
    remedy="Set backup_retention_period and copy_tags_to_snapshot.",
    severity=Severity.HIGH,
)
def databases_keep_backups(database: Resource, parameters: Backups) -> Iterator[str]:
    """Databases keep their backups, with their tags."""
    days = database.properties.number("backupRetentionPeriod") or 0
    if not parameters.ephemeral and days < parameters.backup_days:
        yield f"backupRetentionPeriod is {days:.0f} days: it must be {parameters.backup_days} or more"
    if not database.properties.is_true("copyTagsToSnapshot"):
        yield "copyTagsToSnapshot is not true"


@stack_rule(
    Theme.DURABILITY,
    tokens.BUCKET,
    reason="An overwritten or deleted object is gone otherwise, and replication needs versions.",
    remedy="Add a BucketVersioning that is Enabled.",
    severity=Severity.HIGH,
)
def buckets_keep_versions(bucket: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """Every bucket keeps old versions of its objects."""
    del parameters
    versionings = stack.referring(tokens.BUCKET_VERSIONING, "bucket", bucket)
    if not any(versioning.properties.text("versioningConfiguration.status") == "Enabled" for versioning in versionings):
        yield "no versioning of this stack is enabled for it"


@resource_rule(
    Theme.DURABILITY,
    *_SUBNETS,
    tokens.DATABASE_SINGLE,
    tokens.FUNCTION,
    reason="A zone fails more often than a Region; failing over to another Region for it is the dearer way.",
    remedy="Pass the subnets of all zones; run two tasks or more; set multi_az.",
    severity=Severity.HIGH,
)
def workloads_span_zones(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """What runs in a network runs in two Availability Zones or more."""
    del parameters
    properties = resource.properties
    match resource.type:
        case tokens.DATABASE_SINGLE:
            if not properties.is_true("multiAz"):
                yield "multiAz is not true"
            return
        case tokens.VPC_ENDPOINT if properties.text("vpcEndpointType") != "Interface":
            return
        case tokens.FUNCTION if not properties.has("vpcConfig"):
            return
        case _:
            pass
    path = "vpcConfig.subnetIds" if resource.type == tokens.FUNCTION else _SUBNETS[resource.type]
    if properties.count(path) < _LEAST_ZONES:
        yield f"{path} has {properties.count(path)} members: it must have {_LEAST_ZONES} or more"
    # From the first deployment on the number may be the auto scaling's: its least number counts then.
    if resource.type == tokens.SERVICE and (properties.number("desiredCount") or 0) < _LEAST_ZONES:
        yield f"desiredCount is below {_LEAST_ZONES}"


@stack_rule(
    Theme.DURABILITY,
    tokens.VPC,
    tokens.DATABASE_CLUSTER,
    tokens.SCALABLE_TARGET,
    reason="With two zones the loss of one takes half of everything away, with three a third.",
    remedy="Give each zone a subnet; add an instance to the cluster; raise the least number of tasks.",
    severity=Severity.HIGH,
)
def the_stack_spans_zones(resource: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """Networks span three zones, database clusters have two members, and no service scales to one task."""
    del parameters
    match resource.type:
        case tokens.VPC:
            subnets = stack.referring(tokens.SUBNET, "vpcId", resource)
            zones = {subnet.properties.text("availabilityZone") for subnet in subnets}
            if len(zones) < 3:
                yield f"its subnets lie in {len(zones)} zones"
        case tokens.DATABASE_CLUSTER:
            members = stack.referring(tokens.DATABASE_INSTANCE, "clusterIdentifier", resource)
            if len(members) < _LEAST_ZONES:
                yield f"it has {len(members)} instances"
        case _:
            if resource.properties.get("minCapacity", 0) < _LEAST_ZONES:
                yield f"minCapacity is {resource.properties.get('minCapacity')}"


RULES: Final = (
    data_is_protected,
    deletion_is_refused,
    contents_are_not_deleted,
    tables_keep_point_in_time_recovery,
    databases_keep_backups,
    buckets_keep_versions,
    workloads_span_zones,
    the_stack_spans_zones,
)
