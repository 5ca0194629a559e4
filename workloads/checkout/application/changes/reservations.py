"""The units that an order holds."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.reservation import Reservation


class AddReservation(FrozenChange, frozen=True):
    """A reservation, if the order has none."""

    reservation: Reservation


class MoveReservation(FrozenChange, frozen=True):
    """The next state of a reservation, if it is held."""

    reservation: Reservation


class ConsumeReservation(FrozenChange, frozen=True):
    """That held units are sold, if they are held still and not for too long."""

    reservation: Reservation
    now: str


class ForgetExpiry(FrozenChange, frozen=True):
    """That a reservation is not to expire any more, if it is not held: the first release leaves it among those."""

    order_id: str


class ReturnUnits(FrozenChange, frozen=True):
    """That the units of a purchase came back, if they were sold and had not."""

    reservation: Reservation


class CheckNothingHeld(FrozenChange, frozen=True):
    """The order's reservation is not held."""

    order_id: str


ReservationChange: TypeAlias = (
    AddReservation | MoveReservation | ConsumeReservation | ForgetExpiry | ReturnUnits | CheckNothingHeld
)
