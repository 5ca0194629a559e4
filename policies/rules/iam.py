"""Who may do what: named actions, named resources, roles that only the meant one can take on."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity
from pydantic import Field

from policies import tokens
from policies.configuration import Parameters
from policies.documents import RESOURCE_POLICIES, Statement, statements
from policies.resources import Resource
from policies.rule import Theme, resource_rule

_IDENTITY_POLICIES: Final = (tokens.IAM_POLICY, tokens.ROLE_POLICY)
_ASSUMING: Final = frozenset({"sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"})
_BROAD: Final = ("AdministratorAccess", "FullAccess", "PowerUserAccess", "IAMFullAccess")


class WrittenReasons(Parameters):
    """Wildcards that have a reason."""

    reasons: dict[str, str] = Field(
        default_factory=dict, description="Actions that may stand with a wildcard, each with the reason."
    )


class ServicesWithoutSource(Parameters):
    """Services that can not be bound."""

    services: dict[str, str] = Field(
        default_factory=dict,
        description="Services that send no source account when they take on a role, each with where AWS says so.",
    )


@resource_rule(
    Theme.IAM,
    *_IDENTITY_POLICIES,
    *RESOURCE_POLICIES,
    reason="A wildcard allows what AWS adds tomorrow; `s3:*` lets a reader delete.",
    remedy="Name the actions; a wildcard that is right gets its reason in this rule's configuration.",
    severity=Severity.HIGH,
)
def actions_are_named(policy: Resource, parameters: WrittenReasons) -> Iterator[str]:
    """No statement allows actions by a wildcard without a written reason."""
    for statement in _allowing(policy):
        for action in statement.actions:
            if "*" in action and action not in parameters.reasons:
                yield f"{statement.title} allows {action!r}"
        if "NotAction" in statement.negations:
            yield f"{statement.title} allows everything but some, by NotAction"


@resource_rule(
    Theme.IAM,
    *_IDENTITY_POLICIES,
    reason="A role that may read any table reads the other team's too, and the one that is made next year.",
    remedy="Name the resources up to their own name; an action that knows no resource gets its reason in this rule's "
    "configuration.",
    severity=Severity.HIGH,
)
def resources_are_named(policy: Resource, parameters: WrittenReasons) -> Iterator[str]:
    """No statement allows actions on any resource without a written reason."""
    for statement in _allowing(policy):
        unnamed = [resource for resource in statement.resources if not _is_named(resource)]
        without_reason = [action for action in statement.actions if action not in parameters.reasons]
        if unnamed and without_reason:
            yield f"{statement.title} allows {', '.join(without_reason)} on {', '.join(unnamed)}"
        if "NotResource" in statement.negations:
            yield f"{statement.title} allows everything but some, by NotResource"


@resource_rule(
    Theme.IAM,
    tokens.ROLE,
    reason="Who can take on a role has all its rights: `*` is everybody, an account is each of its users.",
    remedy="Name one service or one role; bind an identity provider to its audience and subject.",
    severity=Severity.CRITICAL,
)
def trust_is_closed(role: Resource, parameters: Parameters) -> Iterator[str]:
    """A role is taken on by named principals only."""
    del parameters
    for statement in statements(role, "assumeRolePolicy"):
        if not statement.allows:
            continue
        if statement.is_for_everyone or "NotPrincipal" in statement.negations:
            yield f"{statement.title} lets everyone take on the role"
        for account in statement.principals.get("AWS", ()):
            if (account.endswith(":root") or account.isdigit()) and not statement.conditions:
                yield f"{statement.title} lets every principal of {account} take on the role"
        if statement.principals.get("Federated") and not any(
            key.endswith((":sub", ":job_workflow_ref")) for key in statement.condition_keys
        ):
            yield f"{statement.title} lets every subject of the identity provider take on the role"
        strange = [action for action in statement.actions if action not in _ASSUMING]
        if strange:
            yield f"{statement.title} allows {', '.join(strange)}: a trust policy is for taking on the role"


@resource_rule(
    Theme.IAM,
    tokens.ROLE,
    *RESOURCE_POLICIES,
    reason="A service acts for all its customers: without the source, another account can have it use our role, key or "
    "queue.",
    remedy="Add aws:SourceAccount or aws:SourceArn; a service without them is named in this rule's configuration.",
    severity=Severity.HIGH,
)
def services_are_bound_to_a_source(resource: Resource, parameters: ServicesWithoutSource) -> Iterator[str]:
    """A service may act for resources of this account only (the confused deputy)."""
    for statement in _allowing(resource):
        services = [name for name in statement.principals.get("Service", ()) if name not in parameters.services]
        if services and not statement.binds_the_source:
            yield f"{statement.title} trusts {', '.join(services)} for any account"


@resource_rule(
    Theme.IAM,
    tokens.FUNCTION_PERMISSION,
    reason="Without it, anybody's API or rule in the world may call the function through the service.",
    remedy="Set source_arn to the API, rule or queue that calls, source_account where the ARN has no account.",
    severity=Severity.HIGH,
)
def function_permissions_name_their_source(permission: Resource, parameters: Parameters) -> Iterator[str]:
    """A service may call a function for one source only (the confused deputy)."""
    del parameters
    is_service = permission.properties.text("principal").endswith(".amazonaws.com")
    if is_service and not permission.properties.has("sourceArn") and not permission.properties.has("sourceAccount"):
        yield "neither sourceArn nor sourceAccount is set"


@resource_rule(
    Theme.IAM,
    *_IDENTITY_POLICIES,
    reason="Who may pass a role to any service runs code with it there: the shortest way to more rights.",
    remedy="Add the condition iam:PassedToService.",
    severity=Severity.HIGH,
)
def passed_roles_name_their_service(policy: Resource, parameters: Parameters) -> Iterator[str]:
    """A role is passed on to named services only."""
    del parameters
    for statement in _allowing(policy):
        passes = any(action.lower() == "iam:passrole" for action in statement.actions)
        if passes and "iam:passedtoservice" not in statement.condition_keys:
            yield f"{statement.title} allows iam:PassRole without iam:PassedToService"


@resource_rule(
    Theme.IAM,
    tokens.ROLE,
    tokens.ROLE_POLICY_ATTACHMENT,
    reason="They grow with the service, and nobody reads the change.",
    remedy="Write a policy with the actions that are used.",
    severity=Severity.HIGH,
)
def no_broad_managed_policy_is_attached(role: Resource, parameters: Parameters) -> Iterator[str]:
    """No role has one of AWS's policies that allow everything of a service."""
    del parameters
    for path in ("policyArn", "managedPolicyArns"):
        for policy in role.properties.known_texts(path):
            if policy.endswith(_BROAD):
                yield f"{policy} is attached"


@resource_rule(
    Theme.IAM,
    tokens.ACCESS_KEY,
    tokens.USER,
    tokens.USER_LOGIN,
    reason="A key that does not end is found one day, in a repository or a laptop.",
    remedy="Use a role: people by single sign-on, pipelines by OIDC.",
    severity=Severity.HIGH,
)
def there_are_no_users(user: Resource, parameters: Parameters) -> Iterator[str]:
    """There are no IAM users and no long-lived keys."""
    del parameters
    yield f"{user.type} is not used here"


def _allowing(resource: Resource) -> Iterator[Statement]:
    path = "assumeRolePolicy" if resource.type == tokens.ROLE else "policy"
    return (statement for statement in statements(resource, path) if statement.allows)


def _is_named(resource: str) -> bool:
    """Return whether an ARN says what it means: the beginning of a name, in one Region and account."""
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return False
    _, _, service, region, account, rest = parts
    kind, separator, name = rest.replace("/", ":", 1).partition(":")
    # Buckets and queues have no kind before their name.
    if not separator or service == "s3":
        kind, name = "", rest
    literal = name.partition("*")[0]
    return "*" not in region and "*" not in account and "*" not in kind and literal.strip("/:") != ""


RULES: Final = (
    actions_are_named,
    resources_are_named,
    trust_is_closed,
    services_are_bound_to_a_source,
    function_permissions_name_their_source,
    passed_roles_name_their_service,
    no_broad_managed_policy_is_attached,
    there_are_no_users,
)
