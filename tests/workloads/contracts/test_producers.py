"""What is really sent fits the committed schemas: all events and commands that use cases put into their outbox."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.workloads.checkout import sagas
from tests.workloads.checkout.builders import CD, allot, list_price, place, shop
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.test_faults import SCENARIOS
from tests.workloads.conftest import HERE, THERE
from tests.workloads.loyalty.builders import Clock, purchase
from tests.workloads.loyalty.memory import MemoryStreams
from workloads.checkout.application.operations import act
from workloads.checkout.domain.operation import Action, Refund, operation
from workloads.contracts.commands import CancelOrder, DepositToWallet, PlaceOrder, ReceiveTransfer, RefundPurchase
from workloads.contracts.envelope import CloudEvent, encode, open_message
from workloads.contracts.events import DOMAIN_EVENTS
from workloads.loyalty.application.award_points import award_points
from workloads.loyalty.domain.accounts import Balance, balance_changed, fold
from workloads.loyalty.domain.rules import RULES

FOLDER = Path(__file__).parents[3] / "workloads/contracts/schemas"
HANDED_OVER = (PlaceOrder, DepositToWallet, CancelOrder, RefundPurchase, ReceiveTransfer)
"""Commands that one Region puts into its outbox for another one."""


def of_checkout() -> Iterator[CloudEvent]:
    for before, actions in SCENARIOS.values():
        cells = MemoryCells()
        for action in (*before("k"), *actions("k")):
            action(cells.ports(HERE), cells.ports(THERE))
        yield from cells.events()


def of_stock_that_runs_low_and_comes_back() -> Iterator[CloudEvent]:
    cells = MemoryCells()
    here = cells.ports()
    list_price(here)
    allot(here, units=20)
    order = place(here, (CD, 19))
    sagas.reserve(here, order)
    sagas.release(here, order)
    sagas.reject(here, order)
    allot(here, units=0, version=2)
    allot(here, units=20, version=3)
    yield from cells.events()


def of_an_operator_away_from_the_orders_home() -> Iterator[CloudEvent]:
    cells = MemoryCells()
    here, there = cells.ports(HERE), cells.ports(THERE)
    shop(here)
    order = place(here, (CD, 1))
    for step in (sagas.reserve, sagas.debit, sagas.complete):
        step(here, order)
    asked = operation(
        operator="anna", key="key-1", action=Action.REFUND, subject=order, reason="complaint 42", body=b"{}"
    )
    act(there, asked, Refund(order_id=order))
    yield from cells.events()


def of_loyalty() -> Iterator[CloudEvent]:
    streams = MemoryStreams()
    entries = award_points(purchase(), region=HERE, rules=RULES, streams=streams, clock=Clock(), pause=lambda _: None)
    yield from (entry.event for entry in entries)
    balance = fold(Balance(customer_id=entries[0].customer_id), entries)
    assert balance.latest is not None
    yield balance_changed(balance, balance.latest, region=HERE)


PRODUCERS = {
    producer.__name__: producer
    for producer in (
        of_checkout,
        of_stock_that_runs_low_and_comes_back,
        of_an_operator_away_from_the_orders_home,
        of_loyalty,
    )
}


@pytest.fixture(scope="module")
def sent() -> Mapping[str, list[CloudEvent]]:
    return {name: list(producer()) for name, producer in PRODUCERS.items()}


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_text()))


@pytest.mark.parametrize("producer", PRODUCERS)
def test_whatever_is_sent_fits_the_schema_that_it_names(sent: Mapping[str, list[CloudEvent]], producer: str) -> None:
    for event in sent[producer]:
        envelope = json.loads(encode(event))
        schema("CloudEvent").validate(envelope)
        kind, version = event.dataschema.removeprefix("urn:meridian:schema:").split(":")
        assert kind == event.type
        schema(f"{kind}.{version}").validate(envelope["data"])
        open_message(event)


def test_every_event_and_every_command_between_regions_is_sent_here(sent: Mapping[str, list[CloudEvent]]) -> None:
    """A new event or a new handover is in none of the producers above: let one of them send it."""
    kinds = {event.type for events in sent.values() for event in events}

    assert kinds == {kind.__name__ for kind in (*DOMAIN_EVENTS, *HANDED_OVER)}
