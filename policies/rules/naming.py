"""Names that say whose a thing is and are the same in every Region, and tags by which costs and owners are found."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from pulumi_policy import Severity
from pydantic import Field

from policies import tokens
from policies.configuration import PROJECT, Parameters
from policies.properties import UNKNOWN
from policies.resources import Resource
from policies.rule import Theme, resource_rule

# The property with the name that AWS knows, of those types whose names others write down.
_NAME: Final[Mapping[str, str]] = {
    tokens.ALARM: "name",
    tokens.API: "name",
    tokens.ARCHIVE: "name",
    tokens.BUCKET: "bucket",
    tokens.BUS: "name",
    tokens.CLUSTER: "name",
    tokens.COMPOSITE_ALARM: "name",
    tokens.DATABASE_CLUSTER: "clusterIdentifier",
    tokens.EVENT_RULE: "name",
    tokens.FUNCTION: "name",
    tokens.IAM_POLICY: "name",
    tokens.KEY_ALIAS: "name",
    tokens.LOG_GROUP: "name",
    tokens.QUEUE: "name",
    tokens.REPOSITORY: "name",
    tokens.ROLE: "name",
    tokens.SCHEDULE: "name",
    tokens.SCHEDULE_GROUP: "name",
    tokens.SERVICE: "name",
    tokens.STATE_MACHINE: "name",
    tokens.STREAM: "name",
    tokens.TABLE: "name",
    tokens.TASK_DEFINITION: "family",
    tokens.TOPIC: "name",
    tokens.USER_POOL: "name",
}
TAGGED: Final = (
    *(type_ for type_ in _NAME if type_ not in (tokens.ARCHIVE, tokens.KEY_ALIAS, tokens.SCHEDULE)),
    tokens.API_STAGE,
    tokens.API_DOMAIN,
    tokens.DAX,
    tokens.DATABASE_GLOBAL_CLUSTER,
    tokens.DATABASE_INSTANCE,
    tokens.DATABASE_SINGLE,
    tokens.DISTRIBUTION,
    tokens.FLOW_LOG,
    tokens.FUNCTION_SOURCE,
    tokens.HOSTED_ZONE,
    tokens.HTTP_API_DOMAIN,
    tokens.HTTP_API_STAGE,
    tokens.INSTANCE,
    tokens.KEY,
    tokens.LISTENER,
    tokens.LOAD_BALANCER,
    tokens.NAT_GATEWAY,
    tokens.REPLICATION_INSTANCE,
    tokens.SCALABLE_TARGET,
    tokens.SECRET,
    tokens.SECURITY_GROUP,
    tokens.SECURITY_GROUP_DEFAULT,
    tokens.SECURITY_GROUP_EGRESS,
    tokens.SECURITY_GROUP_INGRESS,
    tokens.SUBNET,
    tokens.VPC,
    tokens.VPC_ENDPOINT,
    tokens.WEB_ACL,
    "aws:acm/certificate:Certificate",
    "aws:ec2/eip:Eip",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/routeTable:RouteTable",
    "aws:iam/serviceLinkedRole:ServiceLinkedRole",
    "aws:route53/healthCheck:HealthCheck",
)
"""The types that have tags, as far as this project uses them."""


class Prefix(Parameters):
    """How names begin."""

    prefix: str = Field(default=PROJECT, min_length=2, description="What names begin with.")
    prescribed: dict[str, str] = Field(
        default_factory=dict, description="Names that AWS prescribes (`*` stands for any part), each with the reason."
    )


class Tags(Parameters):
    """Which tags there are."""

    tags: list[str] = Field(
        default=["Project", "Stack", "Component", "ManagedBy"], description="The tags that a resource must have."
    )
    managed_by: str = Field(default="pulumi", description="The value of the tag ManagedBy.")


@resource_rule(
    Theme.NAMING,
    *_NAME,
    reason="Another cell's ARN is written down without asking that cell, and IAM permits by name: a random suffix "
    "breaks both.",
    remedy="Take the name from components/naming.py.",
    severity=Severity.LOW,
)
def names_carry_the_project(resource: Resource, parameters: Prefix) -> Iterator[str]:
    """Names are explicit and begin with the project's name."""
    path = _NAME[resource.type]
    name = resource.properties.text(path)
    if not name:
        yield f"{path} is not set, so Pulumi would add a random suffix"
    # A log group's name is a path, an alias has the prefix of KMS: `/aws/lambda/<name>`, `alias/<name>`.
    elif not any(_begins(part, parameters.prefix) for part in name.split("/")) and not any(
        fnmatchcase(name, prescribed) for prescribed in parameters.prescribed
    ):
        yield f"{path} is {name!r}: it must begin with {parameters.prefix!r}"


@resource_rule(
    Theme.NAMING,
    tokens.ROLE,
    tokens.IAM_POLICY,
    tokens.INSTANCE_PROFILE,
    reason="IAM belongs to the account: the second cell could not make a role of the same name.",
    remedy="Take the name from Placement.iam_name.",
    severity=Severity.MEDIUM,
)
def iam_names_end_with_the_region(role: Resource, parameters: Parameters) -> Iterator[str]:
    """Names of roles and policies end with their Region."""
    del parameters
    name = role.properties.text("name")
    # Roles that AWS looks for by a fixed name exist once, in the global stack.
    if role.stack != "global" and not name.endswith(f"-{role.stack}"):
        yield f"name is {name!r}: it must end with '-{role.stack}'"


@resource_rule(
    Theme.NAMING,
    *TAGGED,
    reason="Costs are read by tags, and what nobody owns nobody dares to delete.",
    remedy="Pass Placement.tags(component); what is missing this rule adds.",
    severity=Severity.LOW,
)
def tags_are_set(resource: Resource, parameters: Tags) -> Iterator[str]:
    """Every resource that can be tagged says whose it is."""
    tags = dict(resource.properties.items("tags"))
    missing = [tag for tag in parameters.tags if not tags.get(tag)]
    if missing:
        yield f"the tags {', '.join(missing)} are missing"
    for tag, value in _known_tags(resource, parameters).items():
        if tag in parameters.tags and tags.get(tag) not in (None, "", UNKNOWN, value):
            yield f"the tag {tag} is {tags[tag]!r}: it must be {value!r}"


def _add_tags(resource: Resource, properties: dict[str, Any], parameters: Tags) -> Mapping[str, Any] | None:
    """Add what is missing; a wrong value is somebody's mistake and is reported, not painted over."""
    tags = dict(resource.properties.items("tags"))
    known = {**_known_tags(resource, parameters), "Component": _component(resource)}
    added = {tag: known[tag] for tag in parameters.tags if tag in known and not tags.get(tag)}
    if not added or UNKNOWN in tags.values():
        return None
    return properties | {"tags": tags | added}


def _known_tags(resource: Resource, parameters: Tags) -> dict[str, str]:
    return {"Project": resource.project, "Stack": resource.stack, "ManagedBy": parameters.managed_by}


def _component(resource: Resource) -> str:
    """Return the type of the component that the resource belongs to; without one, its own name."""
    _, _, qualified, _ = resource.urn.split("::", 3)
    *parents, _ = qualified.split("$")
    return parents[-1].rsplit(":", 1)[-1] if parents else resource.name


def _begins(part: str, prefix: str) -> bool:
    return part == prefix or part.startswith(f"{prefix}-")


RULES: Final = (
    names_carry_the_project,
    iam_names_end_with_the_region,
    tags_are_set.remediated_by(_add_tags),
)
