"""Lambda on the queue of placed orders: starts the saga of each, so that a throttle holds up no event."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from workloads.checkout.adapters.saga import SagaStarter
from workloads.checkout.entrypoints.saga_messages import SagaStart
from workloads.runtime import aws, environment
from workloads.runtime.batches import consume_queue
from workloads.runtime.lifecycle import at_start


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Start a saga for each message; what is throttled is delivered again."""
    return consume_queue(event, _start)


def _start(body: str) -> None:
    message = msgspec.json.decode(body, type=SagaStart)
    _starter().start(message.order_id, message.customer_id, redrive=message.redrive)


@cache
def _starter() -> SagaStarter:
    return SagaStarter(aws.step_functions(), environment.required("SAGA_STATE_MACHINE_ARN"))


at_start(_starter)
