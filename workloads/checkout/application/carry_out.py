"""Carry out an asynchronous command, once, and keep what became of it for its sender."""

from __future__ import annotations

from workloads.checkout.application.cancel import cancel_order
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.deposit import deposit_to_wallet
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.recording import keep
from workloads.checkout.application.refund import refund_purchase
from workloads.checkout.application.selling import set_selling
from workloads.checkout.application.set_allotment import set_allotment
from workloads.checkout.application.set_price import set_price
from workloads.checkout.application.set_selling_mode import set_selling_mode
from workloads.checkout.application.transfer import receive_transfer, transfer_allotment
from workloads.checkout.domain.admission import Postponed
from workloads.checkout.domain.refusal import Refusal
from workloads.contracts.commands import (
    CancelOrder,
    Command,
    DepositToWallet,
    PlaceOrder,
    ReceiveTransfer,
    RefundPurchase,
    ResumeSelling,
    SetAllotment,
    SetPrice,
    SetSellingMode,
    StopSelling,
    TransferAllotment,
)


class UnknownCommandError(ValueError):
    """A command that is none of checkout's."""

    def __init__(self, command: object) -> None:
        super().__init__(f"{type(command).__name__} is no command of checkout: its rule on the bus is too wide")


class PostponedError(RuntimeError):
    """A command can not be carried out yet; nothing was written, and whoever keeps it brings it again."""

    def __init__(self, postponed: Postponed) -> None:
        super().__init__(f"not yet: {postponed.refusal.detail}")
        self.postponed = postponed


def carry_out(ports: Ports, command: Command, cause: Cause) -> None:  # noqa: C901 - one branch a kind
    """Carry out a command that may have come before; raises PostponedError if it has to come again."""
    if ports.store.command(cause.id) is not None:
        return
    match command:
        case PlaceOrder():
            _unless_postponed(place_order(ports, command, cause))
        case DepositToWallet():
            deposit_to_wallet(ports, command, cause)
        case SetPrice():
            set_price(ports, command, cause)
        case SetAllotment():
            set_allotment(ports, command, cause)
        case SetSellingMode():
            set_selling_mode(ports, command, cause)
        case CancelOrder():
            _unless_postponed(cancel_order(ports, command, cause))
        case RefundPurchase():
            refund_purchase(ports, command, cause)
        case TransferAllotment():
            transfer_allotment(ports, command, cause)
        case ReceiveTransfer():
            receive_transfer(ports, command, cause)
        case StopSelling() | ResumeSelling():
            set_selling(ports, command, cause)
        case _:
            raise UnknownCommandError(command)


def refuse(ports: Ports, refusal: Refusal, cause: Cause) -> None:
    """Keep that a command can never be carried out."""
    decide(ports, lambda: keep(ports, cause, refusal))


def _unless_postponed(result: object) -> None:
    if isinstance(result, Postponed):
        raise PostponedError(result)
