"""A completed purchase is taken back by an operator: money and units return, once."""

from __future__ import annotations

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, command, deposit, list_price, place, request, shop, usd
from tests.workloads.checkout.cell import AnyCells, MemoryCells, events_of
from tests.workloads.checkout.invariants import check
from tests.workloads.conftest import HERE
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.refund import ask_for_refund, refund_purchase
from workloads.checkout.application.results import PassedOn, Placed
from workloads.checkout.domain.admission import Postponed
from workloads.checkout.domain.order import OrderStatus
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import RefundPurchase
from workloads.contracts.envelope import open_message
from workloads.contracts.money import MAXIMUM_MINOR_UNITS


def purchase(ports: Ports, key: str = "key-1") -> str:
    order = place(ports, (CD, 2), key=key)
    steps.reserve(ports, order)
    steps.debit(ports, order)
    steps.complete(ports, order)
    return order


def refund(ports: Ports, order: str) -> Placed | PassedOn | Refusal | Postponed:
    return refund_purchase(ports, RefundPurchase(customer_id=CUSTOMER, order_id=order), request("refund-1"))


def test_money_and_units_return_once(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=2, price=1000, balance=50_00)
    order = purchase(here)

    for _ in range(2):
        result = refund(here, order)
        assert isinstance(result, Placed)
        assert result.order.status is OrderStatus.REFUNDED

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

    assert isinstance(refund(here, order), Placed)
    assert len(events_of(memory_cells, "PurchaseRefunded")) == 1
    check(memory_cells.state())


def test_an_operators_wish_goes_to_the_orders_home_as_a_command(cells: AnyCells, here: Ports, there: Ports) -> None:
    shop(here)
    order = purchase(here)
    wish = RefundPurchase(customer_id=CUSTOMER, order_id=order)

    for ports in (here, there):
        first = ask_for_refund(ports, wish, request())
        assert isinstance(first, PassedOn)
        assert ask_for_refund(ports, wish, request()) == first

    sent = [event for event in cells.events() if event.type == "RefundPurchase"]
    assert {event.destinationregion for event in sent} == {HERE}
    assert len(sent) == 2
    for event in sent:
        received = open_message(event)
        assert isinstance(received, RefundPurchase)
        carry_out(here, received, command(event.id))
    assert len(events_of(cells, "PurchaseRefunded")) == 1
    done = ask_for_refund(there, wish, request())
    assert isinstance(done, Placed)
    check(cells.state())


def test_what_is_no_purchase_yet_is_refused_before_a_command_is_sent(cells: AnyCells, here: Ports) -> None:
    shop(here)
    order = place(here)

    refused = ask_for_refund(here, RefundPurchase(customer_id=CUSTOMER, order_id=order), request())

    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.NOT_COMPLETED
    assert [event for event in cells.events() if event.type == "RefundPurchase"] == []
