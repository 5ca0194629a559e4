"""Changes of reservations as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.adapters.transactions.writer import ABSENT, Writer
from workloads.checkout.application.changes import (
    AddReservation,
    CheckNothingHeld,
    ConsumeReservation,
    ForgetExpiry,
    MoveReservation,
    ReservationChange,
    ReturnUnits,
)
from workloads.checkout.domain.reservation import Reservation, ReservationState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


_NOT_TO_EXPIRE: Final = (keys.EXPIRY_BUCKET,)
"""Without its bucket an item is in no index of what expires."""


def reservation_actions(write: Writer, change: ReservationChange) -> list[TransactWriteItemTypeDef]:
    """Return the action of a change; each stamps the item, for an auditor who asks what was held at some moment."""
    held: dict[str, Plain] = {":held": ReservationState.HELD.value}
    match change:
        case AddReservation(reservation=reservation):
            fields = {**items.write_reservation(reservation), "held_at": write.stamp()}
            if reservation.expires_at is not None:
                fields[keys.EXPIRY_BUCKET] = keys.expiry_bucket(write.region, reservation.order_id)
            return [write.add(keys.reservation(reservation.order_id), fields)]
        case MoveReservation(reservation=reservation):
            key = keys.reservation(reservation.order_id)
            moved: dict[str, Plain] = {"state": reservation.state.value, "ended_at": write.stamp()}
            if reservation.expired_at is not None:
                moved["expired_at"] = reservation.expired_at
            return [write.update(key, moved, "#state = :held", held, remove=_NOT_TO_EXPIRE)]
        case ConsumeReservation(reservation=reservation, now=now):
            key = keys.reservation(reservation.order_id)
            consumption: dict[str, Plain] = {"state": reservation.state.value, "ended_at": write.stamp()}
            in_time = "#state = :held AND (attribute_not_exists(expires_at) OR expires_at > :now)"
            return [write.update(key, consumption, in_time, {**held, ":now": now}, remove=_NOT_TO_EXPIRE)]
        case ForgetExpiry(order_id=order_id):
            key = keys.reservation(order_id)
            return [write.update(key, {}, "#state <> :held", held, remove=_NOT_TO_EXPIRE)]
        case ReturnUnits(reservation=Reservation(returned_at=str(returned_at)) as reservation):
            sold = "#state = :consumed AND attribute_not_exists(returned_at)"
            consumed: dict[str, Plain] = {":consumed": ReservationState.CONSUMED.value}
            return [write.update(keys.reservation(reservation.order_id), {"returned_at": returned_at}, sold, consumed)]
        case CheckNothingHeld(order_id=order_id):
            return [write.check(keys.reservation(order_id), f"{ABSENT} OR #state <> :held", held)]
        case _:
            raise AssertionError(change)
