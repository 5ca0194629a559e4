"""Stock that lies idle beside low stock calls a person."""

from collections.abc import Mapping

from local.recording import Graph
from workloads.checkout.adapters import stock_watch

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def test_idle_stock_beside_low_stock_raises_an_alarm_in_every_cell(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        (raised,) = [a.inputs for a in graph.of_type(ALARM) if a.inputs.get("metricName") == stock_watch.METRIC]

        assert raised["namespace"] == stock_watch.NAMESPACE
        assert not raised.get("dimensions")
        assert (raised["statistic"], raised["threshold"]) == ("Sum", 0)
        assert raised["alarmActions"]
