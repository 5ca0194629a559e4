"""Whatever the auditor can find calls a person, who is told where it says how."""

from collections.abc import Mapping

from local.recording import Graph
from workloads.checkout.adapters import metrics
from workloads.checkout.domain.audit import FindingKind

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def test_every_kind_of_finding_raises_an_alarm_of_its_own(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        alarms = [a.inputs for a in graph.of_type(ALARM) if a.inputs.get("metricName") == metrics.METRIC]
        alarmed = [a["dimensions"]["Kind"] for a in alarms]

        assert sorted(alarmed) == sorted(FindingKind)
        assert all("docs/runbooks/checkout.md" in a["alarmDescription"] for a in alarms)
