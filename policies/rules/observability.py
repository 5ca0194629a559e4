"""What fails is seen: logs that end one day, traces that are whole, and an alarm that reaches a person."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pulumi_policy import EnforcementLevel, Severity
from pydantic import Field

from policies import tokens
from policies.configuration import Parameters
from policies.documents import statements_about
from policies.resources import Resource, Stack, is_identity
from policies.rule import Theme, resource_rule, stack_rule

_TRACING: Final[Mapping[str, tuple[str, object]]] = {
    tokens.API_STAGE: ("xrayTracingEnabled", True),
    tokens.FUNCTION: ("tracingConfig.mode", "Active"),
    tokens.STATE_MACHINE: ("tracingConfiguration.enabled", True),
}
# The dimension of CloudWatch's metrics that names a resource of each type.
_DIMENSION: Final[Mapping[str, str]] = {
    tokens.API_STAGE: "Stage",
    tokens.EVENT_RULE: "RuleName",
    tokens.FUNCTION: "FunctionName",
    tokens.QUEUE: "QueueName",
    tokens.SCHEDULE_GROUP: "ScheduleGroup",
    tokens.SERVICE: "ServiceName",
    tokens.STATE_MACHINE: "StateMachineArn",
    tokens.TABLE: "TableName",
}


class Retention(Parameters):
    """How long logs are kept."""

    days: int = Field(default=30, description="What a log group without a retention gets.")
    least_days: int = Field(default=14, description="The least retention: incidents are looked into after days.")
    most_days: int = Field(default=400, description="The greatest retention: logs are not an archive.")


class Watched(Parameters):
    """What is watched from elsewhere."""

    stacks_without_alarms: list[str] = Field(
        default=["global"],
        description="Stacks whose resources are watched by others: each cell watches its own replicas of the tables.",
    )


@resource_rule(
    Theme.OBSERVABILITY,
    tokens.LOG_GROUP,
    reason="Without one logs are kept, and paid for, for ever, and so is every personal detail that slipped into them.",
    remedy="Set retention_in_days; where it is missing this rule sets it.",
    severity=Severity.MEDIUM,
)
def log_groups_have_a_retention(group: Resource, parameters: Retention) -> Iterator[str]:
    """Every log group has a retention within the bounds."""
    days = group.properties.number("retentionInDays") or 0
    if not parameters.least_days <= days <= parameters.most_days:
        yield f"retentionInDays is {days:.0f}: it must be {parameters.least_days} to {parameters.most_days}"


def _set_retention(group: Resource, properties: dict[str, Any], parameters: Retention) -> Mapping[str, Any] | None:
    # Only what nobody decided: a retention that is out of bounds is a decision, and a person's to change.
    if group.properties.peek("retentionInDays") not in (None, 0):
        return None
    return properties | {"retentionInDays": parameters.days}


@resource_rule(
    Theme.OBSERVABILITY,
    *_TRACING,
    reason="One order passes through a dozen of them: a gap in the trace is where the answer lies.",
    remedy="Switch X-Ray on.",
    severity=Severity.MEDIUM,
)
def requests_are_traced(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """Stages, functions and state machines are traced."""
    del parameters
    path, on = _TRACING[resource.type]
    if resource.properties.get(path) != on:
        yield f"{path} is {resource.properties.get(path)!r}: it must be {on!r}"


@resource_rule(
    Theme.OBSERVABILITY,
    tokens.FUNCTION,
    tokens.STATE_MACHINE,
    reason="A log group that Lambda makes itself has no end and no key; text can not be queried by order.",
    remedy="Set logging_config, or logging_configuration, with the log group.",
    severity=Severity.MEDIUM,
)
def workloads_write_logs(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """Functions log JSON into a log group of the program, state machines log their errors."""
    del parameters
    properties = resource.properties
    if resource.type == tokens.FUNCTION:
        if properties.get("loggingConfig.logFormat") != "JSON":
            yield "loggingConfig.logFormat is not JSON"
        if not properties.has("loggingConfig.logGroup"):
            yield "loggingConfig.logGroup is not set"
        return
    if properties.get("loggingConfiguration.level", "OFF") == "OFF":
        yield "loggingConfiguration.level is OFF"
    if not properties.has("loggingConfiguration.logDestination"):
        yield "loggingConfiguration.logDestination is not set"


@resource_rule(
    Theme.OBSERVABILITY,
    tokens.CLUSTER,
    reason="The number of running tasks, which the alarm on a service reads, is one of its metrics.",
    remedy="Set the setting containerInsights to enabled or enhanced.",
    severity=Severity.LOW,
)
def clusters_report_insights(cluster: Resource, parameters: Parameters) -> Iterator[str]:
    """Clusters report Container Insights."""
    del parameters
    settings = {setting.text("name"): setting.text("value") for setting in cluster.properties.objects("settings")}
    if settings.get("containerInsights") not in ("enabled", "enhanced"):
        yield f"containerInsights is {settings.get('containerInsights', 'not set')}"


@stack_rule(
    Theme.OBSERVABILITY,
    tokens.VPC,
    reason="Who talked to whom can not be found out afterwards.",
    remedy="Add a FlowLog of all traffic.",
    severity=Severity.MEDIUM,
)
def networks_have_flow_logs(vpc: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """Every VPC has flow logs."""
    del parameters
    logs = stack.referring(tokens.FLOW_LOG, "vpcId", vpc)
    if not any(log.properties.get("trafficType") == "ALL" for log in logs):
        yield "no flow log of this stack records all of its traffic"


@stack_rule(
    Theme.OBSERVABILITY,
    *_DIMENSION,
    reason="A queue of dead letters without an alarm is found by a customer.",
    remedy="Add an alarm with the resource's own dimension in the component that makes it.",
    severity=Severity.HIGH,
)
def failures_are_alarmed(resource: Resource, stack: Stack, parameters: Watched) -> Iterator[str]:
    """Everything that can fail has an alarm."""
    if stack.name in parameters.stacks_without_alarms:
        return
    dimension = _DIMENSION[resource.type]
    if not any(_watches(alarm, dimension, resource) for alarm in stack.of_type(tokens.ALARM)):
        yield f"no alarm of this stack has it as its dimension {dimension}"


@stack_rule(
    Theme.OBSERVABILITY,
    tokens.ALARM,
    tokens.COMPOSITE_ALARM,
    reason="An alarm that only turns red in a console is watched by nobody.",
    remedy="Set alarm_actions to the cell's topic, or name the alarm in a composite alarm.",
    severity=Severity.HIGH,
)
def alarms_have_an_action(alarm: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """No alarm without an action: it calls somebody, or another alarm that does."""
    del parameters
    acts = alarm.properties.count("alarmActions") > 0 and alarm.properties.peek("actionsEnabled") is not False
    if not acts and not any(
        _mentions(composite, alarm) for composite in stack.of_type(tokens.COMPOSITE_ALARM) if composite is not alarm
    ):
        yield "it has no action, and no composite alarm names it"


@stack_rule(
    Theme.OBSERVABILITY,
    tokens.ALARM,
    tokens.COMPOSITE_ALARM,
    reason="CloudWatch does not report that it may not publish: the alarm is red, and nobody hears of it.",
    remedy="Let cloudwatch.amazonaws.com publish in the topic's policy, bound to the account.",
    severity=Severity.HIGH,
)
def alarm_topics_let_publish(alarm: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """An alarm's topic lets CloudWatch publish, and a topic of alarms is one of the same stack."""
    del parameters
    for action in alarm.properties.known_texts("alarmActions"):
        if ":sns:" not in action:
            continue
        topics = [topic for topic in stack.of_type(tokens.TOPIC) if is_identity(action, topic)]
        if not topics:
            yield f"{action} is no topic of this stack"
        for topic in topics:
            if not any(
                statement.allows
                and "cloudwatch.amazonaws.com" in statement.principals.get("Service", ())
                and any(name.lower() == "sns:publish" for name in statement.actions)
                for statement in statements_about(topic, stack)
            ):
                yield f"{topic.name} does not let CloudWatch publish"


@resource_rule(
    Theme.OBSERVABILITY,
    tokens.ALARM,
    tokens.COMPOSITE_ALARM,
    reason="Its text is what a person reads at night; by default missing data leaves an alarm as it was, red or green.",
    remedy="Set alarm_description and treat_missing_data.",
    severity=Severity.LOW,
    level=EnforcementLevel.ADVISORY,
)
def alarms_say_what_to_do(alarm: Resource, parameters: Parameters) -> Iterator[str]:
    """Every alarm says what has happened and what to do, and what silence means."""
    del parameters
    if len(alarm.properties.text("alarmDescription")) < 20:
        yield "alarmDescription is missing or says too little"
    if alarm.type == tokens.ALARM and not alarm.properties.has("treatMissingData"):
        yield "treatMissingData is not set"


def _watches(alarm: Resource, dimension: str, resource: Resource) -> bool:
    properties = alarm.properties
    direct = properties.known_texts(f"dimensions.{dimension}")
    queried = [
        text
        for query in properties.objects("metricQueries")
        for text in query.known_texts(f"metric.dimensions.{dimension}")
    ]
    if any(is_identity(text, resource) for text in (*direct, *queried)):
        return True
    # In preview the name may not be known yet, but it is known where it will come from.
    related = (
        *alarm.property_dependencies.get("dimensions", ()),
        *alarm.property_dependencies.get("metricQueries", ()),
    )
    return not direct and not queried and resource.urn in related


def _mentions(composite: Resource, alarm: Resource) -> bool:
    name = alarm.properties.peek("name")
    rule = composite.properties.peek("alarmRule")
    if isinstance(rule, str) and isinstance(name, str):
        return f'"{name}"' in rule or f"({name})" in rule or f":{name}" in rule
    return alarm.urn in composite.property_dependencies.get("alarmRule", ())


RULES: Final = (
    log_groups_have_a_retention.remediated_by(_set_retention),
    requests_are_traced,
    workloads_write_logs,
    clusters_report_insights,
    networks_have_flow_logs,
    failures_are_alarmed,
    alarms_have_an_action,
    alarm_topics_let_publish,
    alarms_say_what_to_do,
)
