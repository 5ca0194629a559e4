"""The operators' trail as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.items.commands import read_refusal, write_refusal
from workloads.checkout.adapters.items.fields import Fields
from workloads.checkout.domain.command_record import CommandOutcome
from workloads.checkout.domain.operation import Action, Operation, OperationRecord


def write_operation(record: OperationRecord) -> Fields:
    """Write what an operator did."""
    operation = record.operation
    return {
        "operation_id": operation.id,
        "operator": operation.operator,
        "action": operation.action.value,
        "subject": operation.subject,
        "reason": operation.reason,
        "request_hash": operation.request_hash,
        "region": record.region,
        "acted_at": record.acted_at,
        "outcome": record.outcome.value,
        **write_refusal(record.refusal),
    }


def read_operation(item: Mapping[str, Any]) -> OperationRecord:
    """Read what an operator did."""
    return OperationRecord(
        operation=Operation(
            id=item["operation_id"],
            operator=item["operator"],
            action=Action(item["action"]),
            subject=item["subject"],
            reason=item["reason"],
            request_hash=item["request_hash"],
        ),
        region=item["region"],
        acted_at=item["acted_at"],
        outcome=CommandOutcome(item["outcome"]),
        refusal=read_refusal(item),
    )
