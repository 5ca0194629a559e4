"""Whatever the auditor can find calls a person, who is told where it says how."""

from collections.abc import Mapping

from components.checkout_audit import AUDIT_MINUTES
from local.recording import Graph
from workloads.checkout.adapters import metrics
from workloads.checkout.domain.audit import FindingKind

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def test_every_kind_of_finding_raises_an_alarm_of_its_own(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        alarms = [a.inputs for a in graph.of_type(ALARM) if a.inputs.get("metricName") == metrics.METRIC]

        assert sorted(a["dimensions"]["Kind"] for a in alarms) == sorted(FindingKind)
        for raised in alarms:
            assert raised["namespace"] == metrics.NAMESPACE
            assert list(raised["dimensions"]) == ["Kind"]
            # One finding is enough: an audit tells its number once, and stays the last word until the next one.
            assert (raised["statistic"], raised["comparisonOperator"], raised["threshold"]) == (
                "Maximum",
                "GreaterThanThreshold",
                0,
            )
            assert (raised["period"], raised["evaluationPeriods"]) == (AUDIT_MINUTES * 60, 1)
            assert raised["treatMissingData"] == "ignore"
            assert raised["alarmActions"]
            assert "docs/runbooks/checkout.md" in raised["alarmDescription"]
