"""Lambda on the queue of placed orders: holds what each order wants, and starts the saga of those that got it.

A sold-out order ends here: of a rush only what can be sold takes an execution of the state machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from workloads.checkout.adapters.saga import SagaStarter
from workloads.checkout.application.begin_checkout import hold_or_refuse
from workloads.checkout.application.ports import Ports, Sagas
from workloads.checkout.application.steps import Checkout, UnknownOrderError
from workloads.checkout.entrypoints.saga_messages import SagaStart
from workloads.checkout.entrypoints.wiring import holding_ports
from workloads.runtime import aws, environment
from workloads.runtime.batches import consume_queue
from workloads.runtime.lifecycle import at_start
from workloads.runtime.logging import logger

_log: Final = logger("saga-starter")

LONGEST: Final = 15.0
"""Seconds within which one batch takes units: half of the function's time-out. An order that waits for tokens may take
nine of them, and whoever is killed by the time-out keeps the whole batch from everybody until the queue's own."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Begin the checkout of each message; what is throttled is delivered again."""
    return begin_each(_ports(), _starter(), event, time.monotonic)


def begin_each(ports: Ports, sagas: Sagas, event: Mapping[str, Any], monotonic: Callable[[], float]) -> dict[str, Any]:
    """Begin a batch; once it is late, the rest is left to its sagas, which reserve by themselves."""
    deadline = monotonic() + LONGEST

    def take(body: str) -> None:
        message = msgspec.json.decode(body, type=SagaStart)
        if monotonic() >= deadline:
            _log.warning("left to the saga: the batch is late", extra={"order_id": message.order_id})
            _start(sagas, message)
            return
        begin(ports, sagas, message)

    return consume_queue(event, take)


def begin(ports: Ports, sagas: Sagas, message: SagaStart) -> None:
    """Hold the units and start the saga, or end the order without one; a redrive is always the saga's."""
    checkout = Checkout(order_id=message.order_id, customer_id=message.customer_id)
    if message.redrive or _goes_on(ports, checkout):
        _start(sagas, message)


def _start(sagas: Sagas, message: SagaStart) -> None:
    sagas.start(message.order_id, message.customer_id, redrive=message.redrive)


def _goes_on(ports: Ports, checkout: Checkout) -> bool:
    try:
        return hold_or_refuse(ports, checkout)
    except UnknownOrderError:
        # Sent elsewhere, or by hand: at home an order is there before its message, as a stream tells of a transaction
        # after it has completed (Amazon DynamoDB Developer Guide, "How it works"), and the read is consistent.
        _log.warning("nothing is started: no order of here", extra={"order_id": checkout.order_id}, exc_info=True)
        return False
    except Exception:  # noqa: BLE001 - whatever it is
        # The saga reserves what is not reserved, tries for longer than this function may, and has a way back.
        _log.warning("left to the saga", extra={"order_id": checkout.order_id}, exc_info=True)
        return True


@cache
def _starter() -> SagaStarter:
    return SagaStarter(aws.step_functions(), environment.required("SAGA_STATE_MACHINE_ARN"))


@cache
def _ports() -> Ports:
    return holding_ports()


at_start(_starter, _ports)
