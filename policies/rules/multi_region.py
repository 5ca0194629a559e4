"""What makes several Regions one system: each thing in its Region and in its stack, and the same things everywhere."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity
from pydantic import Field

from policies import tokens
from policies.configuration import Parameters
from policies.resources import Resource, Stack
from policies.rule import Theme, resource_rule, stack_rule

GLOBAL_STACK: Final = "global"

# Services of an account, not of a Region: the provider offers no `region` for them.
_WITHOUT_REGION: Final = (
    "cloudfront",
    "globalaccelerator",
    "iam",
    "organizations",
    "route53",
    "route53recoverycontrol",
)
_ONCE: Final = (
    tokens.DATABASE_GLOBAL_CLUSTER,
    tokens.DISTRIBUTION,
    tokens.HOSTED_ZONE,
    tokens.IMAGE,
    tokens.REPOSITORY,
    tokens.USER_POOL,
)
# What the global stack makes once a Region, and what each is called by.
_ONE_A_REGION: Final = {tokens.KEY_ALIAS: "name", tokens.REPOSITORY: "name", tokens.USER_POOL: "name"}
_ENGINES: Final = (
    tokens.DATABASE_CLUSTER,
    tokens.DATABASE_GLOBAL_CLUSTER,
    tokens.DATABASE_INSTANCE,
    tokens.DATABASE_SINGLE,
)


class Regions(Parameters):
    """Where the system runs."""

    regions: list[str] = Field(
        default_factory=list,
        description="The Regions that have a cell; by default the program's own list, meridian:regions.",
    )


class EngineVersions(Parameters):
    """Which database engines there are."""

    versions: dict[str, str] = Field(
        default_factory=dict, description="The version of each database engine; by default only the stack's own agree."
    )


@resource_rule(
    Theme.MULTI_REGION,
    reason="Without it the provider's default counts, and the second cell's would be made in the first one's Region.",
    remedy="Pass region= with the placement's Region.",
    severity=Severity.CRITICAL,
)
def regional_resources_name_their_region(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """Every Regional resource names its Region."""
    del parameters
    if _is_regional(resource) and not resource.properties.has("region"):
        yield "region is not set"


@resource_rule(
    Theme.MULTI_REGION,
    reason="Where data may lie is decided with lawyers, not by a line of configuration.",
    remedy="Use an allowed Region, or have this rule's configuration changed by those who answer for it.",
    severity=Severity.CRITICAL,
)
def regions_are_allowed(resource: Resource, parameters: Regions) -> Iterator[str]:
    """Resources stand in allowed Regions only."""
    if not parameters.regions:
        if _is_regional(resource):
            yield "no Region is allowed: neither this rule's configuration nor meridian:regions names any"
        return
    for path in ("region", "replicas"):
        regions = (
            resource.properties.known_texts(path)
            if path == "region"
            else [replica.text("regionName") for replica in resource.properties.objects(path)]
        )
        for region in regions:
            if region and resource.type.startswith("aws:") and region not in parameters.regions:
                yield f"it stands in {region}; allowed are {', '.join(parameters.regions)}"


@resource_rule(
    Theme.MULTI_REGION,
    reason="A cell that needs another Region falls with it: the failure that cells are there to contain.",
    remedy="Pass the cell's own placement; what spans Regions belongs to the global stack.",
    severity=Severity.CRITICAL,
)
def cells_stay_in_their_region(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """A cell's resources stand in its own Region."""
    del parameters
    if resource.stack == GLOBAL_STACK or not _is_regional(resource):
        return
    for region in resource.properties.known_texts("region"):
        if region != resource.stack:
            yield f"it stands in {region}, the cell in {resource.stack}"


@resource_rule(
    Theme.MULTI_REGION,
    *_ONCE,
    tokens.TABLE,
    tokens.WEB_ACL,
    reason="Two stacks that own the same thing undo each other's work, and a failed cell would take it along.",
    remedy="Make it in a component of the global stack and read it by StackReference.",
    severity=Severity.HIGH,
)
def global_resources_are_in_the_global_stack(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """What exists once or replicates belongs to the global stack."""
    del parameters
    if resource.stack == GLOBAL_STACK:
        return
    match resource.type:
        case tokens.TABLE:
            if resource.properties.has("replicas"):
                yield f"the table has replicas but belongs to the stack {resource.stack}"
        case tokens.WEB_ACL:
            if resource.properties.text("scope") == "CLOUDFRONT":
                yield f"the web ACL is CloudFront's but belongs to the stack {resource.stack}"
        case _:
            yield f"it belongs to the stack {resource.stack}"


@resource_rule(
    Theme.MULTI_REGION,
    tokens.TABLE,
    reason="A cell without a replica can not read or write; a replica without a cell is paid for and forgotten.",
    remedy="Make the replicas from meridian:regions.",
    severity=Severity.CRITICAL,
)
def replicas_match_the_regions(table: Resource, parameters: Regions) -> Iterator[str]:
    """A table of the global stack has a replica in every Region of the list, and in no other."""
    if table.stack != GLOBAL_STACK:
        return
    replicas = [replica.text("regionName") for replica in table.properties.objects("replicas")]
    found = {table.properties.text("region"), *replicas}
    if found != set(parameters.regions):
        yield f"it is in {', '.join(sorted(found))}; the list of Regions is {', '.join(parameters.regions)}"
    if len(parameters.regions) > 1 and table.properties.text("streamViewType") != "NEW_AND_OLD_IMAGES":
        yield "streamViewType is not NEW_AND_OLD_IMAGES, which replication needs"


@stack_rule(
    Theme.MULTI_REGION,
    *_ONE_A_REGION,
    reason="A cell would find no image, no key or no user pool, and could not be deployed.",
    remedy="Make it in a loop over meridian:regions.",
    severity=Severity.HIGH,
)
def copies_match_the_regions(resource: Resource, stack: Stack, parameters: Regions) -> Iterator[str]:
    """What the global stack makes for each Region exists in every Region of the list."""
    if resource.stack != GLOBAL_STACK:
        return
    path = _ONE_A_REGION[resource.type]
    name = resource.properties.text(path)
    found = [
        other.properties.text("region") for other in stack.of_type(resource.type) if other.properties.text(path) == name
    ]
    missing = sorted(set(parameters.regions) - set(found))
    if missing:
        yield f"{name} is missing in {', '.join(missing)}"


@stack_rule(
    Theme.MULTI_REGION,
    *_ENGINES,
    reason="Replication goes from the older version to the newer only; failing over the other way is refused.",
    remedy="Take the version from one place; state it in this rule's configuration, which holds for all stacks.",
    severity=Severity.HIGH,
)
def engine_versions_agree(database: Resource, stack: Stack, parameters: EngineVersions) -> Iterator[str]:
    """Databases of one engine have the same version everywhere."""
    engine = database.properties.text("engine")
    version = database.properties.text("engineVersion")
    if not version:
        yield "engineVersion is not set, so AWS chooses it on the day of the deployment"
        return
    stated = parameters.versions.get(engine)
    if stated is not None and version != stated:
        yield f"engineVersion of {engine} is {version}: it must be {stated}"
    others = {
        other.properties.text("engineVersion")
        for other in stack.of_type(*_ENGINES)
        if other.properties.text("engine") == engine
    }
    if len(others) > 1:
        yield f"{engine} has the versions {', '.join(sorted(others))} in this stack"


def _is_regional(resource: Resource) -> bool:
    package, _, module = resource.type.partition(":")
    service = module.partition("/")[0]
    # `aws:index/…` are data of the account; Web ACLs of CloudFront stand in us-east-1, whatever the cells do.
    return package == "aws" and service not in (*_WITHOUT_REGION, "index")


RULES: Final = (
    regional_resources_name_their_region,
    regions_are_allowed,
    cells_stay_in_their_region,
    global_resources_are_in_the_global_stack,
    replicas_match_the_regions,
    copies_match_the_regions,
    engine_versions_agree,
)
