"""Reads the embedded AWS's request log as a bill would: requests by meter, capacity units by item size."""

import json
import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.cost.prices import Meter

_READ_BLOCK: Final = 4096
_WRITE_BLOCK: Final = 1024
Item = Mapping[str, Mapping[str, Any]]


@dataclass
class Tables:
    """What of checkout's tables a count needs, read after the run."""

    regions: int
    sizes: Mapping[tuple[str, str, str], int]
    """Bytes of each item by table, `pk` and `sk`."""
    index_keys: Mapping[str, Sequence[Sequence[str]]]
    """The key attributes of each table's indexes."""
    keys_of: Mapping[tuple[str, str, str], frozenset[str]]
    """The names of each item's attributes."""


@dataclass
class Bill:
    """Counts by meter."""

    counts: defaultdict[Meter, float] = field(default_factory=lambda: defaultdict[Meter, float](float))
    operations: Counter[str] = field(default_factory=Counter[str])
    """Requests by service and operation, and invocations by function."""

    def each(self, orders: int) -> Mapping[Meter, float]:
        """Return the counts of one of so many orders."""
        return {meter: count / orders for meter, count in self.counts.items()}


def read_log(path: Path, start: int) -> tuple[Sequence[Mapping[str, Any]], int]:
    """Return the records that were written since a position, and the next position."""
    with path.open("rb") as file:
        file.seek(start)
        lines = file.read()
    return [json.loads(line) for line in lines.splitlines()], start + len(lines)


def bill(
    records: Iterable[Mapping[str, Any]], tables: Tables, *, memory: Mapping[str, int], polled: frozenset[str]
) -> Bill:
    """Count checkout's part of a log.

    `memory` holds the megabytes of each function that counts, `polled` those whose batches Lambda takes from a queue.
    """
    made = Bill()
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for record in records:
        if "function" in record:
            if record["function"] in memory:
                seconds[record["function"]].append(record["seconds"])
            continue
        _count_request(made, record, tables)
    for function, durations in seconds.items():
        made.operations[f"invoke {function}"] += len(durations)
        made.counts[Meter.INVOCATION] += len(durations)
        # The median: a neighbour on this machine must not cost.
        made.counts[Meter.GB_SECOND] += len(durations) * statistics.median(durations) * memory[function] / 1024
        if function in polled:
            # Each batch is received once and deleted once.
            made.counts[Meter.QUEUE_REQUEST] += 2 * len(durations)
    return made


def size(item: Item) -> int:
    """Return an item's bytes as DynamoDB counts them (Developer Guide, item sizes and formats)."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _count_request(made: Bill, record: Mapping[str, Any], tables: Tables) -> None:
    service, operation, request = record["service"], record["operation"], record["request"] or {}
    match service, operation:
        case "dynamodb", _:
            named = _tables_of(request)
            if not named or not all(name in tables.index_keys for name in named):
                return
            _count_dynamodb(made, operation, request, record, tables)
        case "events", "PutEvents":
            entries = [entry for entry in request["Entries"] if entry["Source"] == "meridian.checkout"]
            made.counts[Meter.EVENT] += sum(math.ceil(len(entry["Detail"].encode()) / 65_536) for entry in entries)
            if not entries:
                return
        case "sqs", ("SendMessage" | "SendMessageBatch" | "GetQueueAttributes"):
            if "checkout" not in request["QueueUrl"]:
                return
            made.counts[Meter.QUEUE_REQUEST] += 1
        case _:
            return
    made.operations[f"{service} {operation}"] += 1


def _count_dynamodb(
    made: Bill, operation: str, request: Mapping[str, Any], record: Mapping[str, Any], tables: Tables
) -> None:
    answer = record["answer"] or {}
    match operation:
        case "TransactWriteItems":
            for action in request["TransactItems"]:
                _count_write(made, action, tables, transactional=2, done=record["status"] == 200)
        case "PutItem" | "UpdateItem" | "DeleteItem":
            kind = operation.removesuffix("Item")
            _count_write(made, {kind: request}, tables, transactional=1, done=record["status"] == 200)
        case "Query" | "Scan":
            read = sum(size(item) for item in answer.get("Items", ()))
            made.counts[Meter.READ_UNIT] += _reads(read, consistent=request.get("ConsistentRead", False))
        case "GetItem":
            read = size(answer.get("Item", {}))
            made.counts[Meter.READ_UNIT] += _reads(read, consistent=request.get("ConsistentRead", False))
        case "BatchGetItem":
            for table, wanted in request["RequestItems"].items():
                consistent = wanted.get("ConsistentRead", False)
                found = [size(item) for item in answer.get("Responses", {}).get(table, ())]
                missing = len(wanted["Keys"]) - len(found)
                made.counts[Meter.READ_UNIT] += sum(
                    _reads(each, consistent=consistent) for each in [*found, *([0] * missing)]
                )
        case _:
            pass


def _count_write(made: Bill, action: Mapping[str, Any], tables: Tables, *, transactional: int, done: bool) -> None:
    ((kind, write),) = action.items()
    table = write["TableName"]
    keys = write["Item"] if kind == "Put" else write["Key"]
    name = table, keys["pk"]["S"], keys["sk"].get("S", "")
    written = size(write["Item"]) if kind == "Put" else tables.sizes.get(name, 0)
    units = max(1, math.ceil(written / _WRITE_BLOCK))
    made.counts[Meter.WRITE_UNIT] += transactional * units
    if kind == "ConditionCheck" or not done:
        return
    if kind == "Update":
        # No index here holds anything but keys that an update changes: it is written where one of those is named.
        named = _named(write)
        indexed = sum(not named.isdisjoint(index) for index in tables.index_keys[table])
    else:
        attributes = frozenset(write["Item"]) if kind == "Put" else tables.keys_of.get(name, frozenset())
        indexed = sum(attributes.issuperset(index) for index in tables.index_keys[table])
    made.counts[Meter.WRITE_UNIT] += indexed * units
    made.counts[Meter.REPLICATED_WRITE_UNIT] += (tables.regions - 1) * (1 + indexed) * units


def _named(write: Mapping[str, Any]) -> frozenset[str]:
    """Return the attributes that an update sets, adds to or removes, among other words of its expression."""
    names: Mapping[str, str] = write.get("ExpressionAttributeNames", {})
    return frozenset(names.get(word, word) for word in re.findall(r"[#:]?\w+", write.get("UpdateExpression", "")))


def _reads(read: int, *, consistent: bool) -> float:
    return max(1, math.ceil(read / _READ_BLOCK)) * (1.0 if consistent else 0.5)


def _tables_of(request: Mapping[str, Any]) -> set[str]:
    if "TableName" in request:
        return {request["TableName"]}
    if "RequestItems" in request:
        return set(request["RequestItems"])
    return {write["TableName"] for action in request.get("TransactItems", ()) for write in action.values()}


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return (len(content.lstrip("-").replace(".", "").strip("0")) + 1) // 2 + 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size(each) for name, each in content.items())
        case "L":
            return 3 + sum(1 + _size(each) for each in content)
        case "SS" | "NS":
            return sum(len(each.encode()) for each in content)
        case _:
            return 1
