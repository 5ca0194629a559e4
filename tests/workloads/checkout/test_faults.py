"""Every single write fails once, before it is committed or after: a retry ends where an undisturbed run ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, get_args

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, command, deposit_of, order_of, refund_of, request, usd
from tests.workloads.checkout.cell import AnyCells, MemoryCells
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.state import State
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.application.cancel import cancel_order
from workloads.checkout.application.carry_out import carry_out, refuse
from workloads.checkout.application.changes import Change, ForgetExpiry, SellingChange, TellSellingMode, TokenChange
from workloads.checkout.application.deposit import deposit_to_wallet
from workloads.checkout.application.follow_stock import follow_level
from workloads.checkout.application.operations import act
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.outbox_entry import OutboxEntry
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.operation import Action as OperatorsAction
from workloads.checkout.domain.operation import Redrive, operation
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import (
    COMMANDS,
    CancelOrder,
    Command,
    PlaceOrder,
    ReceiveTransfer,
    ResumeSelling,
    SetAllotment,
    SetPrice,
    SetSellingMode,
    StopSelling,
    TransferAllotment,
)
from workloads.contracts.events import SoldOut
from workloads.contracts.identifiers import order_id

_WRITES = frozenset({"transact_write_items", "put_item", "update_item", "delete_item", "batch_write_item"})
_BY_TOKENS = (*get_args(TokenChange), *get_args(SellingChange), TellSellingMode)
"""What sells by tokens is disturbed, and killed, at each of its calls in `test_hot_item_faults`."""
_BY_THE_SWEEPER = (ForgetExpiry,)
"""What the sweeper forgets fails once in `test_expiry`: it is not told, and meets it again in its next run."""

Action = Callable[[Ports, Ports], object]


class Faults:
    """Clients of both Regions of which one chosen write fails, and which count all writes."""

    def __init__(self, cells: AnyCells) -> None:
        self.ports = [cells.ports(region, self._client(cells, region)) for region in (HERE, THERE)]
        self.choose("never", 0)

    def choose(self, when: str, position: int) -> None:
        self._when = when
        self._position = position
        self.writes = 0

    def _client(self, cells: AnyCells, region: str) -> Any:
        return _FaultyClient(cells.client(region), self._write)

    def _write(self, operation: Callable[..., Any], **request: Any) -> Any:
        self.writes += 1
        if self._when == "before" and self.writes == self._position:
            raise EndpointConnectionError(endpoint_url="dynamodb")
        answer = operation(**request)
        if self._when == "after" and self.writes == self._position:
            raise ReadTimeoutError(endpoint_url="dynamodb")
        return answer


class _FaultyClient:
    """A client on whose way each write is looked at."""

    def __init__(self, client: Any, write: Callable[..., Any]) -> None:
        self._client = client
        self._write = write

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        return partial(self._write, attribute) if name in _WRITES else attribute


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
        lambda _, there: carry_out(there, deposit_of(usd(100), foreigner), command(f"deposit-{key}", "depositor")),
    ]


def called_off(key: str) -> list[Action]:
    order = order_id(customer(key), "key-1")
    command_of = CancelOrder(customer_id=customer(key), order_id=order)
    return [
        lambda here, _: cancel_order(here, command_of, request()),
        lambda here, _: carry_out(here, command_of, command(f"cancel-{key}", customer(key))),
        *way_back(key),
    ]


def taken_back(key: str) -> list[Action]:
    purchase = refund_of(order_id(customer(key), "key-1"), f"op-{key}", customer(key))
    return [lambda here, _: carry_out(here, purchase, command(f"refund-{key}", "operators"))]


def called_off_from_afar(key: str) -> list[Action]:
    order = CancelOrder(customer_id=customer(key), order_id=order_id(customer(key), "key-1"))
    return [
        lambda _, there: cancel_order(there, order, request()),
        lambda here, _: carry_out(here, order, command(f"handed-over-{key}", customer(key))),
        *way_back(key),
    ]


def never_possible(key: str) -> list[Action]:
    refusal = Refusal(RefusalKind.MALFORMED_COMMAND, "unreadable")
    return [lambda here, _: refuse(here, refusal, command(f"refused-{key}", customer(key)))] * 2


def transferred(key: str) -> list[Action]:
    sku, transfer = f"{CD}-{key}", f"transfer-{key}"
    sending = TransferAllotment(transfer_id=transfer, sku=sku, units=2, to_region=THERE)
    receiving = ReceiveTransfer(transfer_id=transfer, sku=sku, units=2, from_region=HERE)
    return [
        lambda here, _: carry_out(here, sending, command(f"send-{key}", "stock.write")),
        lambda here, _: carry_out(here, sending, command(f"again-{key}", "stock.write")),
        lambda _, there: carry_out(there, receiving, command(f"receive-{key}", "stock.write")),
    ]


def taken_off_sale(key: str) -> list[Action]:
    sku = f"{CD}-{key}"
    told = SoldOut(sku=sku, region=HERE, sequence=1)
    return [
        lambda here, _: carry_out(here, StopSelling(sku=sku, version=1), command(f"stop-{key}", "operators")),
        lambda here, _: carry_out(here, ResumeSelling(sku=sku, version=2), command(f"resume-{key}", "operators")),
        lambda here, _: follow_level(here, told, _NobodyWatches()),
    ]


def redriven(key: str) -> list[Action]:
    order = order_id(customer(key), "key-1")
    asked = operation(
        operator="anna",
        key=key,
        action=OperatorsAction.REDRIVE,
        subject=order,
        reason="incident",
        body=order.encode(),
    )
    return [lambda here, _: act(here, asked, Redrive(order_id=order))]


class _NobodyWatches:
    """Nobody is told that stock lies idle."""

    def idle_beside_low(self, idle: Allotment) -> None: ...


# What comes before undisturbed, and what is disturbed.
SCENARIOS: dict[str, tuple[Callable[[str], list[Action]], Callable[[str], list[Action]]]] = {
    "forward": (nothing, forward),
    "way back": (lambda key: forward(key)[:-1], way_back),
    "given up": (opening, way_back),
    "from afar": (nothing, from_afar),
    "called off": (lambda key: forward(key)[:-1], called_off),
    "called off from afar": (lambda key: forward(key)[:-1], called_off_from_afar),
    "taken back": (forward, taken_back),
    "refused": (nothing, never_possible),
    "transferred": (opening, transferred),
    "taken off sale": (opening, taken_off_sale),
    "redriven": (opening, redriven),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_write_that_fails_once_changes_nothing_in_the_end(cells: AnyCells, scenario: str) -> None:
    before, actions = SCENARIOS[scenario]
    faults = Faults(cells)
    writes = play(faults, before("undisturbed"), actions("undisturbed"), when="never", position=0)
    assert writes >= 1

    disturbances = [(when, position) for when in ("before", "after") for position in range(1, writes + 1)]
    for when, position in disturbances:
        key = f"{when}-{position}"
        play(faults, before(key), actions(key), when=when, position=position)

    state = cells.state()
    check(state)
    ends = {end_of(state, f"{when}-{position}") for when, position in disturbances}
    assert ends == {end_of(state, "undisturbed")}


def test_every_use_case_is_disturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new change or a new command is in none of the scenarios: put it into one."""
    committed: set[type] = set()
    disturbed: set[type] = set()
    commit = DynamoDbStore.commit
    carried_out: set[type] = set()
    use_case = carry_out

    def noted(self: DynamoDbStore, changes: Sequence[Change], entries: Sequence[OutboxEntry] = ()) -> None:
        committed.update(type(change) for change in changes)
        commit(self, changes, entries)

    def told(ports: Ports, asked: Command, cause: Cause) -> None:
        carried_out.add(type(asked))
        use_case(ports, asked, cause)

    monkeypatch.setattr(DynamoDbStore, "commit", noted)
    monkeypatch.setattr(f"{__name__}.carry_out", told, raising=True)
    for before, actions in SCENARIOS.values():
        cells = MemoryCells()
        faults = Faults(cells)
        play(faults, before("k"), [], when="never", position=0)
        committed.clear()
        play(faults, [], actions("k"), when="never", position=0)
        disturbed |= committed

    every_change = {kind for group in get_args(Change) for kind in (get_args(group) or (group,))}
    assert every_change - disturbed == {*_BY_TOKENS, *_BY_THE_SWEEPER}
    assert set(COMMANDS) - carried_out == {SetSellingMode}


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
        tuple((order.status, order.total, order.acceptance) for order in orders),
        tuple(wallet.balance for customer_id, wallet in state.wallets.items() if customer_id in mine),
        tuple(
            (allotment.allotted, allotment.free)
            for (sku, _), allotment in sorted(state.allotments.items())
            if sku == f"{CD}-{key}"
        ),
        tuple(sorted(record.outcome for command_id, record in state.commands.items() if command_id.endswith(f"{key}"))),
        len([handover for handover in state.handovers.values() if handover.customer_id in mine]),
    )
