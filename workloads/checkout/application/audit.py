"""Audit the books of one Region: what is at home here, by one scan of the table, each suspicion looked at once more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from workloads.checkout.application.books import (
    AllotmentBooks,
    BookKeeping,
    OrderBooks,
    ScanTooLongError,
    TokenBooks,
    TransferBooks,
    WalletBooks,
)
from workloads.checkout.application.matching import Matching
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.audit import (
    Finding,
    FindingKind,
    History,
    Moment,
    Share,
    is_waiting,
    judge_order,
    judge_stock,
    judge_transfer,
    judge_unpublished,
    judge_wallet,
    ordinary_units,
    present_tokens,
    was_in_use,
)
from workloads.checkout.domain.order import Order, OrderState
from workloads.checkout.domain.transfer import Transfer
from workloads.contracts.clock import moment

LONGEST_ORDER: Final = timedelta(hours=1)
"""Far beyond what a saga takes that is not retried; one that insists on its compensation is worth a look by then."""
LONGEST_TRANSFER: Final = timedelta(hours=3)
"""By then two audits have sent it again: the other Region does not take it."""
PATIENCE: Final = timedelta(minutes=10)
"""Far beyond what a lost message's own retries take; what waits so long is sent again."""
CHASED_AT_ONCE: Final = 1000
"""Of each kind: what is more waits for the next audit."""
_READINGS: Final = 5
"""Of a wallet that does not add up, until two of its versions agree."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit has found."""

    findings: tuple[Finding, ...]
    orders: int
    wallets: int
    skus: int
    """How many were judged."""
    waiting_orders: tuple[tuple[str, str], ...] = ()
    """Order and customer of what is pending for so long that its saga may never have been started."""
    waiting_transfers: tuple[str, ...] = ()
    """Sent so long ago that the other Region may never have been told."""


class _Audit:
    def __init__(self, ports: Ports, book_keeping: BookKeeping) -> None:
        self._ports = ports
        self._book_keeping = book_keeping
        self._in_use: defaultdict[str, Share] = defaultdict(Share)
        self._tokens: defaultdict[str, Share] = defaultdict(Share)
        self._allotments: Mapping[str, Allotment] = {}
        self._met: set[str] = set()
        self._findings: list[Finding] = []
        self._matching = Matching(ports, book_keeping)
        self._waiting_orders: list[tuple[str, str]] = []
        self._waiting_transfers: list[str] = []
        self._orders = self._wallets = 0

    def run(self) -> Report:
        earliest = self._ports.clock.now()
        known = self._book_keeping.audited_skus()
        allotments = self._allotments = self._ports.store.allotments(known, self._ports.region)
        at = Moment(earliest, self._ports.clock.now())
        judged = self._read_books(at)
        if judged:
            self._findings += judge_stock(allotments.values(), self._in_use, self._tokens)
            self._findings += self._matching.differences(allotments)
        self._book_keeping.remember_skus(self._met - set(known))
        self._look_for_unpublished_events()
        return Report(
            findings=tuple(self._findings),
            orders=self._orders,
            wallets=self._wallets,
            skus=len(allotments) if judged else 0,
            waiting_orders=tuple(self._waiting_orders[:CHASED_AT_ONCE]),
            waiting_transfers=tuple(self._waiting_transfers[:CHASED_AT_ONCE]),
        )

    def _read_books(self, at: Moment) -> bool:
        try:
            for books in self._book_keeping.books():
                match books:
                    case OrderBooks(region=self._ports.region):
                        self._read_order(books, at)
                    case WalletBooks() if books.account.home.region == self._ports.region:
                        self._read_wallet(books, at)
                    case AllotmentBooks(allotment=allotment) if allotment.region == self._ports.region:
                        self._met.add(allotment.sku)
                    case TokenBooks(region=self._ports.region):
                        self._matching.read_tokens(books)
                    case TransferBooks(transfer=transfer) if transfer.from_region == self._ports.region:
                        self._read_transfer(transfer)
                    case _:
                        continue
        except ScanTooLongError as error:
            self._findings.append(Finding(FindingKind.UNFINISHED, self._ports.region, str(error)))
            return False
        return True

    def _read_order(self, books: OrderBooks, at: Moment) -> None:
        self._orders += 1
        history = books.history
        order, patient_until = books.order, self._ports.clock.now() - PATIENCE
        if order and order.state is OrderState.PENDING and moment(order.placed_at) < patient_until:
            self._waiting_orders.append((order.id, order.customer_id))
        self._matching.read_order(books, at, ended_before=at.earliest - LONGEST_ORDER)
        if history is not None:
            placed_at = books.order.placed_at if books.order else None
            surely, possibly = was_in_use(history, at, placed_at=placed_at)
            _add(self._in_use, ordinary_units(history.reservation, self._allotments), surely, possibly)
            _add(self._tokens, present_tokens(history.reservation, self._allotments), surely, possibly)
        if self._suspicion(books.order_id, books.order, history) is None:
            return
        # The scan may have read the order before and the reservation after a step: what is wrong stays wrong.
        record = self._ports.store.order(books.order_id)
        again = History(reservation=record.reservation) if record.reservation else None
        if (finding := self._suspicion(books.order_id, record.order, again)) is not None:
            self._findings.append(finding)

    def _suspicion(self, order_id: str, order: Order | None, history: History | None) -> Finding | None:
        reservation = history.reservation if history else None
        return judge_order(order_id, order, reservation, now=self._ports.clock.now(), longest=LONGEST_ORDER)

    def _read_transfer(self, transfer: Transfer) -> None:
        now = self._ports.clock.now()
        if is_waiting(transfer, now=now, wait=PATIENCE):
            self._waiting_transfers.append(transfer.id)
        if (finding := judge_transfer(transfer, now=now, longest=LONGEST_TRANSFER)) is not None:
            self._findings.append(finding)

    def _read_wallet(self, books: WalletBooks, at: Moment) -> None:
        self._wallets += 1
        self._matching.read_wallet(books, paid_before=at.earliest - LONGEST_ORDER)
        finding = judge_wallet(books.customer_id, books.account.wallet, books.ledger.total)
        for _ in range(_READINGS if finding else 0):
            before = self._ports.store.account(books.customer_id).wallet
            ledger = self._book_keeping.ledger(books.customer_id).total
            if self._ports.store.account(books.customer_id).wallet == before:
                # Nobody changed it meanwhile, and each entry is written with a version: this is one state.
                finding = judge_wallet(books.customer_id, before, ledger)
                if finding is not None:
                    self._findings.append(finding)
                return

    def _look_for_unpublished_events(self) -> None:
        unpublished, now = self._book_keeping.unpublished(), self._ports.clock.now()
        self._findings += [judge_unpublished(found, now=now) for found in unpublished]


def _add(shares: defaultdict[str, Share], units: Mapping[str, int], surely: bool, possibly: bool) -> None:  # noqa: FBT001
    for sku, number in units.items():
        shares[sku] = shares[sku].plus(Share(number * surely, number * possibly))


def audit(ports: Ports, book_keeping: BookKeeping) -> Report:
    """Judge everything that is at home in this Region.

    What an order paid is judged when it was placed over an hour ago: by then it has ended, or is overdue itself. Stock,
    and how many tokens are open, is judged from the second audit on that meets a SKU: its allotment has to be read
    before the scan begins.
    """
    return _Audit(ports, book_keeping).run()
