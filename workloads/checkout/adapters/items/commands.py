"""What became of commands, as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from workloads.checkout.adapters.items.fields import Fields
from workloads.checkout.domain.command_record import CommandOutcome, CommandRecord
from workloads.checkout.domain.refusal import Refusal, RefusalKind

_KINDS_OF_THE_FIRST_RELEASE: Final = frozenset(
    {
        RefusalKind.UNKNOWN_SKU,
        RefusalKind.MIXED_CURRENCIES,
        RefusalKind.CURRENCY_MISMATCH,
        RefusalKind.AMOUNT_TOO_LARGE,
        RefusalKind.KEY_REUSED,
        RefusalKind.UNKNOWN_CUSTOMER,
        RefusalKind.SUPERSEDED,
        RefusalKind.MALFORMED_COMMAND,
    }
)
"""Its readers know these only, and fail at any other: to them a later kind is a refusal without a reason."""

_KNOWN_KINDS: Final = frozenset(kind.value for kind in RefusalKind)


def write_command(record: CommandRecord) -> Fields:
    """Write what became of a command."""
    return {
        "command_id": record.command_id,
        "owner": record.owner,
        "outcome": record.outcome.value,
        "recorded_at": record.recorded_at,
        "order_id": record.order_id,
        "deposit_id": record.deposit_id,
        "customer_id": record.customer_id,
        **write_refusal(record.refusal),
        "handed_over_as": record.handed_over_as,
    }


def read_command(item: Mapping[str, Any]) -> CommandRecord:
    """Read what became of a command."""
    return CommandRecord(
        command_id=item["command_id"],
        owner=item["owner"],
        outcome=CommandOutcome(item["outcome"]),
        recorded_at=item["recorded_at"],
        order_id=item.get("order_id"),
        deposit_id=item.get("deposit_id"),
        customer_id=item.get("customer_id"),
        refusal=read_refusal(item),
        handed_over_as=item.get("handed_over_as"),
    )


def write_refusal(refusal: Refusal | None) -> Fields:
    """Write why something was refused, if it was."""
    if refusal is None:
        return {}
    name = "refusal" if refusal.kind in _KINDS_OF_THE_FIRST_RELEASE else "later_refusal"
    return {name: {"kind": refusal.kind.value, "detail": refusal.detail}}


def read_refusal(item: Mapping[str, Any]) -> Refusal | None:
    """Read why something was refused; of a kind that only a later version knows, nothing can be said."""
    fields = item.get("refusal") or item.get("later_refusal")
    if fields is None or fields["kind"] not in _KNOWN_KINDS:
        return None
    return Refusal(RefusalKind(fields["kind"]), fields["detail"])
