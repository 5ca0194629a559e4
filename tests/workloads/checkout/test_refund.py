"""A completed purchase is taken back by an operator: money and units return, once."""

from __future__ import annotations

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import (
    CD,
    CUSTOMER,
    command,
    deposit,
    list_price,
    place,
    refund_of,
    request,
    shop,
    usd,
)
from tests.workloads.checkout.cell import AnyCells, MemoryCells, events_of
from tests.workloads.checkout.invariants import check
from tests.workloads.conftest import HERE
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.refund import Result, refund_purchase
from workloads.checkout.application.results import Placed
from workloads.checkout.domain.order import OrderStatus
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.money import MAXIMUM_MINOR_UNITS


def purchase(ports: Ports, key: str = "key-1") -> str:
    order = place(ports, (CD, 2), key=key)
    steps.reserve(ports, order)
    steps.debit(ports, order)
    steps.complete(ports, order)
    return order


def refund(ports: Ports, order: str) -> Result:
    return refund_purchase(ports, refund_of(order), request("refund-1"))


def test_money_and_units_return_once(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=2, price=1000, balance=50_00)
    order = purchase(here)

    first, second = (refund(here, order) for _ in range(2))

    assert isinstance(first, Placed)
    assert first.order.status is OrderStatus.REFUNDED
    assert isinstance(second, Refusal)
    assert second.kind is RefusalKind.NOT_COMPLETED

    wallet = here.store.account(CUSTOMER).wallet
    assert wallet is not None
    assert wallet.balance == usd(50_00)
    assert here.store.allotments([CD], HERE)[CD].free == 2
    [refunded] = events_of(cells, "PurchaseRefunded")
    assert (refunded["sequence"], refunded["total"]["minorUnits"]) == (3, 20_00)
    assert len(events_of(cells, "WalletRefunded")) == len(events_of(cells, "StockReleased")) == 1
    assert len(events_of(cells, "BackInStock")) == 1
    check(cells.state())


def test_a_purchase_of_nothing_to_pay_gives_its_units_back(cells: AnyCells, here: Ports) -> None:
    shop(here)
    list_price(here, price=usd(0), version=2)
    order = purchase(here)

    assert isinstance(refund(here, order), Placed)

    assert events_of(cells, "WalletRefunded") == []
    check(cells.state())


def test_only_a_completed_purchase_is_refunded(here: Ports) -> None:
    shop(here)
    order = place(here)

    refused = refund(here, order)

    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.NOT_COMPLETED


def test_a_wallet_that_can_not_hold_the_money_keeps_the_purchase(cells: AnyCells, here: Ports) -> None:
    shop(here, price=1000, balance=MAXIMUM_MINOR_UNITS)
    order = purchase(here)
    deposit(here, 2000, key="full")

    refused = refund(here, order)

    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.AMOUNT_TOO_LARGE
    check(cells.state())


def test_a_refund_between_another_refunds_reads_and_its_commit_is_the_only_one() -> None:
    memory_cells = MemoryCells()
    here = memory_cells.ports()
    shop(here, balance=50_00)
    order = purchase(here)

    def refund_meanwhile() -> None:
        memory_cells.before_commit = lambda: None
        refund(memory_cells.ports(), order)

    memory_cells.before_commit = refund_meanwhile

    assert isinstance(refund(here, order), Refusal)
    assert len(events_of(memory_cells, "PurchaseRefunded")) == 1
    check(memory_cells.state())


def test_a_command_that_comes_twice_is_carried_out_once_and_is_once_in_the_trail(cells: AnyCells, here: Ports) -> None:
    shop(here, balance=50_00)
    order = purchase(here)

    for _ in range(2):
        carry_out(here, refund_of(order), command())

    assert len(events_of(cells, "PurchaseRefunded")) == 1
    record = here.store.operation("op-1")
    assert record is not None
    assert (record.operation.operator, record.operation.subject, record.outcome) == ("anna", order, "Accepted")
    check(cells.state())
