"""Batch consumers: one bad record never takes its batch down, and only what failed is delivered again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from workloads.runtime.logging import logger

_log: Final = logger("batches")


def consume_queue(event: Mapping[str, Any], handle: Callable[[str], None]) -> dict[str, Any]:
    """Handle each message's body of an SQS batch; return the partial batch response (ReportBatchItemFailures).

    A record that raises is delivered again by the queue, and ends in its dead-letter queue past the redrive bound.
    """
    failures: list[str] = []
    for record in event["Records"]:
        try:
            handle(record["body"])
        except Exception:  # noqa: BLE001 - the rim: the record is reported as failed, the others go on
            _log.exception("message failed", extra={"message_id": record["messageId"]})
            failures.append(record["messageId"])
    return partial_response(failures)


def partial_response(identifiers: Iterable[str]) -> dict[str, Any]:
    """Return the answer that names the failed items: message ids, or for a stream the first failed sequence number."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}
