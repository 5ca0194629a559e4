"""Function `singleview-updates`: takes events from its queue and records what they say about a customer."""

from __future__ import annotations

from typing import Any, Final

from workloads.contracts.envelope import decode_from_bus
from workloads.runtime import aws
from workloads.runtime.batches import consume_queue
from workloads.runtime.environment import region, required
from workloads.runtime.logging import logger
from workloads.singleview.adapters.dynamodb_rows import DynamoDBRows
from workloads.singleview.application.record_fact import record_fact

_LOG: Final = logger("singleview-updates")
_REGION: Final = region()
_ROWS: Final = DynamoDBRows(aws.dynamodb(), required("SINGLE_VIEW_TABLE"))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Record the fact in each event of an SQS batch; answer which messages failed."""
    return consume_queue(event, _record)


def _record(body: str) -> None:
    event = decode_from_bus(body)
    recorded = record_fact(event, region=_REGION, rows=_ROWS)
    _LOG.info("event read", extra={"event_id": event.id, "event_type": event.type, "outcome": recorded.value})
