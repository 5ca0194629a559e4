"""Nothing is lost in silence: a queue has a dead-letter queue, that has an alarm, and the alarm a topic."""

import json
from collections.abc import Mapping

from local.recording import Graph
from tests.infrastructure.inspection import statements

QUEUE, ALARM = "aws:sqs/queue:Queue", "aws:cloudwatch/metricAlarm:MetricAlarm"
WORK = {
    "meridian-checkout-commands",
    "meridian-checkout-hot-items",
    "meridian-checkout-saga-start",
    "meridian-checkout-availability",
    "meridian-loyalty-purchases",
    "meridian-loyalty-projection-hints",
    "meridian-single-view-updates",
}


def watched(graph: Graph, namespace: str, metric: str, dimension: str) -> set[str]:
    """Return what alarms on a metric look at, by one of its dimensions."""
    found: set[str] = set()
    for alarm in graph.of_type(ALARM):
        queries = [query["metric"] for query in alarm.inputs.get("metricQueries", []) if "metric" in query]
        for source in queries or [alarm.inputs]:
            if (source["namespace"], source["metricName"]) == (namespace, metric):
                found.add(source["dimensions"][dimension])
    return found


def test_every_work_queue_gives_up_after_five_attempts_to_its_own_dead_letter_queue(
    cell_graphs: Mapping[str, Graph],
) -> None:
    for graph in cell_graphs.values():
        by_name = {queue.inputs["name"]: queue for queue in graph.of_type(QUEUE)}

        assert {name for name, queue in by_name.items() if "redrivePolicy" in queue.inputs} == WORK
        for name in WORK:
            policy = json.loads(by_name[name].inputs["redrivePolicy"])
            assert policy == {
                "deadLetterTargetArn": by_name[f"{name}-dead-letters"].outputs["arn"],
                "maxReceiveCount": 5,
            }


def test_tokens_come_again_until_somebody_keeps_them_and_too_many_in_flight_raise_an_alarm(
    cell_graphs: Mapping[str, Graph],
) -> None:
    for graph in cell_graphs.values():
        by_name = {queue.inputs["name"]: queue.inputs for queue in graph.of_type(QUEUE)}
        tokens = {name for name in by_name if name.startswith("meridian-tokens-")}

        assert tokens == {"meridian-tokens-0", "meridian-tokens-1"}
        assert tokens == watched(graph, "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName")
        for name in tokens:
            assert "redrivePolicy" not in by_name[name]
            assert by_name[name]["visibilityTimeoutSeconds"] == 5


def test_a_dead_letter_queue_takes_messages_of_its_own_queue_only(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        by_url = {queue.outputs["url"]: queue for queue in graph.of_type(QUEUE)}
        allowed = {
            by_url[allow.inputs["queueUrl"]].inputs["name"]: json.loads(allow.inputs["redriveAllowPolicy"])
            for allow in graph.of_type("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy")
        }

        assert set(allowed) == {f"{name}-dead-letters" for name in WORK}
        for name, policy in allowed.items():
            assert policy["redrivePermission"] == "byQueue"
            assert [arn.rsplit(":", 1)[-1] for arn in policy["sourceQueueArns"]] == [name.removesuffix("-dead-letters")]


def test_what_the_bus_can_not_encrypt_or_decrypt_is_kept(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        [bus] = graph.of_type("aws:cloudwatch/eventBus:EventBus")
        [queue] = [q for q in graph.of_type(QUEUE) if q.inputs["name"] == "meridian-event-target-dead-letters"]

        assert bus.inputs["deadLetterConfig"] == {"arn": queue.outputs["arn"]}
        admitted = [s for s in statements(graph, QUEUE) if s.resource == queue and s.allows]
        assert [bus.outputs["arn"] in s.conditions["ArnLike"]["aws:SourceArn"] for s in admitted] == [True]


def test_messages_stay_for_fourteen_days(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        assert {queue.inputs["messageRetentionSeconds"] for queue in graph.of_type(QUEUE)} == {14 * 86_400}


def test_a_queue_hides_a_message_for_six_attempts_of_its_function(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        queues = {queue.outputs["arn"]: queue.inputs for queue in graph.of_type(QUEUE)}
        functions = {f.inputs["name"]: f.inputs for f in graph.of_type("aws:lambda/function:Function")}
        mappings = [
            mapping.inputs
            for mapping in graph.of_type("aws:lambda/eventSourceMapping:EventSourceMapping")
            if mapping.inputs["eventSourceArn"] in queues
        ]

        assert len(mappings) == 6
        for mapping in mappings:
            function = next(name for name in functions if f":{name}:" in f"{mapping['functionName']}:")
            hidden = queues[mapping["eventSourceArn"]]["visibilityTimeoutSeconds"]
            assert hidden >= 6 * functions[function]["timeout"]


def test_each_dead_letter_queue_is_watched_for_depth_and_age(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        dead = {q.inputs["name"] for q in graph.of_type(QUEUE) if q.inputs["name"].endswith("dead-letters")}
        scheduled = {f"{s.inputs['name']}-dead-letters" for s in graph.of_type("aws:scheduler/schedule:Schedule")}

        assert dead == {f"{name}-dead-letters" for name in (*WORK, "meridian-event-target")} | scheduled
        dead.add("meridian-checkout-repair")
        assert dead <= watched(graph, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName")
        assert dead | WORK == watched(graph, "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName")


def test_each_regions_replicas_are_watched(graphs: Mapping[str, Graph], cell_graphs: Mapping[str, Graph]) -> None:
    replicated = {table.inputs["name"] for table in graphs["global"].of_type("aws:dynamodb/table:Table")}

    for graph in cell_graphs.values():
        own = {table.inputs["name"] for table in graph.of_type("aws:dynamodb/table:Table")}
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents", "SystemErrors"):
            assert watched(graph, "AWS/DynamoDB", metric, "TableName") == replicated | own
        assert watched(graph, "AWS/DynamoDB", "ReplicationLatency", "TableName") == replicated
        others = set(cell_graphs) - {graph.stack}
        assert watched(graph, "AWS/DynamoDB", "ReplicationLatency", "ReceivingRegion") == others


def test_an_object_in_the_bucket_of_unpublished_events_raises_an_alarm(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        [bucket] = graph.of_type("aws:s3/bucket:Bucket")

        assert watched(graph, "AWS/S3", "PutRequests", "BucketName") == {bucket.inputs["bucket"]}


def test_every_alarm_calls_the_cells_one_topic_and_says_what_to_do(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        [topic] = graph.of_type("aws:sns/topic:Topic")

        for alarm in graph.of_type(ALARM):
            assert alarm.inputs["alarmActions"] == [topic.outputs["arn"]]
            assert alarm.inputs["okActions"] == [topic.outputs["arn"]]
            assert len(alarm.inputs["alarmDescription"].split()) >= 6, alarm.name


def test_alarm_names_are_unique_in_a_region(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        names = [alarm.inputs["name"] for alarm in graph.of_type(ALARM)]

        assert len(names) == len(set(names))
