"""The steps of the saga: each is one transaction on one aggregate, idempotent, and fenced against the late.

A step that compensates leaves a trace even where there is nothing to undo, so that the step which it undoes can not
succeed after it; and none of them touches an order that was completed, whose answer was merely lost.
"""

from __future__ import annotations

from workloads.checkout.application.steps.complete import complete
from workloads.checkout.application.steps.debit import debit
from workloads.checkout.application.steps.refund import refund
from workloads.checkout.application.steps.reject import reject
from workloads.checkout.application.steps.release import release
from workloads.checkout.application.steps.reserve import reserve
from workloads.checkout.application.steps.subject import Checkout, UnknownOrderError

__all__ = ["Checkout", "UnknownOrderError", "complete", "debit", "refund", "reject", "release", "reserve"]
