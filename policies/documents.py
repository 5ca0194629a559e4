"""IAM policy documents as typed statements, read from the JSON text that a resource holds."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from policies import tokens
from policies.resources import Resource, Stack

RESOURCE_POLICIES: Final = (
    tokens.BUCKET_POLICY,
    tokens.BUS_POLICY,
    tokens.KEY,
    tokens.QUEUE,
    tokens.QUEUE_POLICY,
    tokens.REPOSITORY_POLICY,
    tokens.SECRET_POLICY,
    tokens.TOPIC,
    tokens.TOPIC_POLICY,
)
"""Types whose `policy` says who may use a resource."""

# A policy that is a resource of its own: the type, and the property that names whom it belongs to.
_POLICY_OF: Final[Mapping[str, tuple[str, str]]] = {
    tokens.BUCKET: (tokens.BUCKET_POLICY, "bucket"),
    tokens.QUEUE: (tokens.QUEUE_POLICY, "queueUrl"),
    tokens.TOPIC: (tokens.TOPIC_POLICY, "arn"),
}
# Condition keys that bind a request to an account, an organisation or one resource.
_SOURCE_KEYS: Final = ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths")
_CALLER_KEYS: Final = ("aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:principalarn")
# A log group's ARN holds the account; CloudWatch Logs sends no other sign of where it comes from.
_CONTEXT_KEYS: Final = ("kms:encryptioncontext:",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a policy."""

    sid: str
    allows: bool
    actions: Sequence[str]
    resources: Sequence[str]
    principals: Mapping[str, Sequence[str]]
    conditions: Mapping[str, Mapping[str, Any]]
    negations: Sequence[str]
    """Those of NotAction, NotResource and NotPrincipal that it uses."""

    @property
    def title(self) -> str:
        """How a message calls it."""
        return f"statement {self.sid!r}" if self.sid else f"the statement on {', '.join(self.actions) or 'everything'}"

    @property
    def is_for_everyone(self) -> bool:
        """Whether its principals are all there are."""
        return any("*" in names for kind, names in self.principals.items() if kind != "Service")

    @property
    def condition_keys(self) -> Iterator[str]:
        """The keys that it compares, in lower case as IAM takes them."""
        for keys in self.conditions.values():
            yield from (key.lower() for key in keys)

    @property
    def binds_the_source(self) -> bool:
        """Whether a service may use it for resources of one account only."""
        keys = (*_SOURCE_KEYS, *_CONTEXT_KEYS)
        return any(key.startswith(keys) for key in self.condition_keys)

    @property
    def binds_the_caller(self) -> bool:
        """Whether only callers of one account or organisation fit."""
        return any(key.startswith((*_CALLER_KEYS, *_SOURCE_KEYS)) for key in self.condition_keys)

    @property
    def refuses_plain_connections(self) -> bool:
        """Whether it denies everybody what is not sent over TLS."""
        return (
            not self.allows
            and self.is_for_everyone
            and any(
                str(value).lower() == "false" or value == ["false"]
                for operator, keys in self.conditions.items()
                if operator.lower().startswith("bool")
                for key, value in keys.items()
                if key.lower() == "aws:securetransport"
            )
        )


def statements(resource: Resource, path: str) -> list[Statement]:
    """Return the statements of a policy that a property holds; raises UnknownValueError."""
    found = resource.properties.get(path)
    if found in (None, ""):
        return []
    document = cast("Mapping[str, Any]", json.loads(found) if isinstance(found, str) else found)
    return [_statement(part) for part in _list(document.get("Statement"))]


def statements_about(resource: Resource, stack: Stack) -> list[Statement]:
    """Return what its own policy and the policies that are attached to it say; raises UnknownValueError."""
    type_, path = _POLICY_OF[resource.type]
    attached = [
        statement for policy in stack.referring(type_, path, resource) for statement in statements(policy, "policy")
    ]
    # What AWS answers as a bucket's policy is the attached one.
    own = [] if resource.type == tokens.BUCKET else statements(resource, "policy")
    return [*own, *attached]


def _statement(part: Mapping[str, Any]) -> Statement:
    return Statement(
        sid=str(part.get("Sid", "")),
        allows=part.get("Effect") == "Allow",
        actions=[str(action) for action in _list(part.get("Action"))],
        resources=[str(resource) for resource in _list(part.get("Resource"))],
        principals=_principals(part.get("Principal")),
        conditions=part.get("Condition") or {},
        negations=[key for key in ("NotAction", "NotResource", "NotPrincipal") if key in part],
    )


def _principals(found: Any) -> dict[str, list[str]]:
    if isinstance(found, Mapping):
        return {str(kind): [str(name) for name in _list(names)] for kind, names in found.items()}
    return {"AWS": [str(name) for name in _list(found)]} if found else {}


def _list(found: Any) -> list[Any]:
    """IAM writes a list of one as its only member."""
    if found is None:
        return []
    return found if isinstance(found, list) else [found]
