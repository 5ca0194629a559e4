"""What the items' writers and readers share."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.adapters.attributes import Plain
from workloads.contracts.events import RejectionReason

Fields: TypeAlias = dict[str, Plain | None]
"""The attributes of an item besides its key; one that is None is left out."""


def read_reason(value: str | None) -> RejectionReason | None:
    """Read an optional reason."""
    return None if value is None else RejectionReason(value)
