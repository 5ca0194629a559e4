"""The changes to the emulator: what a stream delivers, how many workers run, what a failure tells."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import pinned
from local.processes import wait_until
from local.recording import RecordedResource
from tests.local.core.conftest import Laboratory

REGIONS = ("us-east-1", "eu-west-1")
Deploy = Callable[..., RecordedResource]


def stream_of(laboratory: Laboratory, name: str) -> RecordedResource:
    return laboratory.create(
        "aws:dynamodb/table:Table",
        name,
        hashKey="pk",
        attributes=[{"name": "pk", "type": "S"}],
        billingMode="PAY_PER_REQUEST",
        streamEnabled=True,
        streamViewType="NEW_AND_OLD_IMAGES",
    )


def connect(laboratory: Laboratory, table: RecordedResource, function: RecordedResource, **inputs: Any) -> str:
    bucket = laboratory.create("aws:s3/bucket:Bucket", f"{table.name}-given-up", bucket=f"{table.name}-given-up")
    laboratory.create(
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        f"{table.name}-mapping",
        eventSourceArn=table.outputs["streamArn"],
        functionName=function.outputs["arn"],
        startingPosition="TRIM_HORIZON",
        batchSize=10,
        maximumRetryAttempts=2,
        destinationConfig={"onFailure": {"destinationArn": bucket.outputs["arn"]}},
        **inputs,
    )
    return bucket.id


def put(laboratory: Laboratory, table: RecordedResource, *keys: str) -> None:
    for key in keys:
        item = {"TableName": table.name, "Item": {"pk": {"S": key}}}
        laboratory.context.call("dynamodb", "us-east-1", "PutItem", item)


def stream_records(laboratory: Laboratory, region: str, table: str) -> list[dict[str, Any]]:
    streams = laboratory.context.client("dynamodbstreams", region)
    [stream] = streams.list_streams(TableName=table)["Streams"]
    arn = stream["StreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    return streams.get_records(ShardIterator=iterator)["Records"]


def noted(notes: Path) -> list[str]:
    return notes.read_text().split() if notes.exists() else []


def given_up(laboratory: Laboratory, bucket: str) -> list[dict[str, Any]]:
    found = laboratory.context.call("s3", "us-east-1", "ListObjectsV2", {"Bucket": bucket}).get("Contents", [])
    objects = [
        laboratory.context.call("s3", "us-east-1", "GetObject", {"Bucket": bucket, "Key": entry["Key"]})
        for entry in found
    ]
    return [json.loads(entry["Body"].read()) for entry in objects]


@pytest.mark.parametrize(
    ("handler", "name"), [("refuse_poison", "partial-failures"), ("fail_on_poison", "raised-failures")]
)
def test_a_poison_record_ends_in_the_bucket_and_every_other_record_is_processed(
    laboratory: Laboratory, deploy_function: Deploy, tmp_path: Path, handler: str, name: str
) -> None:
    notes = tmp_path / "notes"
    table = stream_of(laboratory, name)
    put(laboratory, table, "a", "b", "poison", "c", "d")

    bucket = connect(
        laboratory,
        table,
        deploy_function(f"{name}-function", handler, NOTES=str(notes)),
        functionResponseTypes=["ReportBatchItemFailures"],
        bisectBatchOnFunctionError=True,
    )

    assert wait_until(lambda: len(given_up(laboratory, bucket)) == 1 and len(noted(notes)) >= 4, seconds=30)
    assert sorted(set(noted(notes))) == ["a", "b", "c", "d"]
    [record] = given_up(laboratory, bucket)
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["DDBStreamBatchInfo"]["batchSize"] == 1
    assert '"poison"' in record["payload"]


def test_records_that_come_after_a_given_up_one_are_delivered(
    laboratory: Laboratory, deploy_function: Deploy, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    table = stream_of(laboratory, "after-poison")
    bucket = connect(laboratory, table, deploy_function("after-poison-function", "fail_on_poison", NOTES=str(notes)))

    put(laboratory, table, "poison")
    assert wait_until(lambda: len(given_up(laboratory, bucket)) == 1, seconds=30)
    put(laboratory, table, "later")

    assert wait_until(lambda: noted(notes) == ["later"], seconds=30)


def test_a_call_beyond_the_bound_waits_for_a_worker_instead_of_starting_another(
    laboratory: Laboratory, deploy_function: Deploy
) -> None:
    deploy_function("crowded", "process_id")

    def invoke(_: int) -> int:
        known = {"FunctionName": "crowded", "Payload": json.dumps({"seconds": 0.2}).encode()}
        answer = laboratory.context.call("lambda", "us-east-1", "Invoke", known)
        assert "FunctionError" not in answer
        return int(answer["Payload"].read())

    with ThreadPoolExecutor(6) as callers:
        workers = list(callers.map(invoke, range(6)))

    assert len(set(workers)) == 2


def test_a_failed_invocation_is_reported_at_once_with_its_own_error_name(
    laboratory: Laboratory, deploy_function: Deploy
) -> None:
    deploy_function("failing", "fail_on_poison")
    record = {"dynamodb": {"Keys": {"pk": {"S": "poison"}}}}
    known = {"FunctionName": "failing", "Payload": json.dumps({"Records": [record]}).encode()}

    laboratory.context.call("lambda", "us-east-1", "Invoke", known)

    def reports() -> list[dict[str, Any]]:
        return [report for report in laboratory.reports if report["function"] == "failing"]

    assert wait_until(lambda: bool(reports()), seconds=5)
    assert reports()[0]["error_type"] == "LookupError"
    assert reports()[0]["region"] == "us-east-1"
    assert any("LookupError" in line for line in reports()[0]["log"])


def test_a_function_that_logs_more_than_a_pipe_holds_is_not_held_up(
    laboratory: Laboratory, deploy_function: Deploy
) -> None:
    deploy_function("chatter", "chatter")
    known = {"FunctionName": "chatter", "Payload": b'{"lines": 3000}', "LogType": "Tail"}

    answer = laboratory.context.call("lambda", "us-east-1", "Invoke", known)

    assert answer["Payload"].read() == b"3000"
    assert "line 002999" in base64.b64decode(answer["LogResult"]).decode()


def test_only_the_newest_logs_of_a_function_are_kept(laboratory: Laboratory, deploy_function: Deploy) -> None:
    deploy_function("forgetful", "chatter")
    for number in range(210):
        payload = json.dumps({"lines": number % 2}).encode()
        laboratory.context.call("lambda", "us-east-1", "Invoke", {"FunctionName": "forgetful", "Payload": payload})

    known = {"logGroupName": "/aws/lambda/forgetful"}
    client = laboratory.context.client("logs", "us-east-1")
    pages = client.get_paginator("describe_log_streams").paginate(**known)
    assert sum(len(page["logStreams"]) for page in pages) == 200


def test_replicas_hold_the_same_item_and_a_change_in_one_region_changes_no_image_of_the_past(
    laboratory: Laboratory,
) -> None:
    table = laboratory.create(
        "aws:dynamodb/table:Table",
        "mirrored",
        hashKey="pk",
        attributes=[{"name": "pk", "type": "S"}],
        billingMode="PAY_PER_REQUEST",
        streamEnabled=True,
        streamViewType="NEW_AND_OLD_IMAGES",
        replicas=[{"regionName": "eu-west-1"}],
    )
    put(laboratory, table, "k")
    change = {
        "TableName": "mirrored",
        "Key": {"pk": {"S": "k"}},
        "UpdateExpression": "SET counts.n = :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    start = change | {"UpdateExpression": "SET counts = :one", "ExpressionAttributeValues": {":one": {"M": {}}}}
    laboratory.context.call("dynamodb", "eu-west-1", "UpdateItem", start)
    laboratory.context.call("dynamodb", "us-east-1", "UpdateItem", change)

    known = {"TableName": "mirrored", "Key": {"pk": {"S": "k"}}}
    items = [laboratory.context.call("dynamodb", region, "GetItem", known)["Item"] for region in REGIONS]
    assert items == [{"pk": {"S": "k"}, "counts": {"M": {"n": {"N": "1"}}}}] * 2
    for region in REGIONS:
        images = [record["dynamodb"].get("NewImage") for record in stream_records(laboratory, region, "mirrored")]
        assert images == [{"pk": {"S": "k"}}, {"pk": {"S": "k"}, "counts": {"M": {}}}, items[0]]


def test_a_transactions_token_is_good_for_the_same_request_only(laboratory: Laboratory) -> None:
    table = stream_of(laboratory, "tokens")
    add = {"TableName": table.name, "Key": {"pk": {"S": "sum"}}, "UpdateExpression": "ADD n :n"}

    def transact(number: str) -> None:
        update = add | {"ExpressionAttributeValues": {":n": {"N": number}}}
        known = {"TransactItems": [{"Update": update}], "ClientRequestToken": "once"}
        laboratory.context.call("dynamodb", "us-east-1", "TransactWriteItems", known)

    transact("1")
    transact("1")
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        transact("2")

    known = {"TableName": table.name, "Key": {"pk": {"S": "sum"}}}
    assert laboratory.context.call("dynamodb", "us-east-1", "GetItem", known)["Item"]["n"] == {"N": "1"}


def test_a_function_finds_the_emulator_and_its_declared_variables(
    laboratory: Laboratory, deploy_function: Deploy
) -> None:
    keys = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc/.well-known/jwks.json"
    deploy_function("variables", "variables", TOKEN_ISSUERS=keys)

    answer = laboratory.context.call("lambda", "us-east-1", "Invoke", {"FunctionName": "variables"})

    found = json.loads(answer["Payload"].read())
    assert found["AWS_ENDPOINT_URL"] == laboratory.context.emulator_url
    assert found["AWS_REGION"] == "us-east-1"
    assert found["TOKEN_ISSUERS"] == f"{laboratory.context.emulator_url}/eu-west-1_abc/.well-known/jwks.json"


def test_code_that_a_patch_was_not_written_for_is_refused() -> None:
    with pytest.raises(pinned.PatchError, match="look at its patch again"):
        pinned.check_pinned(json.dumps, "0123456789abcdef")


def test_each_invocation_counts_once_in_the_metrics(laboratory: Laboratory, deploy_function: Deploy) -> None:
    deploy_function("counted", "chatter")
    for lines in (1, 1, 1):
        payload = json.dumps({"lines": lines}).encode()
        laboratory.context.call("lambda", "us-east-1", "Invoke", {"FunctionName": "counted", "Payload": payload})
    laboratory.context.call("lambda", "us-east-1", "Invoke", {"FunctionName": "counted", "Payload": b"{}"})

    def statistics(metric: str) -> tuple[float, float]:
        now = datetime.now(UTC)
        [point] = laboratory.context.client("cloudwatch", "us-east-1").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": "counted"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["Sum", "SampleCount"],
        )["Datapoints"]
        return point["Sum"], point["SampleCount"]

    assert statistics("Invocations") == (4, 4)
    assert statistics("Errors") == (1, 4)
