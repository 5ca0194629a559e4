"""A transfer of stock between Regions, in two steps: units leave the one allotment, and enter the other one later.

Neither Region writes the other's allotment. What has left and not entered yet is in flight: it is in the record of the
transfer, so that the units of all allotments and of all transfers in flight are what the system of record gave.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from workloads.checkout.domain.allotment import Allotment, Movement, no_allotment, transferred
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import ReceiveTransfer, TransferAllotment
from workloads.contracts.events import AllotmentTransferred, TransferReceived
from workloads.contracts.identifiers import event_id


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer as the Region that sends it keeps it; the key of the idempotency is the id in that Region."""

    id: str
    sku: str
    units: int
    from_region: str
    to_region: str
    sent_at: str
    sendings: int = 1
    """How often the other Region was told: again at each new request, as long as no receipt has come."""
    received: bool = False
    """Whether the other Region's receipt has been replicated to here."""

    @property
    def command_id(self) -> str:
        """Return the id of the command to the other Region: the same at every sending."""
        return event_id("meridian.checkout/transfer", f"{self.id}/{self.from_region}", 1).replace("e-", "c-", 1)

    def asked_for_by(self, command: TransferAllotment) -> bool:
        """Return whether a request under the transfer's id asks for this transfer."""
        return (command.sku, command.units, command.to_region) == (self.sku, self.units, self.to_region)


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """That the units of a transfer have entered the allotment of the Region that receives it."""

    transfer_id: str
    sku: str
    units: int
    from_region: str
    to_region: str
    received_at: str


def send(
    allotment: Allotment | None, command: TransferAllotment, *, region: str, regions: Collection[str], now: str
) -> tuple[Transfer, Movement] | Refusal:
    """Decide to send units that are free here."""
    if command.to_region == region or command.to_region not in regions:
        others = ", ".join(sorted(set(regions) - {region}))
        return Refusal(
            RefusalKind.UNKNOWN_REGION,
            f"{command.to_region} is no Region to which {region} sends stock: send to one of {others}",
        )
    if allotment is None or allotment.free < command.units:
        free = max(allotment.free, 0) if allotment else 0
        by_tokens = allotment is not None and not allotment.selling.is_plain()
        way_out = "its units are tokens, have it sold plainly first" if by_tokens else "send what is free"
        return Refusal(
            RefusalKind.INSUFFICIENT_STOCK,
            f"{command.units} units of {command.sku} are to leave {region}, where {free} are free: {way_out}",
        )
    transfer = Transfer(
        id=command.transfer_id,
        sku=command.sku,
        units=command.units,
        from_region=region,
        to_region=command.to_region,
        sent_at=now,
    )
    return transfer, transferred(allotment, -command.units)


def send_again(transfer: Transfer) -> Transfer:
    """Tell the other Region once more."""
    return msgspec.structs.replace(transfer, sendings=transfer.sendings + 1)


def sent(transfer: Transfer) -> AllotmentTransferred:
    """Tell that units left an allotment."""
    return AllotmentTransferred(
        transfer_id=transfer.id,
        sku=transfer.sku,
        units=transfer.units,
        from_region=transfer.from_region,
        to_region=transfer.to_region,
        sequence=1,
    )


def instruct(transfer: Transfer) -> ReceiveTransfer:
    """Return the command by which the other Region learns of its units."""
    return ReceiveTransfer(
        transfer_id=transfer.id, sku=transfer.sku, units=transfer.units, from_region=transfer.from_region
    )


def receive(
    allotment: Allotment | None, command: ReceiveTransfer, *, region: str, now: str
) -> tuple[Receipt, Movement]:
    """Take units in, also where the Region was never given any."""
    receipt = Receipt(
        transfer_id=command.transfer_id,
        sku=command.sku,
        units=command.units,
        from_region=command.from_region,
        to_region=region,
        received_at=now,
    )
    return receipt, transferred(allotment or no_allotment(command.sku, region), command.units)


def received(receipt: Receipt) -> TransferReceived:
    """Tell that units entered an allotment."""
    return TransferReceived(
        transfer_id=receipt.transfer_id,
        sku=receipt.sku,
        units=receipt.units,
        from_region=receipt.from_region,
        to_region=receipt.to_region,
        sequence=2,
    )
