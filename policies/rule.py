"""What a rule is: a check with its reason, its level and its parameters, independent of who runs it."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from pulumi_policy import EnforcementLevel, Severity
from pulumi_policy.proxy import UnknownValueError

from policies.configuration import Parameters
from policies.resources import Resource, Stack


class Theme(StrEnum):
    """What a rule is about; there is one module a theme in `policies/rules/`."""

    ENCRYPTION = "Encryption"
    PUBLIC_ACCESS = "Public access"
    IAM = "Identity and access management"
    DURABILITY = "Durability"
    MULTI_REGION = "Multi-Region invariants"
    MESSAGING = "Messaging"
    OBSERVABILITY = "Observability"
    COST = "Cost guards"
    API = "API"
    CONTAINERS = "Containers and functions"
    NAMING = "Naming and tags"


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of one resource."""

    urn: str
    message: str


P = TypeVar("P", bound=Parameters)
ResourceCheck = Callable[[Resource, P], Iterable[str]]
"""Yields a message a violation; raises UnknownValueError where it can not decide in preview."""
StackCheck = Callable[[Resource, Stack, P], Iterable[str]]
"""The same for a resource and its surroundings."""
Remediation = Callable[[Resource, dict[str, Any], Any], Mapping[str, Any] | None]
"""Gets the resource and its properties as they are; returns all of them, mended, or None if nothing is to be mended."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What every rule says about itself."""

    name: str
    theme: Theme
    types: tuple[str, ...]
    """The types that it applies to; empty for all."""
    statement: str
    """What must hold, in a sentence: it heads every violation."""
    reason: str
    """What happens without it."""
    remedy: str
    """What to do about a violation."""
    severity: Severity
    level: EnforcementLevel
    parameters: type[Parameters]

    def applies_to(self, type_: str) -> bool:
        """Return whether the rule has anything to say about resources of a type."""
        return not self.types or type_ in self.types


@dataclass(frozen=True, kw_only=True)
class ResourceRule(Rule):
    """A rule that a resource keeps or breaks on its own: checked before that resource is created or changed."""

    check: ResourceCheck[Any]
    remediate: Remediation | None = None

    def findings(self, resource: Resource, parameters: Parameters) -> Iterator[Finding]:
        """Yield the violations of one resource; raises UnknownValueError."""
        if self.applies_to(resource.type):
            for message in self.check(resource, parameters):
                yield Finding(resource.urn, message)

    def remediated_by(self, remediation: Remediation) -> "ResourceRule":
        """Return the rule at the level at which the engine mends what breaks it."""
        return replace(self, remediate=remediation, level=EnforcementLevel.REMEDIATE)


@dataclass(frozen=True, kw_only=True)
class StackRule(Rule):
    """A rule about how resources of a stack belong together: checked when all of them are known."""

    check: StackCheck[Any]

    def findings(self, stack: Stack, parameters: Parameters) -> Iterator[Finding]:
        """Yield the violations in a stack; raises UnknownValueError after everything that could be decided."""
        unknown: UnknownValueError | None = None
        for resource in stack.of_type(*self.types) if self.types else stack:
            try:
                for message in self.check(resource, stack, parameters):
                    yield Finding(resource.urn, message)
            except UnknownValueError as error:
                unknown = unknown or error
        if unknown is not None:
            raise unknown


def resource_rule(
    theme: Theme,
    *types: str,
    reason: str,
    remedy: str,
    severity: Severity,
    level: EnforcementLevel = EnforcementLevel.MANDATORY,
) -> Callable[[ResourceCheck[P]], ResourceRule]:
    """Make a rule of a check: its name is the function's, its statement the docstring, its parameters the annotated."""

    def rule(check: ResourceCheck[P]) -> ResourceRule:
        return ResourceRule(
            name=_name(check),
            theme=theme,
            types=types,
            statement=_statement(check),
            reason=reason,
            remedy=remedy,
            severity=severity,
            level=level,
            parameters=_parameters(check),
            check=check,
        )

    return rule


def stack_rule(
    theme: Theme,
    *types: str,
    reason: str,
    remedy: str,
    severity: Severity,
    level: EnforcementLevel = EnforcementLevel.MANDATORY,
) -> Callable[[StackCheck[P]], StackRule]:
    """Make a rule of a check that also looks at the other resources of the stack."""

    def rule(check: StackCheck[P]) -> StackRule:
        return StackRule(
            name=_name(check),
            theme=theme,
            types=types,
            statement=_statement(check),
            reason=reason,
            remedy=remedy,
            severity=severity,
            level=level,
            parameters=_parameters(check),
            check=check,
        )

    return rule


def _name(check: Callable[..., Any]) -> str:
    return check.__name__.replace("_", "-")


def _statement(check: Callable[..., Any]) -> str:
    return " ".join((inspect.getdoc(check) or "").split())


def _parameters(check: Callable[..., Any]) -> type[Parameters]:
    return list(inspect.signature(check).parameters.values())[-1].annotation
