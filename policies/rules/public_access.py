"""Nothing is open to the world but the edge, and the edge is written down."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from pulumi_policy import Severity
from pydantic import Field

from policies import tokens
from policies.configuration import Parameters
from policies.documents import RESOURCE_POLICIES, statements
from policies.properties import Properties
from policies.resources import Resource, Stack
from policies.rule import Theme, resource_rule, stack_rule

_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_ANYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})
# Where each type says whether it gets an address of the internet.
_PUBLIC_ADDRESS: Final[Mapping[str, str]] = {
    tokens.DATABASE_INSTANCE: "publiclyAccessible",
    tokens.DATABASE_SINGLE: "publiclyAccessible",
    tokens.INSTANCE: "associatePublicIpAddress",
    tokens.REPLICATION_INSTANCE: "publiclyAccessible",
    tokens.SERVICE: "networkConfiguration.assignPublicIp",
    tokens.SUBNET: "mapPublicIpOnLaunch",
}


class Edge(Parameters):
    """What is meant to be open."""

    edge: dict[str, str] = Field(
        default_factory=dict,
        description="Names of resources (`*` stands for any part) that the world may reach, each with the reason.",
    )

    def permits(self, resource: Resource) -> bool:
        """Return whether the resource is a part of the edge."""
        return any(fnmatchcase(resource.name, name) for name in self.edge)


@stack_rule(
    Theme.PUBLIC_ACCESS,
    tokens.BUCKET,
    reason="One wrong statement or access list would otherwise publish the whole bucket.",
    remedy="Add a BucketPublicAccessBlock with all four settings true.",
    severity=Severity.CRITICAL,
)
def buckets_block_public_access(bucket: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """Every bucket blocks public access in all four ways."""
    del parameters
    blocks = stack.referring(tokens.BUCKET_PUBLIC_ACCESS_BLOCK, "bucket", bucket)
    if not blocks:
        yield "no public access block of this stack belongs to it"
    for block in blocks:
        off = [name for name in _BLOCKS if not block.properties.is_true(name)]
        if off:
            yield f"{block.name} leaves {', '.join(off)} off"


@resource_rule(
    Theme.PUBLIC_ACCESS,
    tokens.BUCKET,
    tokens.BUCKET_ACL,
    reason="Access lists grant without a policy that anybody reads.",
    remedy="Leave the acl out: the owner's policies are enough.",
    severity=Severity.CRITICAL,
)
def buckets_have_no_public_access_list(bucket: Resource, parameters: Parameters) -> Iterator[str]:
    """No bucket is opened by an access control list."""
    del parameters
    if bucket.properties.get("acl", "private") != "private":
        yield f"acl is {bucket.properties.text('acl')!r}"
    if "/groups/" in str(bucket.properties.get("accessControlPolicy", "")):
        yield "accessControlPolicy grants to a group of all users"


@resource_rule(
    Theme.PUBLIC_ACCESS,
    *RESOURCE_POLICIES,
    reason="A principal `*` is every AWS account there is, and often everybody without one.",
    remedy="Name the principals, or bind them with aws:PrincipalAccount, aws:PrincipalOrgID or aws:SourceArn.",
    severity=Severity.CRITICAL,
)
def resource_policies_name_their_principals(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """A resource's policy allows nothing to everyone."""
    del parameters
    for statement in statements(resource, "policy"):
        if not statement.allows:
            continue
        if statement.is_for_everyone and not statement.binds_the_caller:
            yield f"{statement.title} allows everyone"
        if "NotPrincipal" in statement.negations:
            yield f"{statement.title} allows everyone but some, by NotPrincipal"


@resource_rule(
    Theme.PUBLIC_ACCESS,
    tokens.FUNCTION_PERMISSION,
    tokens.FUNCTION_URL,
    reason="A function's permission for `*` or a URL without IAM is an API that nobody throttles or logs.",
    remedy="Name the service with its source ARN; reach functions through the entry API.",
    severity=Severity.CRITICAL,
)
def functions_are_not_public(permission: Resource, parameters: Parameters) -> Iterator[str]:
    """A function is called by named principals only, and by no URL of its own without authorisation."""
    del parameters
    if permission.type == tokens.FUNCTION_URL:
        if permission.properties.text("authorizationType") != "AWS_IAM":
            yield "authorizationType is not AWS_IAM"
    elif permission.properties.text("principal") == "*":
        yield "the principal is '*'"


@resource_rule(
    Theme.PUBLIC_ACCESS,
    tokens.SECURITY_GROUP,
    tokens.SECURITY_GROUP_DEFAULT,
    tokens.SECURITY_GROUP_INGRESS,
    tokens.SECURITY_GROUP_RULE,
    reason="What listens behind it is scanned within minutes.",
    remedy="Refer to a security group or a prefix list; an edge is named in this rule's configuration with its reason.",
    severity=Severity.CRITICAL,
)
def the_internet_is_not_let_in(group: Resource, parameters: Edge) -> Iterator[str]:
    """No security group lets the whole internet in, but the edge's."""
    if parameters.permits(group):
        return
    match group.type:
        case tokens.SECURITY_GROUP_INGRESS:
            parts = [group.properties]
        case tokens.SECURITY_GROUP_RULE:
            parts = [group.properties] if group.properties.text("type") == "ingress" else []
        case _:
            parts = list(group.properties.objects("ingress"))
    yield from _open(parts, "from")


@resource_rule(
    Theme.PUBLIC_ACCESS,
    tokens.SECURITY_GROUP,
    tokens.SECURITY_GROUP_DEFAULT,
    tokens.SECURITY_GROUP_EGRESS,
    tokens.SECURITY_GROUP_RULE,
    reason="A way out to everywhere is the way that stolen data takes.",
    remedy="Use VPC endpoints; a group that must reach the internet is named in this rule's configuration.",
    severity=Severity.MEDIUM,
)
def the_internet_is_not_reached(group: Resource, parameters: Edge) -> Iterator[str]:
    """No security group lets everything out to the internet, but the edge's."""
    if parameters.permits(group):
        return
    match group.type:
        case tokens.SECURITY_GROUP_EGRESS:
            parts = [group.properties]
        case tokens.SECURITY_GROUP_RULE:
            parts = [group.properties] if group.properties.text("type") == "egress" else []
        case _:
            parts = list(group.properties.objects("egress"))
    yield from _open(parts, "to")


@stack_rule(
    Theme.PUBLIC_ACCESS,
    tokens.VPC,
    reason="What is started without a group gets the default one, in which everything may talk to everything.",
    remedy="Add a DefaultSecurityGroup without rules for the VPC.",
    severity=Severity.MEDIUM,
)
def default_security_groups_are_empty(vpc: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """The default security group of every VPC is taken over and empty."""
    del parameters
    groups = stack.referring(tokens.SECURITY_GROUP_DEFAULT, "vpcId", vpc)
    if not groups:
        yield "no DefaultSecurityGroup of this stack belongs to it"
    for group in groups:
        if group.properties.has("ingress") or group.properties.has("egress"):
            yield f"{group.name} has rules"


@resource_rule(
    Theme.PUBLIC_ACCESS,
    *_PUBLIC_ADDRESS,
    reason="An address is one half of being reachable; a mistake in a security group would be the other.",
    remedy="Switch the public address off.",
    severity=Severity.HIGH,
)
def nothing_gets_a_public_address(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """Nothing gets an address of the internet."""
    del parameters
    path = _PUBLIC_ADDRESS[resource.type]
    if resource.properties.is_true(path):
        yield f"{path} is true"


@resource_rule(
    Theme.PUBLIC_ACCESS,
    tokens.VPC_ENDPOINT,
    reason="Without one, an endpoint carries data to anybody's bucket or queue, with anybody's credentials.",
    remedy="Give the endpoint a policy with aws:PrincipalAccount and aws:ResourceAccount.",
    severity=Severity.MEDIUM,
)
def endpoints_keep_a_perimeter(endpoint: Resource, parameters: Parameters) -> Iterator[str]:
    """Every VPC endpoint has a policy that passes named resources, or this account's requests only."""
    del parameters
    if not endpoint.properties.has("policy"):
        yield "policy is not set, which passes everything"
        return
    for statement in statements(endpoint, "policy"):
        everything = any(resource == "*" for resource in statement.resources)
        if statement.allows and everything and not statement.binds_the_caller:
            yield f"{statement.title} passes requests of everybody for everything"


def _open(rules: list[Properties], direction: str) -> Iterator[str]:
    for rule in rules:
        blocks = [
            block
            for path in ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")
            for block in rule.known_texts(path)
            if block in _ANYWHERE
        ]
        if blocks:
            yield f"traffic {direction} {' and '.join(blocks)} is let through"


RULES: Final = (
    buckets_block_public_access,
    buckets_have_no_public_access_list,
    resource_policies_name_their_principals,
    functions_are_not_public,
    the_internet_is_not_let_in,
    the_internet_is_not_reached,
    default_security_groups_are_empty,
    nothing_gets_a_public_address,
    endpoints_keep_a_perimeter,
)
