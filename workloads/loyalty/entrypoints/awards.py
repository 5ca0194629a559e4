"""Function `loyalty-awards`: takes completed purchases from its queue and awards points for them."""

from __future__ import annotations

from typing import Any, Final

from workloads.contracts.clock import SystemClock
from workloads.contracts.envelope import decode_from_bus
from workloads.loyalty.adapters.dynamodb_streams import DynamoDBStreams
from workloads.loyalty.application.award_points import award_points
from workloads.loyalty.domain.rules import RULES
from workloads.runtime import aws
from workloads.runtime.batches import consume_queue
from workloads.runtime.environment import region, required
from workloads.runtime.logging import logger

_LOG: Final = logger("loyalty-awards")
_REGION: Final = region()
_STREAMS: Final = DynamoDBStreams(aws.dynamodb(), required("LOYALTY_EVENTS_TABLE"))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Award points for each purchase of an SQS batch; answer which messages failed."""
    return consume_queue(event, _award)


def _award(body: str) -> None:
    purchase = decode_from_bus(body)
    entries = award_points(purchase, region=_REGION, rules=RULES, streams=_STREAMS, clock=SystemClock())
    _LOG.info("awarded", extra={"purchase_event": purchase.id, "awards": [entry.event.id for entry in entries]})
