"""What the outbox takes: an event, and whose it is."""

from __future__ import annotations

import msgspec

from workloads.contracts.envelope import CloudEvent


class OutboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is committed together with the state that it tells of."""

    aggregate: str
    sequence: int
    event: CloudEvent
