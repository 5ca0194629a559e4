"""What became of an asynchronous command: kept for its sender, who has nothing but the command's id."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from workloads.checkout.domain.refusal import Refusal


class CommandOutcome(StrEnum):
    """What became of a command."""

    ACCEPTED = "Accepted"
    REFUSED = "Refused"
    HANDED_OVER = "HandedOver"


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a command."""

    command_id: str
    owner: str
    """Who may see it: a customer's id, or the scope that such a command needs."""
    outcome: CommandOutcome
    recorded_at: str
    order_id: str | None = None
    deposit_id: str | None = None
    customer_id: str | None = None
    refusal: Refusal | None = None
    handed_over_as: str | None = None
    """The id of the command by which the customer's home learns of it."""
