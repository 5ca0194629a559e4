"""Lambda of the state machine: carries out one step of an order's saga and answers its outcome as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from workloads.checkout.application import steps
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps import Checkout
from workloads.checkout.domain.step import Outcome, Step
from workloads.checkout.entrypoints.wiring import holding_ports
from workloads.runtime.lifecycle import at_start
from workloads.runtime.logging import logger

_USE_CASES: Final[Mapping[Step, Callable[[Ports, Checkout], Outcome]]] = {
    Step.RESERVE: steps.reserve,
    Step.DEBIT: steps.debit,
    Step.COMPLETE: steps.complete,
    Step.REFUND: steps.refund,
    Step.RELEASE: steps.release,
    Step.REJECT: steps.reject,
}
_log: Final = logger("saga-steps")


class StepRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the state machine asks for."""

    step: Step
    order_id: str
    customer_id: str


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Carry out the step; an exception is technical: the state machine retries it, and compensates in the end."""
    request = msgspec.convert(event, StepRequest)
    outcome = carry_out(_ports(), request)
    _log.info("step", extra={"step": request.step, "order_id": request.order_id, "outcome": outcome})
    return {"outcome": outcome.value}


def carry_out(ports: Ports, request: StepRequest) -> Outcome:
    """Call the use case of a step."""
    checkout = Checkout(order_id=request.order_id, customer_id=request.customer_id)
    return _USE_CASES[request.step](ports, checkout)


@cache
def _ports() -> Ports:
    return holding_ports()


at_start(_ports)
