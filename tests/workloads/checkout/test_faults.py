"""Every single write fails once, before it is committed or after: a retry ends where an undisturbed run ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, command, deposit_of, order_of, request, usd
from tests.workloads.checkout.cell import Cells
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.state import State
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.deposit import deposit_to_wallet
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.contracts.commands import PlaceOrder, SetAllotment, SetPrice
from workloads.contracts.identifiers import order_id

_WRITE = "dynamodb.TransactWriteItems"

Action = Callable[[Ports, Ports], object]


class Faults:
    """Clients of both Regions of which one chosen write fails, and which count all writes."""

    def __init__(self, cells: Cells) -> None:
        self.ports = [cells.ports(region, self._client(cells, region)) for region in (HERE, THERE)]
        self.choose("never", 0)

    def choose(self, when: str, position: int) -> None:
        self._when = when
        self._position = position
        self.writes = 0

    def _client(self, cells: Cells, region: str) -> Any:
        client = cells.emulator.new_client("dynamodb", region)
        client.meta.events.register(f"before-call.{_WRITE}", self._before)
        client.meta.events.register(f"after-call.{_WRITE}", self._after)
        return client

    def _before(self, **_: Any) -> None:
        self.writes += 1
        if self._when == "before" and self.writes == self._position:
            raise EndpointConnectionError(endpoint_url="dynamodb")

    def _after(self, **_: Any) -> None:
        if self._when == "after" and self.writes == self._position:
            raise ReadTimeoutError(endpoint_url="dynamodb")


def opening(key: str) -> list[Action]:
    sku = f"{CD}-{key}"
    return [
        lambda here, _: carry_out(here, SetPrice(sku=sku, price=usd(1000), version=1), command(f"p{key}", "c")),
        lambda here, _: carry_out(here, SetAllotment(sku=sku, units=5, version=1), command(f"a{key}", "s")),
        lambda here, _: carry_out(here, SetAllotment(sku=sku, units=4, version=2), command(f"b{key}", "s")),
        lambda here, _: deposit_to_wallet(here, deposit_of(usd(1500), customer(key)), request()),
        lambda here, _: deposit_to_wallet(here, deposit_of(usd(1500), customer(key), "second"), request()),
        lambda here, _: place_order(here, an_order(key), request()),
    ]


def forward(key: str) -> list[Action]:
    order = order_id(customer(key), "key-1")
    return [
        *opening(key),
        lambda here, _: steps.reserve(here, order, customer(key)),
        lambda here, _: steps.debit(here, order, customer(key)),
        lambda here, _: steps.complete(here, order, customer(key)),
    ]


def way_back(key: str) -> list[Action]:
    order = order_id(customer(key), "key-1")
    return [
        lambda here, _: steps.refund(here, order, customer(key)),
        lambda here, _: steps.release(here, order, customer(key)),
        lambda here, _: steps.reject(here, order, customer(key)),
    ]


def nothing(_key: str) -> list[Action]:
    return []


def customer(key: str) -> str:
    return f"{CUSTOMER}-{key}"


def an_order(key: str) -> PlaceOrder:
    return order_of((f"{CD}-{key}", 2), customer=customer(key))


def from_afar(key: str) -> list[Action]:
    foreigner = customer(key).replace(HERE, THERE)
    order = order_of((f"{CD}-{key}", 2), customer=foreigner)
    return [
        *opening(key)[:1],
        lambda here, _: carry_out(here, order, command(f"o{key}", foreigner)),
        lambda here, _: deposit_to_wallet(here, deposit_of(usd(100), foreigner), request()),
        lambda _, there: carry_out(there, order, command(f"handed-over-{key}", foreigner)),
    ]


# What comes before undisturbed, and what is disturbed.
SCENARIOS: dict[str, tuple[Callable[[str], list[Action]], Callable[[str], list[Action]]]] = {
    "forward": (nothing, forward),
    "way back": (lambda key: forward(key)[:-1], way_back),
    "given up": (opening, way_back),
    "from afar": (nothing, from_afar),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_write_that_fails_once_changes_nothing_in_the_end(dynamodb_cells: Cells, scenario: str) -> None:
    before, actions = SCENARIOS[scenario]
    faults = Faults(dynamodb_cells)
    writes = play(faults, before("undisturbed"), actions("undisturbed"), when="never", position=0)
    assert writes >= 3

    disturbances = [(when, position) for when in ("before", "after") for position in range(1, writes + 1)]
    for when, position in disturbances:
        key = f"{when}-{position}"
        play(faults, before(key), actions(key), when=when, position=position)

    state = dynamodb_cells.state()
    check(state)
    ends = {end_of(state, f"{when}-{position}") for when, position in disturbances}
    assert ends == {end_of(state, "undisturbed")}


def play(faults: Faults, before: list[Action], actions: list[Action], *, when: str, position: int) -> int:
    """Do one thing after the other, each again when it fails, as every caller does; return the number of writes."""
    faults.choose("never", 0)
    for action in before:
        action(*faults.ports)
    faults.choose(when, position)
    failures = 0
    for action in actions:
        for _ in range(2):
            try:
                action(*faults.ports)
                break
            except (EndpointConnectionError, ReadTimeoutError):
                failures += 1
    assert failures == (0 if when == "never" else 1)
    return faults.writes


def end_of(state: State, key: str) -> object:
    """Return what a run has left, without what differs between any two runs: names and times."""
    mine = (customer(key), customer(key).replace(HERE, THERE))
    kinds = Counter(entry.event.type for entry in state.outbox.values() if entry.event.subject in mine)
    orders = [order for order in state.orders.values() if order.customer_id in mine]
    kinds += Counter(
        entry.event.type for entry in state.outbox.values() if entry.event.subject in {order.id for order in orders}
    )
    return (
        tuple(sorted(kinds.items())),
        tuple((order.state, order.total, order.acceptance) for order in orders),
        tuple(wallet.balance for customer_id, wallet in state.wallets.items() if customer_id in mine),
        tuple(
            (allotment.allotted, allotment.free)
            for (sku, _), allotment in state.allotments.items()
            if sku == f"{CD}-{key}"
        ),
        tuple(sorted(record.outcome for command_id, record in state.commands.items() if command_id.endswith(f"{key}"))),
        len([handover for handover in state.handovers.values() if handover.customer_id in mine]),
    )
