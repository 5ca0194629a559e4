"""Deposits, prices and allotments: what systems of record say, once for each key or version."""

from __future__ import annotations

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import (
    CD,
    CUSTOMER,
    FOREIGNER,
    allot,
    command,
    deposit_of,
    list_price,
    place,
    request,
    shop,
    usd,
)
from tests.workloads.checkout.cell import AnyCells, events_of
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.deposit import deposit_to_wallet
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.queries import read_command, read_deposit
from workloads.checkout.application.results import Deposited, HandedOver
from workloads.checkout.application.set_allotment import set_allotment
from workloads.checkout.application.set_price import set_price
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import DepositToWallet, SetAllotment, SetPrice
from workloads.contracts.envelope import open_as
from workloads.contracts.money import MAXIMUM_MINOR_UNITS, Money


def deposited(result: object) -> Deposited:
    assert isinstance(result, Deposited), result
    return result


def refused(result: object) -> RefusalKind:
    assert isinstance(result, Refusal), result
    return result.kind


def test_deposits_add_up_and_each_event_says_what_the_wallet_held(cells: AnyCells, here: Ports) -> None:
    deposit_to_wallet(here, deposit_of(usd(1000), key="a"), request())

    second = deposited(deposit_to_wallet(here, deposit_of(usd(500), key="b"), request())).deposit

    assert second.balance == usd(1500)
    credited = events_of(cells, "WalletCredited")
    assert [(event["sequence"], event["balance"]["minorUnits"]) for event in credited] == [(1, 1000), (2, 1500)]


def test_the_same_key_is_the_same_deposit(cells: AnyCells, here: Ports) -> None:
    first = deposited(deposit_to_wallet(here, deposit_of(usd(1000)), request()))
    deposit_to_wallet(here, deposit_of(usd(1), key="other"), request())

    assert deposited(deposit_to_wallet(here, deposit_of(usd(1000)), request())).deposit == first.deposit

    assert len(events_of(cells, "WalletCredited")) == 2


def test_the_same_key_with_another_amount_is_refused(here: Ports) -> None:
    deposit_to_wallet(here, deposit_of(usd(1000)), request())

    assert refused(deposit_to_wallet(here, deposit_of(usd(1001)), request())) is RefusalKind.KEY_REUSED


def test_a_wallet_has_one_currency(here: Ports) -> None:
    deposit_to_wallet(here, deposit_of(usd(1000)), request())

    result = deposit_to_wallet(here, deposit_of(Money(1000, "EUR"), key="b"), request())

    assert refused(result) is RefusalKind.CURRENCY_MISMATCH


def test_a_wallet_has_bounds(here: Ports) -> None:
    deposit_to_wallet(here, deposit_of(usd(MAXIMUM_MINOR_UNITS)), request())

    assert refused(deposit_to_wallet(here, deposit_of(usd(1), key="b"), request())) is RefusalKind.AMOUNT_TOO_LARGE


def test_a_customer_of_no_region_of_ours_has_no_wallet(here: Ports) -> None:
    result = deposit_to_wallet(here, deposit_of(usd(1), customer="ap-south-1.c-1"), request())

    assert refused(result) is RefusalKind.UNKNOWN_CUSTOMER


def test_a_deposit_away_from_home_reaches_the_wallet_through_the_home(
    cells: AnyCells, here: Ports, there: Ports
) -> None:
    asked = deposit_of(usd(1000), customer=FOREIGNER)
    handed_over = deposit_to_wallet(here, asked, request())
    assert isinstance(handed_over, HandedOver)
    [event] = [event for event in cells.events() if event.destinationregion == THERE]
    assert isinstance(read_deposit(here, FOREIGNER, handed_over.handover.subject), HandedOver)

    for _ in range(2):
        carry_out(there, open_as(event, DepositToWallet), command(event.id, "wallets.deposit"))

    assert deposited(deposit_to_wallet(here, asked, request())).deposit.balance == usd(1000)
    assert deposited(read_deposit(here, FOREIGNER, handed_over.handover.subject)).handover == handed_over.handover
    assert refused(deposit_to_wallet(here, deposit_of(usd(2), customer=FOREIGNER), request())) is RefusalKind.KEY_REUSED
    assert len(events_of(cells, "WalletCredited")) == 1


def test_the_newest_price_wins_in_whatever_order_and_region_it_is_set(here: Ports, there: Ports) -> None:
    set_price(there, SetPrice(sku=CD, price=usd(2000), version=2), command("a", "catalogue.write"))
    old = set_price(here, SetPrice(sku=CD, price=usd(1000), version=1), command("b", "catalogue.write"))
    set_price(here, SetPrice(sku=CD, price=usd(3000), version=3), command("c", "catalogue.write"))

    assert refused(old) is RefusalKind.SUPERSEDED
    assert here.store.prices([CD])[CD].amount == there.store.prices([CD])[CD].amount == usd(3000)


def test_a_price_may_be_said_twice(here: Ports) -> None:
    list_price(here, price=usd(1000))

    again = set_price(here, SetPrice(sku=CD, price=usd(1000), version=1), command("b", "catalogue.write"))

    assert not isinstance(again, Refusal)
    other = set_price(here, SetPrice(sku=CD, price=usd(1001), version=1), command("c", "catalogue.write"))
    assert refused(other) is RefusalKind.SUPERSEDED


def test_what_is_held_or_sold_stays_counted_when_an_allotment_changes(here: Ports) -> None:
    shop(here, stock=10)
    steps.reserve(here, place(here, (CD, 4)))

    allot(here, units=12, version=2)
    assert here.store.allotments([CD], HERE)[CD].free == 8

    allot(here, units=3, version=3)
    assert here.store.allotments([CD], HERE)[CD].free == -1


def test_an_older_or_contradicting_allotment_is_refused(here: Ports) -> None:
    allot(here, units=10, version=2)

    for units, version in ((20, 1), (20, 2)):
        cause = command(f"c-{version}", "stock.write")
        result = set_allotment(here, SetAllotment(sku=CD, units=units, version=version), cause)
        assert refused(result) is RefusalKind.SUPERSEDED
        record = read_command(here, cause.id)
        assert record is not None
        assert (record.owner, record.refusal) == ("stock.write", result)

    assert here.store.allotments([CD], HERE)[CD].allotted == 10


def test_each_region_has_its_own_allotment(here: Ports, there: Ports) -> None:
    allot(here, units=10)
    allot(there, units=3)

    assert here.store.allotments([CD], HERE)[CD].free == 10
    assert here.store.allotments([CD], THERE)[CD].free == 3


def test_a_customer_without_deposit_has_no_wallet(here: Ports) -> None:
    account = here.store.account(CUSTOMER)

    assert (account.wallet, account.home.region, account.home.epoch) == (None, HERE, 0)
