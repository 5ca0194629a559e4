"""Lambda on the outbox's stream: publishes what originated in this Region, and asks for the saga of each new order."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from workloads.checkout.entrypoints.saga_messages import SagaStart
from workloads.contracts.envelope import CloudEvent, open_as
from workloads.contracts.events import CheckoutRedriven, OrderPlaced
from workloads.runtime import aws, environment
from workloads.runtime.lifecycle import at_start
from workloads.runtime.outbox import Route, UnpublishedEventsBucket, consume_outbox, originates_in, to_bus, to_queue
from workloads.runtime.publisher import BusPublisher
from workloads.runtime.queues import QueueSender


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Deliver a batch of the stream."""
    return consume_outbox(event, routes=_routes(), unpublished=_unpublished())


def saga_start(event: CloudEvent) -> str:
    """Write the message that asks for the saga of an order, placed or redriven; raises MalformedEventError."""
    if event.type == CheckoutRedriven.__name__:
        again = open_as(event, CheckoutRedriven)
        start = SagaStart(order_id=again.order_id, customer_id=again.customer_id, redrive=again.sequence)
    else:
        placed = open_as(event, OrderPlaced)
        start = SagaStart(order_id=placed.order_id, customer_id=placed.customer_id)
    return msgspec.json.encode(start).decode()


@cache
def _routes() -> tuple[Route, ...]:
    here = originates_in(environment.region())

    def starts_saga(event: CloudEvent) -> bool:
        return here(event) and event.type in {OrderPlaced.__name__, CheckoutRedriven.__name__}

    return (
        Route(here, to_bus(BusPublisher(aws.events(), environment.required("EVENT_BUS")))),
        Route(starts_saga, to_queue(QueueSender(aws.sqs(), environment.required("SAGA_START_QUEUE_URL")), saga_start)),
    )


@cache
def _unpublished() -> UnpublishedEventsBucket:
    return UnpublishedEventsBucket(aws.s3(), environment.required("UNPUBLISHED_EVENTS_BUCKET"), "checkout")


at_start(_routes, _unpublished)
