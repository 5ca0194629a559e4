"""Reservations as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.items.fields import Fields, read_reason
from workloads.checkout.adapters.items.tokens import read_held_tokens, write_held_tokens
from workloads.checkout.domain.reservation import Reservation, ReservationState


def write_reservation(reservation: Reservation) -> Fields:
    """Write a reservation."""
    return {
        "order_id": reservation.order_id,
        "customer_id": reservation.customer_id,
        "units": dict(reservation.units),
        "tokens": write_held_tokens(reservation.tokens) if reservation.tokens else None,
        "state": reservation.state.value,
        "refusal": reservation.refusal.value if reservation.refusal else None,
        "expires_at": reservation.expires_at,
        "expired_at": reservation.expired_at,
        "returned_at": reservation.returned_at,
    }


def read_reservation(item: Mapping[str, Any]) -> Reservation:
    """Read a reservation."""
    return Reservation(
        order_id=item["order_id"],
        customer_id=item["customer_id"],
        units=item["units"],
        tokens=read_held_tokens(item.get("tokens", {})),
        state=ReservationState(item["state"]),
        refusal=read_reason(item.get("refusal")),
        expires_at=item.get("expires_at"),
        expired_at=item.get("expired_at"),
        returned_at=item.get("returned_at"),
    )
