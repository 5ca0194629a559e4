"""Metric alarms: the API holds a query's metric one level deeper than Pulumi does, and deletes by a list of names."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local.handlers.base import Context, State
from local.handlers.generic import GenericHandler, Operations
from local.recording import RecordedResource


class MetricAlarmHandler(GenericHandler):
    """A CloudWatch metric alarm."""

    def __init__(self) -> None:
        super().__init__(
            Operations(
                service="cloudwatch",
                create="PutMetricAlarm",
                identity={"AlarmName": "name"},
                names={"AlarmName": "name", "Metrics": "metricQueries"},
            )
        )

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Put the alarm."""
        queries = [metric_query(query) for query in resource.inputs.get("metricQueries") or ()]
        inputs = {**resource.inputs, **({"metricQueries": queries} if queries else {})}
        self._call(context, "PutMetricAlarm", replace(resource, inputs=inputs))
        return self.state(context, resource, {})

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the alarm of this name."""
        found = context.call("cloudwatch", resource.region, "DescribeAlarms", {"AlarmNames": [resource.id]})
        return next(iter(found["MetricAlarms"]), None)

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Put the alarm again."""
        del old
        return self.create(context, new)[1]

    def delete(self, context: Context, resource: RecordedResource) -> None:
        """Delete the alarm; deleting one that is gone is no error to CloudWatch either."""
        context.call("cloudwatch", resource.region, "DeleteAlarms", {"AlarmNames": [resource.id]})


def metric_query(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a query with its metric where the API wants it."""
    metric = query.get("metric")
    if not metric:
        return dict(query)
    return {**query, "metricStat": {"metric": metric, "period": metric["period"], "stat": metric["stat"]}}
