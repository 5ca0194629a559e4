"""What the README says that a cell costs at rest is counted from what the program declares."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from local.program import ROOT
from local.recording import Graph

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
TIMES: Final = "\N{MULTIPLICATION SIGN}"
HOURS: Final = 730
# A month at the list prices of us-east-1.
ENDPOINT_A_ZONE, ALARM_METRIC, METRIC, KEY = 0.01 * HOURS, 0.10, 0.30, 1.00
VIRTUAL_CPU, GIGABYTE = 0.03238 * HOURS, 0.00356 * HOURS
# "Every cluster reports 8 metrics; every task reports 6 metrics; and every service reports 11 metrics" (Amazon
# CloudWatch pricing, Container Insights for Amazon ECS).
OF_A_CLUSTER, OF_A_SERVICE, OF_A_TASK = 8, 11, 6
# Application Auto Scaling makes one alarm to scale out and one to scale in.
ALARMS_OF_A_POLICY: Final = 2


def rows(cell: Graph, shared: Graph) -> Iterator[tuple[str, float]]:
    """Yield how much of what there is, as the README writes it, and what it costs a month."""
    endpoints = [
        e for e in cell.of_type("aws:ec2/vpcEndpoint:VpcEndpoint") if e.inputs["vpcEndpointType"] == "Interface"
    ]
    [zones] = {len(endpoint.inputs["subnetIds"]) for endpoint in endpoints}
    yield (
        f"{len(endpoints)} endpoints {TIMES} {zones} zones {TIMES} $0.01 an hour",
        len(endpoints) * zones * ENDPOINT_A_ZONE,
    )

    [service], [task] = cell.of_type("aws:ecs/service:Service"), cell.of_type("aws:ecs/taskDefinition:TaskDefinition")
    tasks, cpu, memory = service.inputs["desiredCount"], int(task.inputs["cpu"]), int(task.inputs["memory"])
    cost = tasks * (cpu / 1024 * VIRTUAL_CPU + memory / 1024 * GIGABYTE)
    yield f"{tasks:.0f} tasks of {cpu / 1024:g} vCPU and {memory / 1024:g} GB", cost

    alarms = cell.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    metrics = sum(sum("metric" in query for query in alarm.inputs.get("metricQueries", [])) or 1 for alarm in alarms)
    [policy] = cell.of_type("aws:appautoscaling/policy:Policy")
    tracked = policy.inputs["targetTrackingScalingPolicyConfiguration"]["customizedMetricSpecification"]["metrics"]
    scaling = ALARMS_OF_A_POLICY * sum("metricStat" in metric for metric in tracked)
    own, made = f"{len(alarms)} alarms that look at {metrics} metrics", f"{ALARMS_OF_A_POLICY} of the scaling policy"
    yield f"{own}, {made} that look at {scaling} {TIMES} $0.10", (metrics + scaling) * ALARM_METRIC

    [cluster] = cell.of_type("aws:ecs/cluster:Cluster")
    assert cluster.inputs["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    yield (
        f"{OF_A_CLUSTER} metrics of the cluster, {OF_A_SERVICE} of the service, {OF_A_TASK} of its task {TIMES} $0.30",
        (OF_A_CLUSTER + OF_A_SERVICE + OF_A_TASK) * METRIC,
    )
    kinds = {
        alarm.inputs["dimensions"]["Kind"] for alarm in alarms if alarm.inputs.get("metricName") == "AuditFindings"
    }
    yield f"{len(kinds)} kinds of finding {TIMES} $0.30", len(kinds) * METRIC

    keys = cell.of_type("aws:kms/key:Key")
    of_the_region = [key for key in shared.of_type("aws:kms/key:Key") if key.region == cell.stack]
    yield (
        f"{len(keys)} of the cell, {len(of_the_region)} of the Region in the global stack",
        (len(keys) + len(of_the_region)) * KEY,
    )


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_the_readme_counts_what_a_cell_costs_at_rest(graphs: Mapping[str, Graph], region: str) -> None:
    declared = dict(rows(graphs[region], graphs["global"]))

    written = {how_much: float(cost) for how_much, cost in re.findall(r"\| ([^|]*) \| \$([\d.]+) \|", README)}

    assert written == pytest.approx(declared, abs=0.05)
    assert f"costs about ${sum(written.values()):.0f} a month" in README
