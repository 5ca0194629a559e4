"""Transfers of stock between Regions."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.transfer import Receipt, Transfer


class AddTransfer(FrozenChange, frozen=True):
    """A transfer that leaves this Region, if its id has none."""

    transfer: Transfer


class SendTransferAgain(FrozenChange, frozen=True):
    """One more sending of a transfer, if there was none since."""

    transfer: Transfer


class AddReceipt(FrozenChange, frozen=True):
    """The receipt of a transfer that enters this Region, if there is none."""

    receipt: Receipt


TransferChange: TypeAlias = AddTransfer | SendTransferAgain | AddReceipt
