"""Lambda of the state machine: carries out one step of an order's saga and answers its outcome as data."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from workloads.checkout.application import steps
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.step import Outcome, Step
from workloads.checkout.entrypoints.wiring import ports
from workloads.contracts.events import RejectionReason
from workloads.runtime.lifecycle import at_start
from workloads.runtime.logging import logger

_log = logger("saga-steps")


class StepRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the state machine asks for."""

    step: Step
    order_id: str
    customer_id: str
    reason: RejectionReason = RejectionReason.TECHNICAL_FAILURE
    """Only for `reject`. Whatever the state machine has no reason for was a technical failure."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Carry out the step; an exception is technical: the state machine retries it, and compensates in the end."""
    request = msgspec.convert(event, StepRequest)
    outcome = carry_out(_ports(), request)
    _log.info("step", extra={"step": request.step, "order_id": request.order_id, "outcome": outcome})
    return {"outcome": outcome.value}


def carry_out(ports: Ports, request: StepRequest) -> Outcome:
    """Call the use case of a step."""
    match request.step:
        case Step.RESERVE:
            return steps.reserve(ports, request.order_id)
        case Step.DEBIT:
            return steps.debit(ports, request.order_id)
        case Step.COMPLETE:
            return steps.complete(ports, request.order_id)
        case Step.REFUND:
            return steps.refund(ports, request.order_id)
        case Step.RELEASE:
            return steps.release(ports, request.order_id)
        case Step.REJECT:
            return steps.reject(ports, request.order_id, request.reason)


@cache
def _ports() -> Ports:
    return ports()


at_start(_ports)
