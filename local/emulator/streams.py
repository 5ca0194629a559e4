# It replaces a part of ministack, and so uses what that part used.
# pyright: reportPrivateUsage=false
"""Delivers DynamoDB stream records to functions as Lambda's event source mappings do.

One batch of a mapping is in flight at a time. A failed batch is retried, split if that is declared, and after the
declared number of attempts its record goes to the declared destination; nothing is skipped before.
"""

import json
import time
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import dynamodb, lambda_svc

_POLL_SECONDS: Final = 0.25
"""Between two batches of a mapping: Lambda polls a shard four times a second (Lambda developer guide, DynamoDB)."""
_LONGEST_PAUSE: Final = 1.0
_ENDLESS: Final = -1
_KEPT: Final = 500
"""Records of a stream that stay though every mapping has read them, for whoever reads the stream by hand."""
_TRIM_SECONDS: Final = 1.0
_SHARD: Final = "shardId-00000000000000000000-00000000"


@dataclass(slots=True)
class _Batch:
    """Records with their positions in the stream, and how often they failed."""

    records: list[tuple[int, dict[str, Any]]]
    failures: int = 0

    def event(self) -> dict[str, Any]:
        return {"Records": [record for _, record in self.records]}

    def halves(self) -> list["_Batch"]:
        middle = len(self.records) // 2
        # Splitting does not count as an attempt.
        return [_Batch(self.records[:middle], self.failures - 1), _Batch(self.records[middle:], self.failures - 1)]

    def starting_at(self, index: int) -> "_Batch":
        return _Batch(self.records[index:], 1)


class StreamPoller:
    """Replaces ministack's poller of DynamoDB streams; `poll` is called by its loop."""

    def __init__(self, emulator_url: str) -> None:
        self._emulator_url = emulator_url
        self._trimmed_at = 0.0
        self._polled_at: dict[str, float] = {}

    def poll(self) -> bool:
        """Start a batch for every mapping that is idle and has unread records."""
        started = False
        for account, region, mapping in lambda_svc._iter_all_esms():
            tokens = _request_account_id.set(account), _request_region.set(region)
            try:
                started = self._poll_mapping(mapping) or started
            finally:
                _request_account_id.reset(tokens[0])
                _request_region.reset(tokens[1])
        if time.monotonic() - self._trimmed_at > _TRIM_SECONDS:
            _trim()
            self._trimmed_at = time.monotonic()
        return started

    def _poll_mapping(self, mapping: dict[str, Any]) -> bool:
        source = str(mapping.get("EventSourceArn", ""))
        if not mapping.get("Enabled", True) or ":dynamodb:" not in source or "/stream/" not in source:
            return False
        if lambda_svc._esm_inflight.get(mapping["UUID"]):
            return False
        table_name = source.split(":table/", 1)[1].split("/", 1)[0]
        table = dynamodb._tables.get(table_name)
        if not table or table.get("LatestStreamArn") != source:
            return False
        function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
        if function is None:
            return False
        position = self._position(mapping, table_name)
        read = dynamodb.stream_records_since(table_name, position, int(mapping.get("BatchSize", 100)))
        now = time.monotonic()
        if not read or now - self._polled_at.get(mapping["UUID"], 0.0) < _POLL_SECONDS:
            # Where there is work, the loop comes round at once instead of waiting for a wake-up.
            return bool(read)
        self._polled_at[mapping["UUID"]] = now
        wanted = [
            (position + offset, record)
            for offset, record in enumerate(read)
            if lambda_svc._apply_filter_criteria([record], mapping)
        ]
        end = position + len(read)
        if not wanted:
            _move_to(mapping, end)
        else:
            lambda_svc._dispatch_esm_batch(mapping["UUID"], self._settle, mapping, function, wanted, end)
        return True

    def _position(self, mapping: dict[str, Any], table_name: str) -> int:
        horizon = dynamodb.stream_start_position(table_name)
        with lambda_svc._dynamodb_stream_positions_lock:
            known = lambda_svc._dynamodb_stream_positions.get(mapping["UUID"])
        if known is None:
            latest = mapping.get("StartingPosition", "LATEST") != "TRIM_HORIZON"
            known = dynamodb.stream_end_position(table_name) if latest else horizon
        position = max(int(known), horizon)
        _move_to(mapping, position)
        return position

    def _settle(
        self, mapping: dict[str, Any], function: dict[str, Any], wanted: list[tuple[int, dict[str, Any]]], end: int
    ) -> None:
        """Invoke until every record is processed or given up; leaves the position at what is unsettled."""
        pending = [_Batch(wanted)]
        while pending:
            batch = pending[0]
            if not _is_active(mapping):
                return
            result = lambda_svc._execute_function(function, batch.event())
            failed = 0 if result.get("error") else _first_failure(mapping, batch, result.get("body"))
            if failed is None:
                pending.pop(0)
            elif failed > 0:
                pending[0] = batch.starting_at(failed)
            elif not result.get("throttle"):
                batch.failures += 1
                pending[:1] = self._after_failure(mapping, function, batch, result)
            if pending:
                _move_to(mapping, pending[0].records[0][0])
                if failed is not None:
                    time.sleep(min(_LONGEST_PAUSE, 0.05 * 2 ** pending[0].failures))
        mapping["LastProcessingResult"] = "OK"
        _move_to(mapping, end)

    def _after_failure(
        self, mapping: dict[str, Any], function: dict[str, Any], batch: _Batch, result: dict[str, Any]
    ) -> list[_Batch]:
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
        if mapping.get("BisectBatchOnFunctionError") and len(batch.records) > 1:
            return batch.halves()
        retries = int(mapping.get("MaximumRetryAttempts", _ENDLESS))
        if retries != _ENDLESS and batch.failures > retries:
            self._give_up(mapping, function, batch, result, condition="RetryAttemptsExhausted")
            return []
        longest = int(mapping.get("MaximumRecordAgeInSeconds") or _ENDLESS)
        age = time.time() - float(batch.records[0][1]["dynamodb"].get("ApproximateCreationDateTime", time.time()))
        if longest > 0 and age > longest:
            self._give_up(mapping, function, batch, result, condition="MaxRecordAgeExceeded")
            return []
        return [batch]

    def _give_up(
        self,
        mapping: dict[str, Any],
        function: dict[str, Any],
        batch: _Batch,
        result: dict[str, Any],
        *,
        condition: str,
    ) -> None:
        records = [record for _, record in batch.records]
        destination = str(((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination") or "")
        if destination.startswith("arn:aws:s3:::"):
            self._write_to_bucket(destination.rsplit(":", 1)[1], mapping, function, batch, condition)
        else:
            lambda_svc._send_ddb_stream_failure_record(
                mapping, function, records, mapping["EventSourceArn"], result, condition
            )

    def _write_to_bucket(
        self, bucket: str, mapping: Mapping[str, Any], function: Mapping[str, Any], batch: _Batch, condition: str
    ) -> None:
        """Write the invocation record under the key that Lambda uses; a bucket's record carries the payload too."""
        now = datetime.now(UTC)
        records = [record["dynamodb"] for _, record in batch.records]
        document = {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": mapping["FunctionArn"],
                "condition": condition,
                "approximateInvokeCount": batch.failures,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": (function.get("config") or function).get("Version", "$LATEST"),
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": now.isoformat(),
            "DDBStreamBatchInfo": {
                "shardId": _SHARD,
                "startSequenceNumber": str(records[0].get("SequenceNumber", "")),
                "endSequenceNumber": str(records[-1].get("SequenceNumber", "")),
                "batchSize": len(records),
                "streamArn": mapping["EventSourceArn"],
            },
            "payload": json.dumps(batch.event(), default=str),
        }
        key = f"aws/lambda/{mapping['UUID']}/{_SHARD}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        request = urllib.request.Request(  # noqa: S310
            f"{self._emulator_url}/{bucket}/{key}", data=json.dumps(document).encode(), method="PUT"
        )
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass


def _first_failure(mapping: Mapping[str, Any], batch: _Batch, body: Any) -> int | None:
    """Return the index of the first record to try again; None if all are done.

    A mapping that reports partial failures names sequence numbers; the lowest is the checkpoint. An answer that can
    not be read counts as a failure of the whole batch, as on Lambda.
    """
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or []):
        return None
    if body in (None, "", {}):
        return None
    if not isinstance(body, dict) or not isinstance(failures := body.get("batchItemFailures") or [], list):
        return 0
    if not failures:
        return None
    indexes = {str(record["dynamodb"].get("SequenceNumber")): index for index, (_, record) in enumerate(batch.records)}
    named = [indexes.get(str((failure or {}).get("itemIdentifier") or ""), 0) for failure in failures]
    return min(named)


def _is_active(mapping: Mapping[str, Any]) -> bool:
    """Tell whether the mapping still exists and is enabled: a reset or a deletion ends its retries."""
    return lambda_svc._esms.get(mapping["UUID"]) is mapping and bool(mapping.get("Enabled", True))


def _move_to(mapping: Mapping[str, Any], position: int) -> None:
    with lambda_svc._dynamodb_stream_positions_lock:
        lambda_svc._dynamodb_stream_positions[mapping["UUID"]] = position


def _trim() -> None:
    """Forget the records that every mapping has read: ministack keeps them for a day, with both images of each item.

    They were the largest part of what orders leave in memory (its containers measured after 150 orders). Only the
    thread that polls may do this: between the two steps a position would lead to the wrong record.
    """
    unread: dict[tuple[str, str, str], int] = {}
    for account, region, mapping in lambda_svc._iter_all_esms():
        source = str(mapping.get("EventSourceArn", ""))
        position = lambda_svc._dynamodb_stream_positions.get(mapping["UUID"], 0)
        if ":dynamodb:" in source:
            scope = (account, region, source.split(":table/", 1)[1].split("/", 1)[0])
            unread[scope] = min(unread.get(scope, int(position)), int(position))
    for scope, records in list(dynamodb._stream_records._data.items()):
        account, region, table = scope
        first = dynamodb._stream_trimmed.get_scoped(account, region, table, 0)
        read = unread.get(scope, first + len(records)) - first
        if (surplus := min(read, len(records) - _KEPT)) > 0:
            del records[:surplus]
            dynamodb._stream_trimmed.set_scoped(account, region, table, first + surplus)
