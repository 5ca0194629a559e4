"""Handovers as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.items.fields import Fields
from workloads.checkout.domain.handover import Handover


def write_handover(handover: Handover) -> Fields:
    """Write a handover."""
    return {
        "subject": handover.subject,
        "customer_id": handover.customer_id,
        "request_hash": handover.request_hash,
        "region": handover.region,
        "home_region": handover.home_region,
        "command_id": handover.command_id,
        "handed_over_at": handover.handed_over_at,
    }


def read_handover(item: Mapping[str, Any]) -> Handover:
    """Read a handover."""
    return Handover(
        subject=item["subject"],
        customer_id=item["customer_id"],
        request_hash=item["request_hash"],
        region=item["region"],
        home_region=item["home_region"],
        command_id=item["command_id"],
        handed_over_at=item["handed_over_at"],
    )
