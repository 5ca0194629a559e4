"""Give back the tokens of a reservation: to the pool, or, where its generation was drained, to the free units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from workloads.checkout.application.changes import Change, MoveStock, RetireSettledToken, ReturnToken
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.allotment import Allotment, Movement
from workloads.checkout.domain.reservation import Reservation, movements_to_put_back
from workloads.checkout.domain.token import Token, TokenRecord, TokenState, tokens_of


class Return(msgspec.Struct, frozen=True):
    """What is to be committed together with the end of a reservation."""

    changes: tuple[Change, ...] = ()
    movements: tuple[Movement, ...] = ()
    """What becomes free in the allotments: that was taken from there, or settled since."""
    tokens: tuple[Token, ...] = ()
    """What goes back to the pools: tell them after the commit, by `announce_returned`."""


def plan_return(ports: Ports, reservation: Reservation) -> Return:
    """Return how all that a reservation holds is given back, as its tokens stand at present."""
    units = Counter(reservation.units)
    tokens = tokens_of(reservation.tokens)
    records: Mapping[Token, TokenRecord] = ports.hot_items.ledger.records(tokens) if tokens else {}
    changes: list[Change] = []
    returned: list[Token] = []
    for token in tokens:
        record = records.get(token)
        if record is None or not record.is_held_by(reservation.order_id):
            continue
        if record.state is TokenState.SETTLED:
            changes.append(RetireSettledToken(token, ports.region, reservation.order_id))
            units[token.sku] += 1
        else:
            changes.append(ReturnToken(token, ports.region, reservation.order_id))
            returned.append(token)
    movements = movements_to_put_back(units, ports.store.allotments(units, ports.region))
    return Return((*changes, *map(MoveStock, movements)), tuple(movements), tuple(returned))


def announce_returned(ports: Ports, returned: Return) -> None:
    """Send a message for each token that came back, and have the sold-out flag looked at.

    Where this is not reached, the refill finds numbers without messages.
    """
    skus = {token.sku for token in returned.tokens}
    allotments: Mapping[str, Allotment] = ports.store.allotments(skus, ports.region) if skus else {}
    for sku, allotment in allotments.items():
        tokens = [
            token for token in returned.tokens if (token.sku, token.generation) == (sku, allotment.selling.generation)
        ]
        if allotment.selling.is_hot() and tokens:
            ports.hot_items.queues.put(allotment.selling.pool, tokens)
        ports.hot_items.queues.wake(sku)
