"""A write that arrived outside the customer's home, and was handed over to it as a command."""

from __future__ import annotations

import msgspec

from workloads.contracts.identifiers import event_id


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """What the Region of arrival remembers: it is the idempotency record of the key there, until the home's own."""

    subject: str
    """The id of the order or deposit."""
    customer_id: str
    request_hash: str
    region: str
    """Where it arrived."""
    home_region: str
    command_id: str
    """The command by which the home learns of it, and under which it records what became of it."""
    handed_over_at: str


def hand_over(
    subject: str, *, customer_id: str, request_hash: str, region: str, home_region: str, now: str
) -> Handover:
    """Decide on a handover; its command's id is the same at every retry in this Region, and another in every other."""
    return Handover(
        subject=subject,
        customer_id=customer_id,
        request_hash=request_hash,
        region=region,
        home_region=home_region,
        command_id=event_id("meridian.checkout/handover", f"{subject}/{region}", 1).replace("e-", "c-", 1),
        handed_over_at=now,
    )
