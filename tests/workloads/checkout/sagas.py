"""The steps of the saga as tests call them, by the order's id and on behalf of its customer unless told otherwise, and
the state machine that calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from components.checkout_saga_states import definition
from tests.simulation.state_machine import Failure, StateMachine
from tests.workloads.checkout.builders import CUSTOMER
from workloads.checkout.application import steps
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps import Checkout
from workloads.checkout.domain.step import Outcome
from workloads.checkout.entrypoints.saga_steps import StepRequest
from workloads.checkout.entrypoints.saga_steps import carry_out as carry_out_step

CarryOut = Callable[[StepRequest], Outcome]


def reserve(ports: Ports, order_id: str, customer: str | None = None) -> Outcome:
    return steps.reserve(ports, checkout(ports, order_id, customer))


def debit(ports: Ports, order_id: str, customer: str | None = None) -> Outcome:
    return steps.debit(ports, checkout(ports, order_id, customer))


def complete(ports: Ports, order_id: str, customer: str | None = None) -> Outcome:
    return steps.complete(ports, checkout(ports, order_id, customer))


def refund(ports: Ports, order_id: str, customer: str | None = None) -> Outcome:
    return steps.refund(ports, checkout(ports, order_id, customer))


def release(ports: Ports, order_id: str, customer: str | None = None) -> Outcome:
    return steps.release(ports, checkout(ports, order_id, customer))


def reject(ports: Ports, order_id: str, customer: str | None = None) -> Outcome:
    return steps.reject(ports, checkout(ports, order_id, customer))


def run(ports: Ports, order_id: str, carry_out: CarryOut | None = None) -> str | Failure:
    """Run the program's state machine for an order, without its waits; return the state in which it ended."""

    def task(_resource: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        request = msgspec.convert(arguments["Payload"], StepRequest)
        outcome = carry_out(request) if carry_out else carry_out_step(ports, request)
        return {"Payload": {"outcome": outcome.value}}

    machine = StateMachine(
        definition(steps_version_arn="steps", repair_queue_url="repair"),
        task=task,
        sleep=lambda _: None,
        jitter=lambda: 0.0,
    )
    saga_input = {"orderId": order_id, "customerId": checkout(ports, order_id).customer_id}
    return machine.run(saga_input, {"Execution": {"Id": f"arn:{order_id}"}})


def checkout(ports: Ports, order_id: str, customer: str | None = None) -> Checkout:
    order = ports.store.order(order_id).order
    return Checkout(order_id=order_id, customer_id=customer or (order.customer_id if order else CUSTOMER))
