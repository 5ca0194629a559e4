"""Tells people of stock that lies idle beside low stock: a metric, whose alarm calls, and a log line that says what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workloads.runtime.logging import logger

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

    from workloads.checkout.domain.allotment import Allotment

NAMESPACE: Final = "Meridian/Checkout"
METRIC: Final = "IdleStockElsewhere"
_log: Final = logger("availability")


class CloudWatchStockWatch:
    """Implements `StockWatch`."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def idle_beside_low(self, idle: Allotment) -> None:
        """Count the finding, and log what could be transferred."""
        _log.warning(
            "stock lies idle beside low stock",
            # Of a hot SKU no more tokens are counted than PLENTY: at least so many are left.
            extra={"sku": idle.sku, "idle_region": idle.region, "left": idle.left, "units": idle.units},
        )
        self._client.put_metric_data(
            Namespace=NAMESPACE, MetricData=[{"MetricName": METRIC, "Value": 1, "Unit": "Count"}]
        )
