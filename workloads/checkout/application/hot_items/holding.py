"""Decide what an order holds: units of the plain counters, tokens of what is hot, all of them or none."""

from __future__ import annotations

import msgspec

from workloads.checkout.application.changes import Change, MoveStock, TakeToken
from workloads.checkout.application.hot_items.taking import TokensInHand, TokensNotReadyError, known_allotments
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain.allotment import Movement
from workloads.checkout.domain.order import Order, units_of
from workloads.checkout.domain.reservation import Reservation
from workloads.checkout.domain.token import tokens_of


class Holding(msgspec.Struct, frozen=True):
    """A reservation, and what is to be committed with it."""

    reservation: Reservation
    changes: tuple[Change, ...]
    movements: tuple[Movement, ...]


def hold(ports: Ports, order: Order, hand: TokensInHand) -> Holding:
    """Return what the order holds; raises TokensNotReadyError where that can not be known at this moment."""
    units = units_of(order.lines)
    allotments = known_allotments(ports, units)
    if reservations.is_short(order, allotments):
        reservation = reservations.reserve(order, allotments)
    else:
        for sku, allotment in allotments.items():
            if allotment.selling.is_draining() and allotment.free < units[sku]:
                raise TokensNotReadyError(sku)
        tokens = hand.gather(reservations.hot_units_of(order, allotments), allotments)
        # If the commit fails, perhaps it was for a token that somebody else has.
        hand.doubt()
        reservation = reservations.reserve(order, allotments, tokens)
    movements = reservations.movements_to_hold(reservation, allotments)
    taken = (TakeToken(token, ports.region, order.id) for token in tokens_of(reservation.tokens))
    return Holding(reservation, (*map(MoveStock, movements), *taken), tuple(movements))
