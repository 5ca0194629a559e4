"""Tells CloudWatch how many findings of each kind an audit has: the alarms compare these numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from workloads.checkout.domain.audit import Finding, FindingKind

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

NAMESPACE: Final = "Meridian/Checkout"
METRIC: Final = "AuditFindings"


class AuditMetrics:
    """Puts one value a kind, also where it is nothing: the alarm ends with the first audit that finds nothing."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def put(self, findings: Sequence[Finding]) -> None:
        """Put the numbers of one audit."""
        numbers = Counter(finding.kind for finding in findings)
        self._client.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": METRIC,
                    "Dimensions": [{"Name": "Kind", "Value": kind.value}],
                    "Value": numbers[kind],
                    "Unit": "Count",
                }
                for kind in FindingKind
            ],
        )
