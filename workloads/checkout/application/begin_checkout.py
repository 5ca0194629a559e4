"""Begin the checkout of a placed order: first of all its units, so that only what can be sold takes a saga."""

from __future__ import annotations

from workloads.checkout.application import steps
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps import Checkout
from workloads.checkout.domain.step import ENDS, Outcome


def hold_or_refuse(ports: Ports, checkout: Checkout) -> bool:
    """Hold the order's units, or end it where it can not have them; tell whether it goes on, in its saga.

    It may be asked for again, before the saga, meanwhile and afterwards.
    """
    if steps.reserve(ports, checkout) is Outcome.RESERVED:
        return True
    return steps.reject(ports, checkout) not in ENDS
