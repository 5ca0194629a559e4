"""The auditor finds what disagrees among items of one transaction, and nothing while orders come and go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.auditing import audited, book_keeping, bought, kinds, remove, write
from tests.workloads.checkout.builders import CD, CUSTOMER, deposit, place, refund_of, replaced, request, shop
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.token_pools import MemoryPools, tend_all, with_pools
from tests.workloads.conftest import HERE
from workloads.checkout.application.audit import audit
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.refund import refund_purchase
from workloads.checkout.application.set_selling_mode import set_selling_mode
from workloads.checkout.domain.admission import Admission, OrderRate
from workloads.checkout.domain.audit import FindingKind
from workloads.checkout.domain.token import PARTITIONS
from workloads.contracts.commands import RequestedSellingMode, SetSellingMode

LATER = timedelta(hours=2)
OTHER = f"{CUSTOMER}-2"
PRICE = 1099
STOCK = 500
TURNS = 20
"""Places in the scan, from its first item to its last one, behind which something happens."""
Work = Callable[[MemoryCells, Ports], object]


@pytest.fixture
def cells() -> MemoryCells:
    return MemoryCells()


@pytest.fixture
def here(cells: MemoryCells) -> Ports:
    """Return a Region that sells by tokens."""
    ports = replaced(with_pools(cells, MemoryPools()), admission=Admission(rate=OrderRate(burst=1000, per_minute=6000)))
    shop(ports, stock=STOCK, balance=10_000_00)
    switch(ports, RequestedSellingMode.HOT, 1)
    return ports


def switch(ports: Ports, mode: RequestedSellingMode, version: int) -> None:
    set_selling_mode(ports, SetSellingMode(sku=CD, mode=mode, version=version), request(f"mode-{version}"))
    tend_all(ports, CD)


def reserved(ports: Ports, key: str, customer: str = CUSTOMER) -> str:
    order_id = place(ports, customer=customer, key=key)
    steps.reserve(ports, order_id)
    return order_id


def token_of(cells: MemoryCells, order_id: str) -> dict[str, Any]:
    [item] = [item for item in cells.items() if item["pk"].startswith("TOKEN#") and item.get("order_id") == order_id]
    return item


def paid(ports: Ports, key: str, customer: str = CUSTOMER) -> str:
    order_id = reserved(ports, key, customer)
    steps.debit(ports, order_id)
    return order_id


def given_up(ports: Ports, key: str) -> str:
    order_id = paid(ports, key)
    steps.refund(ports, order_id)
    steps.release(ports, order_id)
    steps.reject(ports, order_id)
    return order_id


def refunded(ports: Ports, key: str) -> str:
    order_id = bought(ports, key)
    refund_purchase(ports, refund_of(order_id, f"op-{key}"), request(f"op-{key}"))
    return order_id


def test_orders_of_every_end_agree_with_their_payments_and_tokens_in_every_mode(
    cells: MemoryCells, here: Ports
) -> None:
    for version, mode in enumerate((RequestedSellingMode.PLAIN, RequestedSellingMode.HOT), start=2):
        for work in (bought, given_up, refunded):
            work(here, f"{work.__name__}-{version}")
        reserved(here, f"reserved-{version}")
        switch(here, mode, version)
        cells.clock.moment += LATER

        assert set(kinds(audited(cells))) <= {FindingKind.OVERDUE_ORDER}


def test_a_token_of_two_reservations_is_found(cells: MemoryCells, here: Ports) -> None:
    first, second = bought(here, "first"), bought(here, "second")
    number = int(token_of(cells, second)["sk"])
    write(cells, f"ORDER#{first}", "RESERVATION", "tokens", {CD: {"generation": 1, "numbers": [number]}})

    findings = audited(cells).findings

    assert {(finding.kind, finding.subject) for finding in findings} == {(FindingKind.TOKENS_DIFFER, CD)}
    assert f"the reservation of {first} names token {number} of generation 1, which is {second}'s" in {
        finding.detail for finding in findings
    }


def test_a_token_that_one_reservation_names_twice_is_found(cells: MemoryCells, here: Ports) -> None:
    order_id = bought(here, "bought")
    number = int(token_of(cells, order_id)["sk"])
    write(cells, f"ORDER#{order_id}", "RESERVATION", "tokens", {CD: {"generation": 1, "numbers": [number, number]}})

    [finding] = audited(cells).findings

    assert finding.kind is FindingKind.TOKENS_DIFFER
    assert finding.detail.endswith("2 times")


@pytest.mark.parametrize("order_id", ["o-nobody", ""])
def test_a_token_that_is_taken_without_a_reservation_is_found(cells: MemoryCells, here: Ports, order_id: str) -> None:
    order_id = order_id or given_up(here, "given-up")
    cells.put({"pk": f"TOKEN#{CD}#{HERE}#1#5", "sk": f"{5:010d}", "state": "Taken", "order_id": order_id})

    [finding] = audited(cells).findings

    assert (finding.kind, finding.subject) == (FindingKind.TOKENS_DIFFER, CD)
    assert finding.detail == f"token 5 of generation 1 is taken for {order_id}, whose reservation has no such unit"


def test_a_reservation_whose_token_is_nobodys_is_found(cells: MemoryCells, here: Ports) -> None:
    token = token_of(cells, bought(here, "bought"))
    remove(cells, token["pk"], token["sk"])

    [finding] = audited(cells).findings

    assert finding.kind is FindingKind.TOKENS_DIFFER
    assert finding.detail.endswith("which is nobody's")


@pytest.mark.parametrize("generation", [1, 2])
def test_a_token_that_was_never_issued_is_found(cells: MemoryCells, here: Ports, generation: int) -> None:
    order_id, number = bought(here, "bought"), {1: STOCK, 2: 0}[generation]
    token = token_of(cells, order_id)
    remove(cells, token["pk"], token["sk"])
    key = {"pk": f"TOKEN#{CD}#{HERE}#{generation}#{number % PARTITIONS}", "sk": f"{number:010d}"}
    cells.put({**key, "state": "Taken", "order_id": order_id})
    write(cells, f"ORDER#{order_id}", "RESERVATION", "tokens", {CD: {"generation": generation, "numbers": [number]}})

    findings = [finding for finding in audited(cells).findings if finding.kind is FindingKind.TOKENS_DIFFER]

    assert [finding.detail for finding in findings] == [
        f"token {number} of generation {generation} was handed out, and {STOCK} of generation 1 were issued"
    ]


@pytest.mark.parametrize("change", [1, -1])
def test_a_count_of_open_tokens_that_is_not_what_is_open_is_found(cells: MemoryCells, here: Ports, change: int) -> None:
    bought(here, "bought")
    write(cells, f"ALLOTMENT#{CD}#{HERE}", "ALLOTMENT", "selling_open", change)

    findings = audited(cells).findings

    assert FindingKind.TOKENS_DIFFER in {finding.kind for finding in findings}


def test_tokens_of_the_other_region_are_not_this_auditors(cells: MemoryCells, here: Ports) -> None:
    bought(here, "bought")
    cells.put({"pk": f"TOKEN#{CD}#eu-west-1#1#5", "sk": f"{5:010d}", "state": "Taken", "order_id": "o-nobody"})

    assert kinds(audited(cells)) == []


def end(cells: MemoryCells, order_id: str, **attributes: str) -> None:
    for name, value in attributes.items():
        write(cells, f"ORDER#{order_id}", "ORDER", name, value)


def rejected_and_paid(cells: MemoryCells, ports: Ports) -> str:
    order_id = paid(ports, "order")
    steps.release(ports, order_id)
    end(cells, order_id, state="Rejected", reason="SoldOut")
    return order_id


def cancelled_and_paid(cells: MemoryCells, ports: Ports) -> str:
    order_id = paid(ports, "order")
    steps.release(ports, order_id)
    end(cells, order_id, state="Rejected", cancelled="CustomerRequest")
    return order_id


def completed_and_not_paid(cells: MemoryCells, ports: Ports) -> str:
    order_id = reserved(ports, "order")
    write(cells, f"ORDER#{order_id}", "RESERVATION", "state", "Consumed")
    end(cells, order_id, state="Completed")
    return order_id


def refunded_and_paid(cells: MemoryCells, ports: Ports) -> str:
    order_id = bought(ports, "order")
    end(cells, order_id, refunded_at="2026-11-30T12:00:00Z")
    return order_id


def rejected_and_credited_in_no_wallet(cells: MemoryCells, ports: Ports) -> str:
    order_id = given_up(ports, "order")
    remove(cells, f"WALLET#{CUSTOMER}", f"ENTRY#REFUND#{order_id}")
    write(cells, f"WALLET#{CUSTOMER}", "WALLET", "balance", -PRICE)
    return order_id


def completed_and_paid_too_little(cells: MemoryCells, ports: Ports) -> str:
    order_id = bought(ports, "order")
    write(cells, f"WALLET#{CUSTOMER}", f"ENTRY#DEBIT#{order_id}", "amount", -1)
    write(cells, f"WALLET#{CUSTOMER}", "WALLET", "balance", 1)
    return order_id


def paid_by_another_customer(cells: MemoryCells, ports: Ports) -> str:
    order_id = bought(ports, "order")
    deposit(ports, customer=OTHER)
    write(cells, f"WALLET#{CUSTOMER}", "WALLET", "balance", PRICE)
    write(cells, f"WALLET#{OTHER}", "WALLET", "balance", -PRICE)
    [entry] = [item for item in cells.items() if item["sk"] == f"ENTRY#DEBIT#{order_id}"]
    remove(cells, entry["pk"], entry["sk"])
    cells.put({**entry, "pk": f"WALLET#{OTHER}", "customer_id": OTHER})
    return order_id


DISAGREEING = [
    rejected_and_paid,
    cancelled_and_paid,
    completed_and_not_paid,
    refunded_and_paid,
    rejected_and_credited_in_no_wallet,
    completed_and_paid_too_little,
    paid_by_another_customer,
]


@pytest.mark.parametrize("plant", DISAGREEING)
def test_an_order_that_ended_and_a_payment_that_disagree_are_found_though_every_balance_is_its_ledger(
    cells: MemoryCells, plant: Callable[[MemoryCells, Ports], str]
) -> None:
    here = cells.ports()
    shop(here)
    order_id = plant(cells, here)
    cells.clock.moment += LATER

    [finding] = audited(cells).findings

    assert (finding.kind, finding.subject) == (FindingKind.PAYMENT_DIFFERS, order_id)
    assert " minor units" in finding.detail


def test_a_payment_of_no_order_is_found(cells: MemoryCells) -> None:
    here = cells.ports()
    shop(here)
    order_id = bought(here, "bought")
    for sk in ("ORDER", "RESERVATION"):
        remove(cells, f"ORDER#{order_id}", sk)
    write(cells, f"ALLOTMENT#{CD}#{HERE}", "ALLOTMENT", "free", 1)
    cells.clock.moment += LATER

    [finding] = audited(cells).findings

    assert finding.detail == "the order does not exist, and has paid 1099 instead of 0 minor units"


def test_an_order_that_has_paid_and_may_still_end_is_excused(cells: MemoryCells) -> None:
    here = cells.ports()
    shop(here)
    paid(here, "pending")
    rejected_and_paid(cells, here)

    assert kinds(audited(cells)) == []


class OneItemAPage:
    """DynamoDB with one item a page, where something happens behind one of them."""

    def __init__(self, client: Any, at_page: int, happens: Callable[[], object]) -> None:
        self._client = client
        self._left = at_page
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def scan(self, **request: Any) -> dict[str, Any]:
        page = self._client.scan(**request, Limit=1)
        if self._left == 0:
            self._happens()
        self._left -= 1
        return page


@pytest.mark.parametrize("happens", [reserved, bought, given_up, refunded])
def test_what_happens_while_the_books_are_read_is_no_finding(cells: MemoryCells, here: Ports, happens: Any) -> None:
    """The audit's own clock is two hours ahead, so that nothing is excused for having been written a moment ago."""
    deposit(here, 10_000_00, customer=OTHER)
    happens(here, "before")
    audited(cells)
    cells.clock.moment += LATER
    for turn in range(TURNS):
        page = turn * len(cells.items()) // TURNS
        open_ = paid(here, f"open-{turn}", OTHER)

        def shop_on(turn: int = turn, open_: str = open_) -> None:
            cells.clock.moment -= LATER
            happens(here, f"meanwhile-{turn}")
            cells.clock.moment += LATER
            steps.refund(here, open_)
            steps.release(here, open_)
            steps.reject(here, open_)

        books = book_keeping(cells, client=OneItemAPage(cells.client(HERE), page, shop_on))
        found = kinds(audit(cells.ports(), books))
        assert not set(found) & {FindingKind.TOKENS_DIFFER, FindingKind.PAYMENT_DIFFERS}, turn
