"""The auditor reads the books of a shop that is open: page after page, while they change."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.auditing import book_keeping, kinds, write
from tests.workloads.checkout.builders import CD, CUSTOMER, FakeClock, allot, deposit, list_price, place, usd
from tests.workloads.checkout.cell import Cells
from tests.workloads.conftest import HERE
from workloads.checkout.application.audit import audit
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.audit import FindingKind
from workloads.contracts.clock import SystemClock


def test_an_audit_of_a_busy_shop_finds_nothing_and_afterwards_what_was_planted_meanwhile(
    dynamodb_cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = dynamodb_cells
    monkeypatch.setattr(cells, "clock", RealClock())
    ports = cells.ports
    list_price(ports(), price=usd(10))
    allot(ports(), units=30)
    for number in range(4):
        deposit(ports(), 100_00, customer=f"{CUSTOMER}-{number}")
    audit(ports(), book_keeping(cells))
    closed = threading.Event()

    def shopper(number: int) -> int:
        for turn in itertools.count():
            if closed.is_set():
                return turn
            _shop_once(ports(), f"{CUSTOMER}-{number}", turn)
        raise AssertionError

    with ThreadPoolExecutor(4) as pool:
        shoppers = [pool.submit(shopper, number) for number in range(4)]
        try:
            reports = [audit(ports(), book_keeping(cells)) for _ in range(8)]
        finally:
            closed.set()
        turns = [shopper.result() for shopper in shoppers]

    assert all(turns)
    assert [report.findings for report in reports] == [()] * 8
    assert {report.skus for report in reports} == {1}
    write(cells, f"ALLOTMENT#{CD}#{HERE}", "ALLOTMENT", "free", -1)
    monkeypatch.setattr(cells, "clock", RealClock(ahead=timedelta(minutes=2)))
    assert kinds(audit(ports(), book_keeping(cells))) == [FindingKind.STOCK_DIFFERS]


class RealClock(FakeClock):
    """The machine's own time, or some time after it."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        super().__init__()
        self.ahead = ahead

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead


def _shop_once(ports: Ports, customer: str, turn: int) -> None:
    order_id = place(ports, customer=customer, key=f"key-{turn}")
    steps.reserve(ports, order_id)
    steps.debit(ports, order_id)
    if turn % 3:
        steps.refund(ports, order_id)
        steps.release(ports, order_id)
        steps.reject(ports, order_id)
    else:
        steps.complete(ports, order_id)
