"""Find what disagrees among items that are written in one transaction, by one scan that sees the two at two times.

What has met its counterpart is forgotten: about half of all payments and tokens is remembered at a time, a third of a
kilobyte each, so that a function of 512 MB has room for two million of them in the table. What is left over in the end
was either written during the scan, or disagrees: it is read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from workloads.checkout.application.books import BookKeeping, OrderBooks, TokenBooks, WalletBooks
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.audit import Finding, Moment
from workloads.checkout.domain.matching import (
    amount_due,
    closed_tokens,
    judge_issue,
    judge_open_tokens,
    judge_payment,
    judge_token,
    tokens_in_use,
)
from workloads.checkout.domain.order import OrderState
from workloads.checkout.domain.token import Token, TokenState
from workloads.contracts.clock import moment

_LOOKED_AT_AGAIN: Final = 1000
"""Payments, and tokens: what is more waits for the next audit."""
_SETTLING: Final = timedelta(minutes=15)
"""An order that was placed so shortly before the time from which on payments are excused may have paid after it."""
_READINGS: Final = 5
"""Of what disagrees: two reads of a transaction's items may fall before and after it, but not five times."""


class Matching:
    """What one audit has read, and has not met the counterpart of."""

    def __init__(self, ports: Ports, book_keeping: BookKeeping) -> None:
        self._ports = ports
        self._book_keeping = book_keeping
        self._payments: dict[str, tuple[str, int]] = {}
        """Customer and amount by order: only the order has been met, or only its entries."""
        self._young: set[str] = set()
        """Orders whose payment may be one that is excused: the next audit judges it."""
        self._differing: dict[str, str] = {}
        """Customers by order: the amounts are not the same."""
        self._tokens: defaultdict[tuple[Token, str], int] = defaultdict(int)
        """How often reservations name a token for an order, less one where the token says the same."""
        self._in_flight: set[str] = set()
        """Orders that took or gave back units at about the time of this audit: the next one judges their tokens."""
        self._latest: dict[str, Token] = {}
        self._closed: defaultdict[tuple[str, int], int] = defaultdict(int)

    def read_order(self, books: OrderBooks, at: Moment, *, ended_before: datetime) -> None:
        """Note what an order has to have paid and which tokens it has, if it was placed before that time."""
        order, history = books.order, books.history
        if order and order.state is not OrderState.PENDING and moment(order.placed_at) < ended_before:
            self._meet_payment(order.id, order.customer_id, amount_due(order))
            if moment(order.placed_at) >= ended_before - _SETTLING:
                self._young.add(order.id)
        if history is None:
            return
        changes = (history.held_at, history.freed_at())
        if any(stamp is not None and not at.is_surely_after(stamp) for stamp in changes):
            self._in_flight.add(books.order_id)
            return
        for token in tokens_in_use(history.reservation):
            self._meet_token(token, books.order_id, 1)
            self._note_latest(token)

    def read_wallet(self, books: WalletBooks, *, paid_before: datetime) -> None:
        """Note what orders have paid before that time."""
        for order_id, payment in books.ledger.payments.items():
            if payment.paid_at is None or moment(payment.paid_at) < paid_before:
                self._meet_payment(order_id, books.customer_id, payment.amount)

    def read_tokens(self, books: TokenBooks) -> None:
        """Note whose tokens are."""
        for record in books.records:
            self._note_latest(record.token)
            if record.state in {TokenState.RETIRED, TokenState.SETTLED}:
                self._closed[record.token.sku, record.token.generation] += 1
            if record.order_id is not None and record.is_held_by(record.order_id):
                self._meet_token(record.token, record.order_id, -1)

    def differences(self, allotments: Mapping[str, Allotment]) -> Iterator[Finding]:
        """Return what disagrees at each of several readings; the allotments are those read before the scan."""
        unmatched = {order_id: customer_id for order_id, (customer_id, _) in self._payments.items()} | self._differing
        payments = ((order_id, customer) for order_id, customer in unmatched.items() if order_id not in self._young)
        for order_id, customer_id in islice(payments, _LOOKED_AT_AGAIN):
            yield from _lasting(lambda order=order_id, customer=customer_id: self._payment(order, customer))
        tokens = (token for token in self._tokens if token[1] not in self._in_flight)
        for token, order_id in islice(tokens, _LOOKED_AT_AGAIN):
            yield from _lasting(lambda token=token, order=order_id: self._token(token, order))
        for latest in self._latest.values():
            yield from _lasting(lambda latest=latest: judge_issue(latest, self._allotment(latest.sku)))
        for allotment in allotments.values():
            if allotment.selling.generation:
                yield from self._open_tokens(allotment)

    def _payment(self, order_id: str, customer_id: str) -> Finding | None:
        order = self._ports.store.order(order_id).order
        return judge_payment(order_id, order, self._book_keeping.ledger(customer_id).paid(order_id))

    def _token(self, token: Token, order_id: str) -> Finding | None:
        reservation = self._ports.store.order(order_id).reservation
        return judge_token(token, order_id, reservation, self._book_keeping.token(token))

    def _open_tokens(self, before: Allotment) -> Iterator[Finding]:
        after, sku, generation = self._allotment(before.sku), before.sku, before.selling.generation
        if after is None or judge_open_tokens(before, self._closed[sku, generation], after) is None:
            return
        yield from _lasting(lambda: self._count_open_tokens(sku, generation))

    def _count_open_tokens(self, sku: str, generation: int) -> Finding | None:
        before = self._allotment(sku)
        closed = closed_tokens(self._book_keeping.tokens(sku, generation))
        after = self._allotment(sku)
        if before is None or after is None or before.selling.generation != generation:
            return None
        return judge_open_tokens(before, closed, after)

    def _allotment(self, sku: str) -> Allotment | None:
        return self._ports.store.allotments([sku], self._ports.region).get(sku)

    def _meet_payment(self, order_id: str, customer_id: str, amount: int) -> None:
        if amount == 0:
            return
        met = self._payments.pop(order_id, None)
        if met is None:
            self._payments[order_id] = customer_id, amount
        elif met != (customer_id, amount):
            self._differing[order_id] = customer_id

    def _meet_token(self, token: Token, order_id: str, by: int) -> None:
        self._tokens[token, order_id] += by
        if not self._tokens[token, order_id]:
            del self._tokens[token, order_id]

    def _note_latest(self, token: Token) -> None:
        self._latest[token.sku] = max(token, self._latest.get(token.sku, token))


def _lasting(judge: Callable[[], Finding | None]) -> Iterator[Finding]:
    finding = None
    for _ in range(_READINGS):
        finding = judge()
        if finding is None:
            return
    if finding is not None:
        yield finding
