"""The depth and age of watched queues become metrics, so that their alarms fire."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from local.deployment import DeployedResource
from local.standins.emulator import Emulator
from local.standins.queue_depths import AGE, VISIBLE, QueueDepths, watched_metrics
from tests.local.standins.conftest import ACCOUNT, Emulated
from tests.local.standins.gateway_setup import REGION, RecordedFailures, deployment_of, resource


def alarm(queue: str, metric: str = VISIBLE, **fields: Any) -> DeployedResource:
    region = fields.pop("region", REGION)
    inputs = {"namespace": "AWS/SQS", "metricName": metric, "dimensions": {"QueueName": queue}} | fields
    return resource("aws:cloudwatch/metricAlarm:MetricAlarm", inputs, name=f"{queue}-{metric}", region=region)


def publish(emulated: Emulated, *alarms: DeployedResource, clock: Any = time.time, region: str = REGION) -> None:
    deployment = deployment_of(alarms, emulator_url=emulated.url).model_copy(update={"account": ACCOUNT})

    async def once() -> None:
        async with Emulator(emulated.url) as emulator:
            report = RecordedFailures()
            await QueueDepths(deployment, region=region, emulator=emulator, report=report, clock=clock).publish()

    asyncio.run(once())


def latest(emulated: Emulated, queue: str, metric: str) -> float:
    now = datetime.now(UTC)
    points = emulated.client("cloudwatch", REGION).get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName=metric,
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max(point["Maximum"] for point in points)


def test_only_queues_that_an_alarm_watches_are_published() -> None:
    of_sum = resource(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {
            "metricQueries": [
                {"id": "total", "expression": "SUM(METRICS())"},
                {"id": "a", "metric": alarm("in-a-sum").inputs},
                {"id": "b", "metric": {"namespace": "AWS/Lambda", "metricName": "Errors", "dimensions": {}}},
            ]
        },
    )
    lambda_alarm = alarm("no-queue", namespace="AWS/Lambda")
    other_metric = alarm("sent-only", metric="NumberOfMessagesSent")

    deployment = deployment_of([alarm("depth"), alarm("age", AGE), of_sum, lambda_alarm, other_metric])

    assert watched_metrics(deployment, region=REGION) == {
        ("depth", VISIBLE),
        ("age", AGE),
        ("in-a-sum", VISIBLE),
    }
    assert watched_metrics(deployment, region="eu-west-1") == frozenset()


def test_depth_and_age_are_those_of_the_queue_and_reading_them_counts_as_no_receive(emulated: Emulated) -> None:
    sqs = emulated.client("sqs", REGION)
    url = sqs.create_queue(QueueName="measured")["QueueUrl"]
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(number), "MessageBody": "x"} for number in range(3)])

    publish(emulated, alarm("measured"), alarm("measured", AGE), clock=lambda: time.time() + 100)

    assert latest(emulated, "measured", VISIBLE) == 3
    assert 99 <= latest(emulated, "measured", AGE) <= 105
    [message] = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_an_empty_queue_is_zero_and_zero(emulated: Emulated) -> None:
    emulated.client("sqs", REGION).create_queue(QueueName="empty")

    publish(emulated, alarm("empty"), alarm("empty", AGE))

    assert latest(emulated, "empty", VISIBLE) == 0
    assert latest(emulated, "empty", AGE) == 0


def test_the_alarm_of_a_dead_letter_queue_fires(emulated: Emulated) -> None:
    # In a Region of its own: the embedded AWS compares an alarm with all queues of its Region.
    region = "eu-central-1"
    sqs, cloudwatch = emulated.client("sqs", region), emulated.client("cloudwatch", region)
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    cloudwatch.put_metric_alarm(
        AlarmName="dead-not-empty",
        Namespace="AWS/SQS",
        MetricName=VISIBLE,
        Dimensions=[{"Name": "QueueName", "Value": "dead"}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    publish(emulated, alarm("dead", region=region), region=region)
    assert state(cloudwatch) != "ALARM"

    sqs.send_message(QueueUrl=url, MessageBody="x")

    # The embedded AWS evaluates with what is published, now and then.
    deadline = time.monotonic() + 60
    while state(cloudwatch) != "ALARM":
        assert time.monotonic() < deadline
        publish(emulated, alarm("dead", region=region), region=region)
        time.sleep(0.2)


def state(cloudwatch: Any) -> str:
    [found] = cloudwatch.describe_alarms(AlarmNames=["dead-not-empty"])["MetricAlarms"]
    return found["StateValue"]
