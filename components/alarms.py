"""One way to make an alarm: explicit name, the cell's topic for both directions, quiet when there is no data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.naming import Placement, resource_name

Comparison = Literal[
    "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One CloudWatch metric, and how its values of a period become one."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str = "Sum"
    """A statistic (`Sum`, `Maximum` …) or a percentile (`p99`)."""


@dataclass(frozen=True, kw_only=True)
class AlarmArgs:
    """When to call a person, and what to tell them."""

    placement: Placement
    component: str
    topic_arn: pulumi.Input[str]
    description: str
    """What has happened and what to do, in a sentence or two: it is the text of the message."""
    metrics: Sequence[Metric]
    """One metric, or several whose sum is compared."""
    threshold: float
    comparison: Comparison = "GreaterThanThreshold"
    period_seconds: int = 60
    periods: int = 1
    periods_to_alarm: int | None = None
    missing_data: Literal["notBreaching", "breaching", "ignore"] = "notBreaching"


def alarm(
    name: str, alarm_name: str, args: AlarmArgs, opts: pulumi.ResourceOptions | None = None
) -> aws.cloudwatch.MetricAlarm:
    """Make an alarm; `name` is the resource's, `alarm_name` the part of the alarm's own (`meridian-<alarm_name>`)."""
    declared = aws.cloudwatch.MetricAlarmArgs(
        region=args.placement.region,
        name=resource_name(alarm_name),
        alarm_description=args.description,
        comparison_operator=args.comparison,
        threshold=args.threshold,
        evaluation_periods=args.periods,
        datapoints_to_alarm=args.periods_to_alarm or args.periods,
        treat_missing_data=args.missing_data,
        alarm_actions=[args.topic_arn],
        ok_actions=[args.topic_arn],
        tags=args.placement.tags(args.component),
    )
    match args.metrics:
        case [metric]:
            _compare_one(declared, metric, args.period_seconds)
        case _:
            _compare_sum(declared, args)
    return aws.cloudwatch.MetricAlarm(name, declared, opts)


def _compare_one(declared: aws.cloudwatch.MetricAlarmArgs, metric: Metric, period_seconds: int) -> None:
    declared.namespace = metric.namespace
    declared.metric_name = metric.name
    declared.dimensions = metric.dimensions
    declared.period = period_seconds
    if metric.statistic.startswith("p"):
        declared.extended_statistic = metric.statistic
    else:
        declared.statistic = metric.statistic


def _compare_sum(declared: aws.cloudwatch.MetricAlarmArgs, args: AlarmArgs) -> None:
    parts = [
        aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id=f"part{index}",
            metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace=metric.namespace,
                metric_name=metric.name,
                dimensions=metric.dimensions,
                period=args.period_seconds,
                stat=metric.statistic,
            ),
        )
        for index, metric in enumerate(args.metrics)
    ]
    # FILL: a part without data (no throttle of that operation yet) would otherwise make the sum have no data.
    total = aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id="total", expression="SUM(FILL(METRICS(), 0))", label="total", return_data=True
    )
    declared.metric_queries = [total, *parts]
