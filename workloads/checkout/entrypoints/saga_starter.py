"""Lambda on the queue of placed orders: holds what each order wants, and starts the saga of those that got it.

A sold-out order ends here: of a rush only what can be sold takes an execution of the state machine.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec

from workloads.checkout.adapters.saga import SagaStarter
from workloads.checkout.application.begin_checkout import hold_or_refuse
from workloads.checkout.application.ports import Ports, Sagas
from workloads.checkout.application.steps import Checkout
from workloads.checkout.entrypoints.saga_messages import SagaStart
from workloads.checkout.entrypoints.wiring import holding_ports
from workloads.runtime import aws, environment
from workloads.runtime.batches import consume_queue
from workloads.runtime.lifecycle import at_start
from workloads.runtime.logging import logger

_log: Final = logger("saga-starter")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Begin the checkout of each message; what is throttled is delivered again."""
    return consume_queue(event, lambda body: begin(_ports(), _starter(), msgspec.json.decode(body, type=SagaStart)))


def begin(ports: Ports, sagas: Sagas, message: SagaStart) -> None:
    """Hold the units and start the saga, or end the order without one; a redrive is always the saga's."""
    checkout = Checkout(order_id=message.order_id, customer_id=message.customer_id)
    if message.redrive or _goes_on(ports, checkout):
        sagas.start(message.order_id, message.customer_id, redrive=message.redrive)


def _goes_on(ports: Ports, checkout: Checkout) -> bool:
    try:
        return hold_or_refuse(ports, checkout)
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


at_start(_starter)
at_start(_ports)
