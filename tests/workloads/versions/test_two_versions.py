"""The release before and the present one side by side: each reads what the other wrote, and a saga may run on both."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Mapping
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.workloads.checkout.builders import BOOK, CD, place
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.hot_items.selling import make_plain
from tests.workloads.checkout.invariants import check
from tests.workloads.regions import HERE, THERE
from tests.workloads.versions import new_states
from tests.workloads.versions.checkout import Checkout, Clock
from tests.workloads.versions.previous_release import (
    ROOT,
    PreviousRelease,
    PreviousReleaseMissingError,
    extract,
    last_released_commit,
)
from workloads.checkout.application.sweep import sweep
from workloads.checkout.domain.order import OrderState, OrderStatus
from workloads.contracts.envelope import encode, envelop
from workloads.contracts.examples import EXAMPLES
from workloads.contracts.identifiers import order_id

CUSTOMER = f"{HERE}.c-1"
FOREIGNER = f"{THERE}.c-1"
FORWARD = ("reserve", "debit", "complete")
WAY_BACK = ("refund", "release", "reject")


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> PreviousRelease:
    folder = tmp_path_factory.mktemp("previous-release")
    extract(last_released_commit(), folder)
    return PreviousRelease(folder)


class Cells(MemoryCells):
    """One pair of tables, in which two releases write."""

    def __init__(self, previous: PreviousRelease) -> None:
        super().__init__()
        clock = Clock()
        self.releases: Mapping[str, Checkout] = {
            name: Checkout(find, alone, client=self.client(HERE), table=self.table, outbox=self.outbox, clock=clock)
            for name, find, alone in (
                ("previous", previous.module, previous.alone),
                ("present", importlib.import_module, nullcontext),
            )
        }

    def open_the_shop(self, by: str) -> None:
        release = self.releases[by]
        price = {"minorUnits": 1000, "currency": "USD"}
        release.receive("SetPrice", {"sku": "cd", "price": price, "version": 1}, command_id="price")
        release.receive("SetAllotment", {"sku": "cd", "units": 5, "version": 1}, command_id="allotment")
        self.pay_in(by, 50_00)

    def pay_in(self, by: str, amount: int, key: str = "opening", customer: str = CUSTOMER) -> None:
        data = {
            "customerId": customer,
            "idempotencyKey": key,
            "amount": {"minorUnits": amount, "currency": "USD"},
        }
        self.releases[by].receive("DepositToWallet", data, command_id=f"deposit-{customer}-{key}")

    def place(self, by: str, key: str = "one", quantity: int = 2, customer: str = CUSTOMER) -> str:
        data = {
            "customerId": customer,
            "idempotencyKey": key,
            "lines": [{"sku": "cd", "quantity": quantity}],
        }
        self.releases[by].receive("PlaceOrder", data, command_id=f"order-{customer}-{key}")
        return order_id(customer, key)

    def everything(self, by: str) -> None:
        """Let a release write an item of every kind that it has, and an event of every type."""
        self.open_the_shop(by)
        orders = [self.place(by, key) for key in ("completed", "rejected", "pending")]
        self.place(by, "handed-over", customer=FOREIGNER)
        self.pay_in(by, 1_00, "handed-over", customer=FOREIGNER)
        self.place(by, "unknown-sku", customer="ap-south-1.c-1")
        release = self.releases[by]
        for step in FORWARD:
            release.step(step, orders[0], CUSTOMER)
        for step in (*FORWARD[:2], *WAY_BACK):
            release.step(step, orders[1], CUSTOMER)
        sold_out = self.place(by, "sold-out", quantity=9)
        for step in ("reserve", "reject"):
            release.step(step, sold_out, CUSTOMER)
        if by == "present":
            new_states.write_new_states(self)


@pytest.mark.parametrize(("writer", "reader"), [("present", "previous"), ("previous", "present")])
def test_each_reads_every_item_of_the_other(previous: PreviousRelease, writer: str, reader: str) -> None:
    cells = Cells(previous)
    cells.everything(writer)

    items = cells.items()
    kinds = {(item["pk"].split("#")[0], item["sk"].split("#")[0]) for item in items}
    assert len(kinds) >= 8
    if writer == "present":
        assert_every_state(cells)
    for item in items:
        seen_by_both(*(cells.releases[release].read(item) for release in (writer, reader)))


@pytest.mark.parametrize(("writer", "reader"), [("present", "previous"), ("previous", "present")])
def test_each_reads_every_event_of_the_other(previous: PreviousRelease, writer: str, reader: str) -> None:
    cells = Cells(previous)
    cells.everything(writer)

    for item in cells.items(cells.outbox):
        kind = msgspec.json.decode(item["event"])["type"]
        if kind in cells.releases[reader].knows:
            mine, other = (cells.releases[name].open(item["event"]) for name in (writer, reader))
            seen_by_both(mine, other)
        else:
            assert writer == "present", f"the present release has forgotten {kind}"


def test_the_previous_release_reads_the_examples_of_the_present_one(previous: PreviousRelease) -> None:
    cells = Cells(previous)
    known = [example for example in EXAMPLES if type(example).__name__ in cells.releases["previous"].knows]

    for example in known:
        event = encode(
            envelop(
                example,
                event_id="e-1",
                source="meridian.checkout",
                subject="anything",
                time="2026-11-30T00:00:00.000000Z",
                originregion=HERE,
                correlationid="r-1",
                causationid="r-1",
            )
        )
        seen_by_both(msgspec.to_builtins(example), cells.releases["previous"].open(event))
    assert {type(example).__name__ for example in known} == cells.releases["previous"].knows


def test_the_present_release_reads_the_examples_of_the_previous_one(previous: PreviousRelease) -> None:
    cells = Cells(previous)
    then = previous.module("tests.workloads.contracts.test_schemas")

    for example in then.EXAMPLES:
        data = msgspec.json.encode(example)
        event = encode(
            envelop(
                EXAMPLES[0],
                event_id="e-1",
                source="meridian.checkout",
                subject="anything",
                time="2026-11-30T00:00:00.000000Z",
                originregion=HERE,
                correlationid="r-1",
                causationid="r-1",
            )
        )
        told = {**msgspec.json.decode(event), "type": type(example).__name__, "data": msgspec.Raw(data)}
        seen_by_both(msgspec.to_builtins(example), cells.releases["present"].open(msgspec.json.encode(told)))


@pytest.mark.parametrize("on", list(product(("previous", "present"), repeat=4)))
def test_a_saga_may_run_on_both(previous: PreviousRelease, on: tuple[str, ...]) -> None:
    cells = Cells(previous)
    cells.open_the_shop(on[0])
    order = cells.place(on[0])

    outcomes = [
        cells.releases[release].step(step, order, CUSTOMER) for release, step in zip(on[1:], FORWARD, strict=True)
    ]

    assert outcomes == ["Reserved", "Debited", "Completed"]
    assert_conserved(cells, order, OrderState.COMPLETED, free=3, balance=30_00)


class Started:
    """Sagas that only remember what was started."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def start(self, order_id: str, _customer_id: str, *, redrive: int = 0) -> None:
        assert redrive == 0
        self.names.append(order_id)


@pytest.mark.parametrize("on", list(product(("previous", "present"), repeat=3)))
def test_the_previous_state_machine_goes_on_with_what_the_present_starter_holds(
    previous: PreviousRelease, on: tuple[str, ...]
) -> None:
    cells, sagas = Cells(previous), Started()
    cells.open_the_shop("previous")
    order = cells.place("previous")

    cells.releases["present"].begin(order, CUSTOMER, sagas)
    # It begins with a reservation, whoever has made one, and the message may come once more meanwhile.
    outcomes: list[str] = []
    for release, step in zip(on, FORWARD, strict=True):
        outcomes.append(cells.releases[release].step(step, order, CUSTOMER))
        cells.releases["present"].begin(order, CUSTOMER, sagas)

    assert outcomes == ["Reserved", "Debited", "Completed"]
    assert set(sagas.names) == {order}
    assert_conserved(cells, order, OrderState.COMPLETED, free=3, balance=30_00)


@pytest.mark.parametrize("placed_by", ["previous", "present"])
def test_what_the_present_starter_rejects_is_ended_for_a_saga_of_the_previous_one(
    previous: PreviousRelease, placed_by: str
) -> None:
    cells, sagas = Cells(previous), Started()
    cells.open_the_shop("previous")
    order = cells.place(placed_by, quantity=9)

    cells.releases["present"].begin(order, CUSTOMER, sagas)

    assert sagas.names == []
    assert_conserved(cells, order, OrderState.REJECTED, free=5, balance=50_00)
    # The previous starter has got the message too, and starts a saga of the definition that begins with a reservation.
    assert [cells.releases["previous"].step(step, order, CUSTOMER) for step in ("reserve", "reject")] == [
        "SoldOut",
        "Rejected",
    ]
    assert_conserved(cells, order, OrderState.REJECTED, free=5, balance=50_00)


@pytest.mark.parametrize("on", list(product(("previous", "present"), repeat=3)))
@pytest.mark.parametrize("forward_on", ["previous", "present"])
@pytest.mark.parametrize("done", [0, 1, 2])
def test_the_way_back_may_run_on_both(
    previous: PreviousRelease, on: tuple[str, ...], forward_on: str, done: int
) -> None:
    cells = Cells(previous)
    cells.open_the_shop("previous")
    order = cells.place(forward_on)
    for step in FORWARD[:done]:
        cells.releases[forward_on].step(step, order, CUSTOMER)

    outcomes = [cells.releases[release].step(step, order, CUSTOMER) for release, step in zip(on, WAY_BACK, strict=True)]

    assert outcomes == ["Refunded", "Released", "Rejected"]
    assert_conserved(cells, order, OrderState.REJECTED, free=5, balance=50_00)
    for release, step in product(("previous", "present"), FORWARD):
        cells.releases[release].step(step, order, CUSTOMER)
    assert_conserved(cells, order, OrderState.REJECTED, free=5, balance=50_00)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("state", ["called off", "expired", "by tokens"])
def test_what_the_previous_release_makes_of_a_state_that_it_does_not_know_is_conserved(
    previous: PreviousRelease, state: str, *, back: bool
) -> None:
    cells = Cells(previous)
    ports = new_states.present_shop(cells)
    order = new_states.held(ports, "one", BOOK if state == "by tokens" else CD)
    if state == "called off":
        new_states.call_off(ports, order)
    if state == "expired":
        new_states.let_expire(cells)

    answers = [
        cells.releases["previous"].step(step, order, new_states.CUSTOMER)
        for step in (FORWARD[:2] + WAY_BACK if back else FORWARD)
    ]

    # It heeds neither wish nor time, as the changelog says. What it completes is a purchase all the same.
    assert answers == ["Reserved", "Debited", *(["Refunded", "Released", "Rejected"] if back else ["Completed"])]
    if state == "by tokens" and back:
        # Of tokens it knows nothing. They are the released order's until the SKU drains, which finds them.
        make_plain(ports, sku=BOOK)
    new_states.let_expire(cells)
    sweep(ports)
    found = cells.state()
    check(found)
    assert found.orders[order].state is (OrderState.REJECTED if back else OrderState.COMPLETED)
    assert found.wallets[new_states.CUSTOMER].balance.minor_units == (100_00 if back else 80_00)


def test_what_is_sold_by_tokens_is_sold_out_to_the_previous_release(previous: PreviousRelease) -> None:
    cells = Cells(previous)
    ports = new_states.present_shop(cells)
    order = place(ports, (BOOK, 1), customer=new_states.CUSTOMER)

    answers = [cells.releases["previous"].step(step, order, new_states.CUSTOMER) for step in ("reserve", "reject")]

    assert answers == ["SoldOut", "Rejected"]
    check(cells.state())


def test_what_has_expired_and_was_swept_is_not_completed_by_the_previous_release(previous: PreviousRelease) -> None:
    cells = Cells(previous)
    ports = new_states.present_shop(cells)
    order = new_states.held(ports, "one")
    new_states.let_expire(cells)
    assert sweep(ports).released == (order,)

    answers = [cells.releases["previous"].step(step, order, new_states.CUSTOMER) for step in (*FORWARD, *WAY_BACK)]

    assert answers == ["Released", "Debited", "Released", "Refunded", "Released", "Rejected"]
    check(cells.state())


@pytest.mark.parametrize("first", ["previous", "present"])
def test_the_same_key_is_the_same_order_to_both(previous: PreviousRelease, first: str) -> None:
    cells = Cells(previous)
    cells.open_the_shop("previous")
    second = "present" if first == "previous" else "previous"
    cells.place(first)
    data = {"customerId": CUSTOMER, "idempotencyKey": "one", "lines": [{"sku": "cd", "quantity": 2}]}
    cells.releases[second].receive("PlaceOrder", data, command_id="again")

    state = cells.state()

    assert len(state.orders) == 1
    assert {record.outcome.value for record in state.commands.values()} == {"Accepted"}
    check(state)


def test_a_clone_without_the_release_says_how_to_get_it(tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "init", "-q", str(shallow)], check=True)

    with pytest.raises(PreviousReleaseMissingError, match="--unshallow"):
        extract(last_released_commit(), tmp_path, repository=shallow)


def test_workflows_that_run_tests_check_out_the_whole_history() -> None:
    checking = (ROOT / ".github/workflows/check.yml").read_text()

    assert "fetch-depth: 0" in checking


def assert_conserved(cells: Cells, order: str, state: OrderState, *, free: int, balance: int) -> None:
    found = cells.state()
    check(found)
    assert found.orders[order].state is state
    assert found.allotments["cd", HERE].free == free
    assert found.wallets[CUSTOMER].balance.minor_units == balance


def assert_every_state(cells: Cells) -> None:
    """Check that there is an order of each state, and a reservation of each kind."""
    found = cells.state()
    assert {order.status for order in found.orders.values()} == set(OrderStatus)
    assert any(reservation.expired_at for reservation in found.reservations.values())
    assert any(reservation.tokens for reservation in found.reservations.values())


def seen_by_both(one: Any, other: Any) -> None:
    """Check that what both know of a value is the same to both: a field that only one knows is its own affair."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() & other.keys():
            seen_by_both(one[name], other[name])
    elif isinstance(one, list) and isinstance(other, list):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            seen_by_both(mine, theirs)
    else:
        assert one == other
