"""Batch consumers: one bad record never takes its batch down, and only what failed is delivered again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from workloads.runtime.logging import logger

_log: Final = logger("batches")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a queue, and how often it has come."""

    body: str
    receives: int
    """Counted by SQS, this delivery included (ApproximateReceiveCount): past the queue's bound it is a dead letter."""


class NotYetError(RuntimeError):
    """Nothing is wrong with a message, it is only too early for it: it is delivered again, and nobody is alarmed."""


def consume_messages(event: Mapping[str, Any], handle: Callable[[Message], None]) -> dict[str, Any]:
    """Handle each message of an SQS batch; return the partial batch response (ReportBatchItemFailures).

    A message that raises is delivered again by the queue, and ends in its dead-letter queue past the redrive bound.
    """
    failures: list[str] = []
    for record in event["Records"]:
        message = Message(body=record["body"], receives=int(record["attributes"]["ApproximateReceiveCount"]))
        try:
            handle(message)
        except NotYetError as error:
            _log.info("message comes again", extra={"message_id": record["messageId"], "reason": str(error)})
            failures.append(record["messageId"])
        except Exception:  # noqa: BLE001 - the rim: the record is reported as failed, the others go on
            _log.exception("message failed", extra={"message_id": record["messageId"]})
            failures.append(record["messageId"])
    return partial_response(failures)


def consume_queue(event: Mapping[str, Any], handle: Callable[[str], None]) -> dict[str, Any]:
    """Handle each message's body of an SQS batch, for whom it does not matter how often it came."""
    return consume_messages(event, lambda message: handle(message.body))


def partial_response(identifiers: Iterable[str]) -> dict[str, Any]:
    """Return the answer that names the failed items: message ids, or for a stream the first failed sequence number."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}
