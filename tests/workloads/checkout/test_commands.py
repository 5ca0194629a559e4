"""Commands from the bus: carried out once, refused with a reason, or left to the dead letters; never lost, no loop."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workloads.checkout.builders import CD, CUSTOMER, FOREIGNER, command, list_price, usd
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.command_record import CommandOutcome, CommandRecord
from workloads.checkout.domain.refusal import RefusalKind
from workloads.checkout.entrypoints.commands import receive
from workloads.contracts.commands import ResumeSelling, StopSelling
from workloads.contracts.envelope import MalformedEventError


@pytest.fixture
def cells() -> MemoryCells:
    return MemoryCells()


@pytest.fixture
def here(cells: MemoryCells) -> Ports:
    return cells.ports()


def from_the_gateway(kind: str, data: object, **envelope: Any) -> str:
    """Return a message of the command queue as the entry API's template and EventBridge make it."""
    detail = {
        "specversion": "1.0",
        "id": "c-1",
        "source": "meridian.entry-api",
        "type": kind,
        "dataschema": f"urn:meridian:schema:{kind}:1",
        "datacontenttype": "application/json",
        "subject": "anything",
        "originregion": HERE,
        "destinationregion": HERE,
        "correlationid": "c-1",
        "causationid": "c-1",
        "data": data,
        **envelope,
    }
    entry = {"version": "0", "id": "of the bus", "detail-type": kind, "source": "meridian.entry-api"}
    return json.dumps({**entry, "time": "2026-03-01T12:00:00Z", "region": HERE, "resources": [], "detail": detail})


def record_in(cells: MemoryCells) -> CommandRecord:
    return cells.state().commands["c-1"]


def an_order(**changes: Any) -> dict[str, Any]:
    lines = [{"sku": CD, "quantity": 1}]
    return {"customerId": CUSTOMER, "idempotencyKey": "key-1", "lines": lines, **changes}


def test_an_order_comes_with_the_record_of_its_command(cells: MemoryCells, here: Ports) -> None:
    list_price(here)

    receive(here, from_the_gateway("PlaceOrder", an_order()))
    receive(here, from_the_gateway("PlaceOrder", an_order()))

    [order] = cells.state().orders.values()
    assert (record_in(cells).outcome, record_in(cells).order_id) == (CommandOutcome.ACCEPTED, order.id)
    assert record_in(cells).owner == CUSTOMER
    assert len(cells.state().outbox) == 1


def test_prices_and_allotments_are_owned_by_the_scope_that_sets_them(cells: MemoryCells, here: Ports) -> None:
    receive(
        here, from_the_gateway("SetPrice", {"sku": CD, "price": {"minorUnits": 5, "currency": "USD"}, "version": 1})
    )
    assert record_in(cells).owner == "catalogue.write"
    receive(here, from_the_gateway("SetAllotment", {"sku": CD, "units": 7, "version": 1}, id="c-2"))
    assert cells.state().commands["c-2"].owner == "stock.write"

    assert here.store.prices([CD])[CD].amount == usd(5)
    assert here.store.allotments([CD], HERE)[CD].free == 7


def test_a_deposit_that_another_region_handed_over_reaches_the_wallet(cells: MemoryCells, here: Ports) -> None:
    data = {"customerId": CUSTOMER, "idempotencyKey": "k", "amount": {"minorUnits": 900, "currency": "USD"}}

    for _ in range(2):
        receive(here, from_the_gateway("DepositToWallet", data, source="meridian.checkout", originregion=THERE))

    assert cells.state().wallets[CUSTOMER].balance == usd(900)
    assert record_in(cells).owner == "wallets.deposit"


def test_an_order_for_another_home_is_handed_over_under_a_command_of_its_own(cells: MemoryCells, here: Ports) -> None:
    list_price(here)

    receive(here, from_the_gateway("PlaceOrder", an_order(customerId=FOREIGNER)))

    [handover] = cells.state().handovers.values()
    assert record_in(cells).outcome is CommandOutcome.HANDED_OVER
    assert record_in(cells).handed_over_as == handover.command_id != "c-1"
    [entry] = cells.state().outbox.values()
    assert (entry.event.destinationregion, entry.event.causationid) == (THERE, "c-1")


@pytest.mark.parametrize("customer", [CUSTOMER, FOREIGNER], ids=["at home", "handed over"])
@pytest.mark.parametrize("kind", ["PlaceOrder", "DepositToWallet"])
def test_a_command_and_its_record_are_one_transaction(
    cells: MemoryCells, here: Ports, kind: str, customer: str
) -> None:
    list_price(here)
    commits: list[int] = []
    cells.after_commit = lambda: commits.append(len(cells.state().commands))
    money = {"customerId": customer, "idempotencyKey": "k", "amount": {"minorUnits": 900, "currency": "USD"}}

    receive(here, from_the_gateway(kind, an_order(customerId=customer) if kind == "PlaceOrder" else money))

    assert commits == [1]


def test_a_deposit_that_is_refused_or_known_is_answered_in_its_record(cells: MemoryCells, here: Ports) -> None:
    def ask(identifier: str, cents: int) -> CommandRecord:
        data = {"customerId": CUSTOMER, "idempotencyKey": "k", "amount": {"minorUnits": cents, "currency": "USD"}}
        receive(here, from_the_gateway("DepositToWallet", data, source="meridian.checkout", id=identifier))
        return cells.state().commands[identifier]

    assert ask("c-1", 900).outcome is CommandOutcome.ACCEPTED
    assert ask("c-2", 900).deposit_id == record_in(cells).deposit_id
    assert ask("c-3", 901).refusal is not None


def test_a_switch_of_selling_that_comes_after_a_newer_one_is_answered_in_its_record(
    cells: MemoryCells, here: Ports
) -> None:
    stop, resume = StopSelling(sku=CD, version=1), ResumeSelling(sku=CD, version=2)

    for number, switch in enumerate((resume, stop, resume)):
        carry_out(here, switch, command(f"c-{number}"))

    assert [cells.state().commands.get(f"c-{number}") is not None for number in range(3)] == [True, True, True]


def test_a_refused_command_says_why(cells: MemoryCells, here: Ports) -> None:
    receive(here, from_the_gateway("PlaceOrder", an_order()))

    refusal = record_in(cells).refusal
    assert refusal is not None
    assert (record_in(cells).outcome, refusal.kind) == (CommandOutcome.REFUSED, RefusalKind.UNKNOWN_SKU)


@pytest.mark.parametrize(
    ("kind", "data", "owner"),
    [
        ("PlaceOrder", {"customerId": CUSTOMER}, CUSTOMER),
        ("PlaceOrder", an_order(lines=[]), CUSTOMER),
        ("PlaceOrder", an_order(idempotencyKey="not a key"), CUSTOMER),
        ("SetPrice", {"sku": CD, "price": {"minorUnits": -1, "currency": "USD"}, "version": 1}, "catalogue.write"),
        ("SetAllotment", {}, "stock.write"),
        ("SetSellingMode", {}, "stock.write"),
    ],
)
def test_a_malformed_command_is_refused_for_its_sender_to_see(
    cells: MemoryCells, here: Ports, kind: str, data: object, owner: str
) -> None:
    for _ in range(2):
        receive(here, from_the_gateway(kind, data))

    refusal = record_in(cells).refusal
    assert refusal is not None
    assert (record_in(cells).owner, refusal.kind) == (owner, RefusalKind.MALFORMED_COMMAND)


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "{}",
        from_the_gateway("PlaceOrder", {}),
        from_the_gateway("PlaceOrder", {"customerId": "nobody"}),
        from_the_gateway("NoSuchCommand", {}),
        from_the_gateway("SetPrice", {}, id=""),
    ],
)
def test_a_command_without_readable_sender_goes_to_the_dead_letters(cells: MemoryCells, here: Ports, body: str) -> None:
    with pytest.raises(MalformedEventError):
        receive(here, body)

    assert cells.state().commands == {}


def test_a_command_may_have_fields_that_this_version_does_not_know(cells: MemoryCells, here: Ports) -> None:
    list_price(here)

    receive(here, from_the_gateway("PlaceOrder", an_order(giftWrap=True)))

    assert record_in(cells).outcome is CommandOutcome.ACCEPTED
