"""Makes the engine's policies of the rules: configuration, exemptions and remediations in one place."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, cast

from pulumi_policy import (
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceRemediation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies import configuration, exemptions
from policies.properties import raw
from policies.resources import Resource, Stack
from policies.rule import Remediation, ResourceRule, StackRule
from policies.rules import RULES

Clock = Callable[[], date]


def today() -> date:
    """Return the day on which exemptions are judged, the same in every time zone."""
    return datetime.now(UTC).date()


def project_configuration(program: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what this project configures, for a stack with this configuration."""
    return configuration.of_this_project(program, {rule.name: rule.parameters for rule in RULES})


def policies(*, clock: Clock) -> list[Policy]:
    """Return all rules as the engine's policies."""
    return [_policy(rule, clock) for rule in RULES]


def _policy(rule: ResourceRule | StackRule, clock: Clock) -> Policy:
    about: dict[str, Any] = {
        "name": rule.name,
        "description": rule.statement,
        "enforcement_level": rule.level,
        "config_schema": PolicyConfigSchema(properties=configuration.schema(rule.parameters)),
        "severity": rule.severity,
        "tags": [rule.theme.value],
        "remediation_steps": rule.remedy,
    }
    match rule:
        case ResourceRule():
            mend = _remediation(rule, rule.remediate, clock) if rule.remediate else None
            return ResourceValidationPolicy(**about, validate=_resource_validation(rule, clock), remediate=mend)
        case StackRule():
            return StackValidationPolicy(**about, validate=_stack_validation(rule, clock))


def _resource_validation(rule: ResourceRule, clock: Clock) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if not rule.applies_to(args.resource_type):
            return
        parameters = configuration.read(rule.name, rule.parameters, args.get_config())
        for message in exemptions.flaws(args.urn, parameters.exemptions, clock()):
            report(message, args.urn)
        if not exemptions.exempted(args.urn, parameters.exemptions, clock()):
            for finding in rule.findings(Resource.of(args), parameters):
                report(finding.message, args.urn)

    return validate


def _stack_validation(rule: StackRule, clock: Clock) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        parameters = configuration.read(rule.name, rule.parameters, args.get_config())
        for resource in args.resources:
            if rule.applies_to(resource.resource_type):
                for message in exemptions.flaws(resource.urn, parameters.exemptions, clock()):
                    report(message, resource.urn)
        for finding in rule.findings(Stack(map(Resource.of, args.resources)), parameters):
            if not exemptions.exempted(finding.urn, parameters.exemptions, clock()):
                report(finding.message, finding.urn)

    return validate


def _remediation(rule: ResourceRule, mend: Remediation, clock: Clock) -> ResourceRemediation:
    def remediate(args: ResourceValidationArgs) -> Mapping[str, Any] | None:
        if not rule.applies_to(args.resource_type):
            return None
        parameters = configuration.read(rule.name, rule.parameters, args.get_config())
        if exemptions.exempted(args.urn, parameters.exemptions, clock()):
            return None
        return mend(Resource.of(args), raw(args.props), parameters)

    # The declared type knows only coroutines; the servicer takes a mapping as well.
    return cast("ResourceRemediation", remediate)
