"""What became of commands, as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.items.fields import Fields
from workloads.checkout.domain.command_record import CommandOutcome, CommandRecord
from workloads.checkout.domain.refusal import Refusal, RefusalKind


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
        "refusal": {"kind": record.refusal.kind.value, "detail": record.refusal.detail} if record.refusal else None,
        "handed_over_as": record.handed_over_as,
    }


def read_command(item: Mapping[str, Any]) -> CommandRecord:
    """Read what became of a command."""
    refusal = item.get("refusal")
    return CommandRecord(
        command_id=item["command_id"],
        owner=item["owner"],
        outcome=CommandOutcome(item["outcome"]),
        recorded_at=item["recorded_at"],
        order_id=item.get("order_id"),
        deposit_id=item.get("deposit_id"),
        customer_id=item.get("customer_id"),
        refusal=Refusal(RefusalKind(refusal["kind"]), refusal["detail"]) if refusal else None,
        handed_over_as=item.get("handed_over_as"),
    )
