"""What the commands answer when they are not refused."""

from __future__ import annotations

import msgspec

from workloads.checkout.domain.handover import Handover
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.refusal import Refusal
from workloads.checkout.domain.wallet import Deposit


class Placed(msgspec.Struct, frozen=True):
    """The order exists, now or since an earlier try under the same key."""

    order: Order
    handover: Handover | None = None
    """Where this Region had handed it over before."""


class Deposited(msgspec.Struct, frozen=True):
    """The deposit is in the wallet, now or since an earlier try under the same key."""

    deposit: Deposit
    handover: Handover | None = None


class HandedOver(msgspec.Struct, frozen=True):
    """The customer's home has to decide, or has refused."""

    handover: Handover
    refusal: Refusal | None = None


class PassedOn(msgspec.Struct, frozen=True):
    """What was asked of an order is on its way to the order's home as a command."""

    handover: Handover


class Settled(msgspec.Struct, frozen=True):
    """What the system of record said is so."""
