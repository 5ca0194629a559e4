"""Asks the pack's policies as the engine does, about constructed resources and about recorded graphs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast

from pulumi.output import Unknown
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy

from local.recording import RecordedResource
from policies import pack

TODAY: Final = date(2026, 6, 1)
PROGRAM: Final = {"meridian:regions": '["us-east-1", "eu-west-1"]'}
CONFIGURATION: Final = pack.project_configuration(PROGRAM)
POLICIES: Final = {policy.name: policy for policy in pack.policies(clock=lambda: TODAY)}
UNKNOWN: Final = UNKNOWN_STRING_VALUE


@dataclass(frozen=True, slots=True)
class Violation:
    """One report of one rule."""

    rule: str
    urn: str
    message: str


def urn(type_: str, *, name: str = "thing", stack: str = "us-east-1") -> str:
    return f"urn:pulumi:{stack}::meridian::{type_}::{name}"


def resource(
    type_: str,
    properties: Mapping[str, Any],
    *,
    name: str = "thing",
    stack: str = "us-east-1",
    protect: bool = False,
    urn_: str | None = None,
) -> PolicyResource:
    """Make a resource as a stack's policy gets it; unknown values are written UNKNOWN."""
    own = urn_ or urn(type_, name=name, stack=stack)
    return PolicyResource(
        type_, unknown_checking_proxy(dict(properties)), own, name, _options(protect), None, None, [], {}
    )


def ask(
    rule: str,
    given: PolicyResource,
    config: Mapping[str, Any] | None = None,
    *,
    on_message: Callable[[str], object] | None = None,
) -> list[str]:
    """Return what a rule on resources reports about one; raises UnknownValueError, after telling `on_message`."""
    policy = cast("ResourceValidationPolicy", POLICIES[rule])
    messages: list[str] = []
    tell = on_message or messages.append

    def report(message: str, _: str | None) -> None:
        tell(message)

    policy.validate(_arguments(given, config or CONFIGURATION.get(rule)), report)
    return messages


def ask_stack(
    rule: str,
    *resources: PolicyResource,
    config: Mapping[str, Any] | None = None,
    on_urn: Callable[[str], object] | None = None,
) -> list[Violation]:
    """Return what a rule on stacks reports; raises UnknownValueError, after telling `on_urn`."""
    policy = cast("StackValidationPolicy", POLICIES[rule])
    found: list[Violation] = []

    def report(message: str, about: str | None) -> None:
        found.append(Violation(rule, about or "", message))
        if on_urn is not None:
            on_urn(about or "")

    policy.validate(StackValidationArgs(list(resources), config or CONFIGURATION.get(rule)), report)
    return found


def mended(
    rule: str, type_: str, properties: Mapping[str, Any], *, urn_: str | None = None
) -> Mapping[str, Any] | None:
    """Return the properties that a rule's remediation makes of these."""
    policy = cast("ResourceValidationPolicy", POLICIES[rule])
    given = resource(type_, properties, urn_=urn_)
    return cast("Mapping[str, Any] | None", policy.remediate(_arguments(given, CONFIGURATION.get(rule))))


def violations(
    resources: Sequence[RecordedResource],
    rules: Iterable[str] = POLICIES,
    configuration: Mapping[str, Mapping[str, Any]] = CONFIGURATION,
) -> list[Violation]:
    """Return what rules report about a recorded stack; what is unknown in preview is passed over."""
    return _asked(resources, rules, configuration)[0]


def undecided(resources: Sequence[RecordedResource], rules: Iterable[str] = POLICIES) -> set[str]:
    """Return the properties that rules would have had to know, as `<type>.<property>`."""
    return _asked(resources, rules, CONFIGURATION)[1]


def recorded(given: RecordedResource, *, outputs: bool = False) -> PolicyResource:
    """Make of a recorded resource what the engine would hand over: outputs too, when the stack is looked at."""
    properties = {**given.inputs, **(given.outputs if outputs else {})}
    options = _options(given.protect)
    return PolicyResource(
        given.type, unknown_checking_proxy(as_sent(properties)), given.urn, given.name, options, None, None, [], {}
    )


def as_sent(node: Any) -> Any:
    """Return values as they cross the wire: whole numbers as floats, what is unknown as the engine's marks."""
    match node:
        case Unknown():
            return UNKNOWN
        case Mapping():
            return {key: as_sent(value) for key, value in node.items()}
        case list() | tuple():
            return [as_sent(member) for member in node]
        case bool():
            return node
        case int():
            return float(node)
        case _:
            return node


def _asked(
    resources: Sequence[RecordedResource], rules: Iterable[str], configuration: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Violation], set[str]]:
    each = [recorded(one) for one in resources]
    whole: list[PolicyResource] = []
    found: list[Violation] = []
    unknown: set[str] = set()
    for rule in rules:
        if isinstance(POLICIES[rule], StackValidationPolicy):
            whole = whole or _linked(resources)
            try:
                found += ask_stack(rule, *whole, config=configuration.get(rule))
            except UnknownValueError as error:
                unknown.add(f"stack.{'.'.join(error.props)}")
            continue
        for one in each:
            try:
                found += [Violation(rule, one.urn, message) for message in ask(rule, one, configuration.get(rule))]
            except UnknownValueError as error:
                unknown.add(f"{one.resource_type.rsplit(':', 1)[-1]}.{'.'.join(error.props)}")
    return found, unknown


def _linked(resources: Sequence[RecordedResource]) -> list[PolicyResource]:
    by_urn = {one.urn: recorded(one, outputs=True) for one in resources}
    for one in resources:
        by_urn[one.urn].property_dependencies = {
            name: [by_urn[urn] for urn in urns if urn in by_urn] for name, urns in one.property_dependencies.items()
        }
    return list(by_urn.values())


def _arguments(given: PolicyResource, config: Mapping[str, Any] | None) -> ResourceValidationArgs:
    return ResourceValidationArgs(
        given.resource_type, given.props, given.urn, given.name, given.opts, given.provider, config
    )


def _options(protect: bool) -> PolicyResourceOptions:  # noqa: FBT001
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
