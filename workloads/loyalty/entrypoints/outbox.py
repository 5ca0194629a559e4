"""Function `loyalty-outbox`: follows the stream of the event table's replica in this Region.

It publishes what this Region recorded, and hints to this Region's projector at whatever any Region recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from workloads.contracts.envelope import CloudEvent
from workloads.loyalty.adapters.hints import Hint
from workloads.runtime import aws
from workloads.runtime.environment import region, required
from workloads.runtime.outbox import (
    Deliver,
    Outcome,
    Route,
    UnpublishedEventsBucket,
    consume_outbox,
    originates_in,
    to_bus,
    to_queue,
)
from workloads.runtime.publisher import BusPublisher
from workloads.runtime.queues import QueueSender


def one_hint_a_customer(deliver: Deliver) -> Deliver:
    """Deliver only each customer's last event of a batch: a hint says where to read on, not what there is to read."""

    def deliver_last(events: Sequence[CloudEvent]) -> Outcome:
        return deliver(list({event.subject: event for event in events}.values()))

    return deliver_last


def _hint(event: CloudEvent) -> str:
    return msgspec.json.encode(Hint(event.subject)).decode()


_ROUTES: Final = (
    Route(originates_in(region()), to_bus(BusPublisher(aws.events(), required("EVENT_BUS")))),
    Route(
        lambda _event: True,
        one_hint_a_customer(to_queue(QueueSender(aws.sqs(), required("PROJECTION_HINTS_QUEUE_URL")), _hint)),
    ),
)
_UNPUBLISHED: Final = UnpublishedEventsBucket(aws.s3(), required("UNPUBLISHED_EVENTS_BUCKET"), "loyalty")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Deliver the entries of a batch of stream records; answer from which record on to try again."""
    return consume_outbox(event, routes=_ROUTES, unpublished=_UNPUBLISHED)
