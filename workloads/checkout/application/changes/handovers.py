"""What arrived outside the home of its customer."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.handover import Handover


class AddOrderHandover(FrozenChange, frozen=True):
    """The handover of an order, if this Region has none."""

    handover: Handover


class AddDepositHandover(FrozenChange, frozen=True):
    """The handover of a deposit, if this Region has none."""

    handover: Handover


HandoverChange: TypeAlias = AddOrderHandover | AddDepositHandover
