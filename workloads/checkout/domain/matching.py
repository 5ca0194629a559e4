"""What two items say of each other that were written in one transaction: an order that ended and its payment, a
reservation and its tokens, a count and what it counts. They agree exactly, whenever both are read after the write.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.audit import Finding, FindingKind
from workloads.checkout.domain.order import Order, OrderState, OrderStatus
from workloads.checkout.domain.reservation import Reservation, ReservationState
from workloads.checkout.domain.token import Token, TokenRecord, TokenState, tokens_of


class OrderPayment(msgspec.Struct, frozen=True):
    """What an order's entries in the ledger come to."""

    amount: int
    """The debit less the refund, in minor units."""
    paid_at: str | None = None
    """When the debit was made; of the first release's debits nothing says when."""


def amount_due(order: Order) -> int:
    """Return what an order that has ended has paid and not been given back, in minor units."""
    return order.total.minor_units if order.status is OrderStatus.COMPLETED else 0


def judge_payment(order_id: str, order: Order | None, paid: int) -> Finding | None:
    """Compare what an order has paid, in minor units, with how it ended; one that is pending may have paid or not."""
    if order is not None and order.state is OrderState.PENDING:
        return None
    due = amount_due(order) if order else 0
    if paid == due:
        return None
    state = f"is {order.status.value}" if order else "does not exist"
    return Finding(
        FindingKind.PAYMENT_DIFFERS, order_id, f"the order {state}, and has paid {paid} instead of {due} minor units"
    )


def tokens_in_use(reservation: Reservation) -> tuple[Token, ...]:
    """Return the tokens whose units a reservation holds or has sold."""
    if reservation.state is ReservationState.RELEASED or reservation.returned_at is not None:
        return ()
    return tokens_of(reservation.tokens)


def judge_token(
    token: Token, order_id: str, reservation: Reservation | None, record: TokenRecord | None
) -> Finding | None:
    """Compare what an order's reservation says of a token with what the token says of the order."""
    named = tokens_in_use(reservation).count(token) if reservation else 0
    has = record is not None and record.is_held_by(order_id)
    if named == int(has):
        return None
    name = f"token {token.number} of generation {token.generation}"
    if not has:
        owner = record.order_id if record and record.state in {TokenState.TAKEN, TokenState.SETTLED} else "nobody"
        what = f"the reservation of {order_id} names {name}, which is {owner}'s"
    elif named:
        what = f"the reservation of {order_id} names {name} {named} times"
    else:
        what = f"{name} is taken for {order_id}, whose reservation has no such unit"
    return Finding(FindingKind.TOKENS_DIFFER, token.sku, what)


def judge_issue(latest: Token, allotment: Allotment | None) -> Finding | None:
    """Look for a token that was handed out and never issued; the allotment was read after the token."""
    selling = allotment.selling if allotment else None
    if selling is not None and (latest.generation, latest.number) < (selling.generation, selling.issued):
        return None
    issued = f"{selling.issued} of generation {selling.generation} were issued" if selling else "none was issued"
    return Finding(
        FindingKind.TOKENS_DIFFER,
        latest.sku,
        f"token {latest.number} of generation {latest.generation} was handed out, and {issued}",
    )


def closed_tokens(records: Iterable[TokenRecord]) -> int:
    """Return how many tokens are not open any more."""
    return sum(record.state in {TokenState.RETIRED, TokenState.SETTLED} for record in records)


def judge_open_tokens(before: Allotment, closed: int, after: Allotment) -> Finding | None:
    """Compare the count of open tokens with the items of those that are not, read between two readings of the count."""
    if before.selling.generation != after.selling.generation:
        return None  # another generation began meanwhile: the next audit judges that one
    least, most = (allotment.selling.issued - allotment.selling.open for allotment in (before, after))
    if least <= closed <= max(least, most):
        return None
    return Finding(
        FindingKind.TOKENS_DIFFER,
        after.sku,
        f"{closed} tokens of generation {after.selling.generation} are retired or settled, and by the count of open "
        f"ones it should be {least} to {most} of {after.selling.issued}",
    )
