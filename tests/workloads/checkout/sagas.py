"""The steps of the saga as tests call them: by the order's id, on behalf of its customer unless told otherwise."""

from __future__ import annotations

from tests.workloads.checkout.builders import CUSTOMER
from workloads.checkout.application import steps
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps import Checkout
from workloads.checkout.domain.step import Outcome


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


def checkout(ports: Ports, order_id: str, customer: str | None = None) -> Checkout:
    order = ports.store.order(order_id).order
    return Checkout(order_id=order_id, customer_id=customer or (order.customer_id if order else CUSTOMER))
