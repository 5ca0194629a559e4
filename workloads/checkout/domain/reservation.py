"""The units that an order holds: all of its units in the allotments of its home Region, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from workloads.checkout.domain.allotment import Allotment, Movement, put_back, take, tell
from workloads.checkout.domain.order import Order, units_of
from workloads.checkout.domain.token import MAXIMUM_TOKENS, HeldTokens, Token, held
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
    """By SKU, out of the allotments' free units; empty where nothing was ever held."""
    tokens: Mapping[str, HeldTokens] = {}
    """By SKU, of those that were hot."""
    state: ReservationState
    refusal: RejectionReason | None = None
    """Why nothing could be held."""
    expires_at: str | None = None
    """Until when the order has to be complete; of the first release's reservations none."""
    expired_at: str | None = None
    """When units were given back that were held for too long."""
    returned_at: str | None = None
    """When the units of a purchase came back, because it was refunded."""

    def is_expired(self, now: str) -> bool:
        """Tell whether the order has had its units for longer than it may."""
        return self.expires_at is not None and self.expires_at <= now

    def all_units(self) -> Counter[str]:
        """Return how many units it has of each SKU, wherever they came from."""
        return Counter(self.units) + Counter({sku: len(tokens.numbers) for sku, tokens in self.tokens.items()})


def hot_units_of(order: Order, allotments: Mapping[str, Allotment]) -> dict[str, int]:
    """Return for how many units of each hot SKU the order needs tokens."""
    hot = {sku for sku, allotment in allotments.items() if allotment.selling.is_hot()}
    return {sku: units for sku, units in units_of(order.lines).items() if sku in hot}


def is_short(order: Order, allotments: Mapping[str, Allotment]) -> bool:
    """Return whether the order can not get all of its units, as far as the allotments tell.

    An order for more tokens than fit into one transaction can not be had at all.
    """
    if sum(hot_units_of(order, allotments).values()) > MAXIMUM_TOKENS:
        return True
    return any(
        sku not in allotments or allotments[sku].is_short_of(units) for sku, units in units_of(order.lines).items()
    )


def reserve(
    order: Order, allotments: Mapping[str, Allotment], tokens: Mapping[str, Sequence[Token]] | None = None
) -> Reservation:
    """Decide whether the order gets its units: all of them are held, or none and the refusal says why.

    Of each hot SKU that is not short, `tokens` has as many as the order needs.
    """
    if is_short(order, allotments):
        return _without_units(order, RejectionReason.SOLD_OUT)
    tokens = tokens or {}
    return Reservation(
        order_id=order.id,
        customer_id=order.customer_id,
        units={sku: units for sku, units in units_of(order.lines).items() if sku not in tokens},
        tokens=held(token for taken in tokens.values() for token in taken),
        state=ReservationState.HELD,
    )


def movements_to_hold(reservation: Reservation, allotments: Mapping[str, Allotment]) -> list[Movement]:
    """Return what a decision to hold moves. A refused one moves no unit, but tells levels that were not told yet."""
    if reservation.state is ReservationState.HELD:
        return [take(allotments[sku], units) for sku, units in reservation.units.items()]
    return [movement for movement in map(tell, allotments.values()) if movement.tells]


def reserved(order: Order) -> StockReserved:
    """Tell that the order's units are held."""
    return StockReserved(order_id=order.id, customer_id=order.customer_id, lines=order.lines, sequence=1)


def hold_until(reservation: Reservation, expires_at: str) -> Reservation:
    """Bound how long the units are held; one that holds none has no end."""
    if reservation.state is not ReservationState.HELD:
        return reservation
    return msgspec.structs.replace(reservation, expires_at=expires_at)


def consume(reservation: Reservation) -> Reservation:
    """Turn held units into sold ones."""
    return msgspec.structs.replace(reservation, state=ReservationState.CONSUMED)


def release(order: Order, reservation: Reservation | None, *, now: str) -> Reservation:
    """Give back what is held; where nothing is, make sure that nothing will be."""
    if reservation is None:
        return _without_units(order, None)
    expired_at = now if reservation.is_expired(now) else None
    return msgspec.structs.replace(reservation, state=ReservationState.RELEASED, expired_at=expired_at)


def give_back(reservation: Reservation, *, now: str) -> Reservation:
    """Take sold units back: the purchase is refunded."""
    return msgspec.structs.replace(reservation, returned_at=now)


def movements_to_put_back(units: Mapping[str, int], allotments: Mapping[str, Allotment]) -> list[Movement]:
    """Return what units do that go back into the allotments that they came from: an allotment is never taken away."""
    return [put_back(allotments[sku], number) for sku, number in units.items()]


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
