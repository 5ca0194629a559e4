"""The units that an order holds: all of its units in the allotments of its home Region, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from workloads.checkout.domain.allotment import Allotment, Movement, put_back, take, tell
from workloads.checkout.domain.order import Order
from workloads.contracts.events import RejectionReason, StockReleased, StockReserved


class ReservationState(StrEnum):
    """What became of the units of an order."""

    HELD = "Held"
    RELEASED = "Released"
    CONSUMED = "Consumed"


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """The units that an order holds. Released without ever having held any, it keeps a late try from holding some."""

    order_id: str
    customer_id: str
    units: Mapping[str, int]
    """By SKU; empty where nothing was ever held."""
    state: ReservationState
    refusal: RejectionReason | None = None
    """Why nothing could be held."""


def units_of(order: Order) -> dict[str, int]:
    """Return how many units of each SKU an order needs: several lines may ask for the same SKU."""
    units: Counter[str] = Counter()
    for line in order.lines:
        units[line.sku] += line.quantity
    return dict(units)


def reserve(order: Order, allotments: Mapping[str, Allotment]) -> Reservation:
    """Decide whether the order gets its units: all of them are held, or none and the refusal says why."""
    units = units_of(order)
    short = any(sku not in allotments or allotments[sku].free < quantity for sku, quantity in units.items())
    if short:
        return _without_units(order, RejectionReason.SOLD_OUT)
    return Reservation(order_id=order.id, customer_id=order.customer_id, units=units, state=ReservationState.HELD)


def movements_to_hold(reservation: Reservation, allotments: Mapping[str, Allotment]) -> list[Movement]:
    """Return what a decision to hold moves. A refused one moves no unit, but tells levels that were not told yet."""
    if reservation.state is ReservationState.HELD:
        return [take(allotments[sku], units) for sku, units in reservation.units.items()]
    return [movement for movement in map(tell, allotments.values()) if movement.tells]


def reserved(order: Order) -> StockReserved:
    """Tell that the order's units are held."""
    return StockReserved(order_id=order.id, customer_id=order.customer_id, lines=order.lines, sequence=1)


def consume(reservation: Reservation) -> Reservation:
    """Turn held units into sold ones."""
    return msgspec.structs.replace(reservation, state=ReservationState.CONSUMED)


def release(order: Order, reservation: Reservation | None) -> Reservation:
    """Give back what is held; where nothing is, make sure that nothing will be."""
    if reservation is None:
        return _without_units(order, None)
    return msgspec.structs.replace(reservation, state=ReservationState.RELEASED)


def movements_to_release(reservation: Reservation, allotments: Mapping[str, Allotment]) -> list[Movement]:
    """Return what goes back into the allotments that the held units came from: an allotment is never taken away."""
    return [put_back(allotments[sku], units) for sku, units in reservation.units.items()]


def released(order: Order) -> StockReleased:
    """Tell that the order's units are free again."""
    return StockReleased(order_id=order.id, customer_id=order.customer_id, lines=order.lines, sequence=2)


def _without_units(order: Order, refusal: RejectionReason | None) -> Reservation:
    return Reservation(
        order_id=order.id,
        customer_id=order.customer_id,
        units={},
        state=ReservationState.RELEASED,
        refusal=refusal,
    )
