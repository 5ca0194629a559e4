"""Publishes the depth and age of the queues that alarms watch: the embedded AWS has no metrics of its own for SQS.

On AWS they come every minute; here every few seconds, so that an alarm can be seen to fire.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from local.deployment import Deployment
from local.standins.emulator import Emulator, EmulatorError, EmulatorTimeoutError, EmulatorUnreachableError
from local.standins.reporting import Report

METRIC_ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
NAMESPACE: Final = "AWS/SQS"
VISIBLE: Final = "ApproximateNumberOfMessagesVisible"
AGE: Final = "ApproximateAgeOfOldestMessage"
INTERVAL_SECONDS: Final = 5.0
# PutMetricData takes 1,000 metrics a call; the embedded AWS reads a call of this size in a millisecond or two.
MOST_METRICS_A_CALL: Final = 200


def watched_metrics(deployment: Deployment, *, region: str) -> frozenset[tuple[str, str]]:
    """The (queue, metric) pairs that an alarm of the Region watches."""
    return frozenset(
        (str(metric["dimensions"]["QueueName"]), str(metric["metricName"]))
        for alarm in deployment.of_type(METRIC_ALARM, region=region)
        for metric in _metrics(alarm.inputs)
        if metric.get("namespace") == NAMESPACE and metric.get("metricName") in {VISIBLE, AGE}
    )


class QueueDepths:
    """The metrics of one Region's watched queues."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        region: str,
        emulator: Emulator,
        report: Report,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._account = deployment.account
        self._region = region
        self._watched = watched_metrics(deployment, region=region)
        self._emulator = emulator
        self._report = report
        self._clock = clock

    async def run(self) -> None:
        """Publish until cancelled."""
        reported = False
        while self._watched:
            try:
                await self.publish()
                reported = False
            except (EmulatorError, EmulatorTimeoutError, EmulatorUnreachableError) as error:
                if not reported:
                    self._report.failure(f"queue depths of {self._region}", [str(error)])
                reported = True
            await asyncio.sleep(INTERVAL_SECONDS)

    async def publish(self) -> None:
        """Publish once."""
        metrics = list(self._data(await self._messages()))
        for start in range(0, len(metrics), MOST_METRICS_A_CALL):
            await self._emulator.call(
                region=self._region,
                service="monitoring",
                operation="PutMetricData",
                payload={"Namespace": NAMESPACE, "MetricData": metrics[start : start + MOST_METRICS_A_CALL]},
            )

    async def _messages(self) -> Mapping[str, list[Mapping[str, Any]]]:
        # The emulator's own window into its queues: SQS tells nobody the age of the oldest message, and to receive
        # messages only to read their age would count towards their dead-letter queue.
        response = await self._emulator.send(
            region=self._region,
            service="sqs",
            method="GET",
            path="/_ministack/sqs/messages?" + urlencode({"region": self._region, "account": self._account}),
        )
        if response.status != 200:
            raise EmulatorError(
                operation="sqs:messages",
                status=response.status,
                code="",
                message=response.body.decode(errors="replace"),
            )
        queues = json.loads(response.body)["messages"].get(self._account, {}).get(self._region, {})
        return {url.rpartition("/")[2]: messages for url, messages in queues.items()}

    def _data(self, messages: Mapping[str, list[Mapping[str, Any]]]) -> Iterator[Mapping[str, Any]]:
        now = self._clock()
        for queue, metric in sorted(self._watched):
            waiting = messages.get(queue, [])
            if metric == VISIBLE:
                value, unit = sum(1 for message in waiting if message["IsVisible"]), "Count"
            else:
                oldest = min((message["SentTimestamp"] for message in waiting), default=now)
                value, unit = max(0, int(now - oldest)), "Seconds"
            yield {
                "MetricName": metric,
                "Dimensions": [{"Name": "QueueName", "Value": queue}],
                "Value": value,
                "Unit": unit,
            }


def _metrics(alarm: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield alarm
    for query in alarm.get("metricQueries") or ():
        if query.get("metric"):
            yield query["metric"]
