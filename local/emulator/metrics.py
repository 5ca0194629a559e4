# It replaces parts of ministack, and so uses what those parts used.
# pyright: reportPrivateUsage=false
"""CloudWatch's metrics and alarms with less work an invocation: while an alarm is evaluated, all else waits."""

import threading
import time
from typing import Any, Final

from ministack.core.responses import get_region
from ministack.services import cloudwatch

from local.emulator.pinned import check_pinned

_POINTS: Final = 500
"""Of each metric, between as many again; alarms look back some minutes."""
_EVALUATION_SECONDS: Final = 15.0
"""Between two evaluations of a Region's alarms; CloudWatch has a minute between them."""


def gather_equal_values() -> None:
    """Count the equal values that a service records of a metric within a second in one point, as ministack can.

    Each invocation records a 1 and three zeros, and each point is looked at by every alarm on its metric.
    """
    record = cloudwatch.record_metric
    check_pinned(record, "7f777bfbe523a0c5")
    check_pinned(cloudwatch._point_stats, "56fe58fc91f5bb2a")
    counting = threading.Lock()

    def record_or_count(
        namespace: str, metric_name: str, value: float, unit: str = "None", dimensions: dict[str, str] | None = None
    ) -> None:
        points = cloudwatch._metric_bucket((namespace, metric_name, cloudwatch._dims_key(dimensions or {})))
        with counting:
            last: dict[str, Any] | None = points[-1] if points else None
            if last and "_stat" not in last and last["Value"] == value and int(last["Timestamp"]) == int(time.time()):
                last["Count"] = last.get("Count", 1.0) + 1.0
            else:
                record(namespace, metric_name, value, unit, dimensions)

    cloudwatch.record_metric = record_or_count


def keep_the_newest_points() -> None:
    """Forget the older half of a metric's points whenever there are twice as many as are kept."""
    bucket = cloudwatch._metric_bucket
    check_pinned(bucket, "be62c5f1548dc00e")

    def bounded_bucket(key: Any) -> list[Any]:
        points = bucket(key)
        if len(points) >= 2 * _POINTS:
            del points[:-_POINTS]
        return points

    cloudwatch._metric_bucket = bounded_bucket


def evaluate_alarms_now_and_then() -> None:
    """Evaluate the alarms of a Region at most four times a minute, instead of with every PutMetricData."""
    evaluate = cloudwatch._evaluate_all_alarms
    check_pinned(evaluate, "f83f88e57f1ccfc9")
    last: dict[str, float] = {}

    def evaluate_if_due() -> None:
        region, now = get_region(), time.monotonic()
        if now - last.get(region, -_EVALUATION_SECONDS) >= _EVALUATION_SECONDS:
            last[region] = now
            evaluate()

    cloudwatch._evaluate_all_alarms = evaluate_if_due
