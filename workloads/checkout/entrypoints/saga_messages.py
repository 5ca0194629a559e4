"""The message that asks for the saga of an order: written by the outbox's consumer, read by the starter."""

from __future__ import annotations

import msgspec


class SagaStart(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Which saga to start."""

    order_id: str
    customer_id: str
    redrive: int = 0
    """Counted from 1 for every time that an operator asks for it again."""
