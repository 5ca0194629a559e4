"""A home that moves between the reads of a decision and its commit: what was its business is so no longer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, deposit, place, refund_of, replaced, request, shop
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.application.cancel import cancel_order
from workloads.checkout.application.operations.redrive import redrive
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.refund import refund_purchase
from workloads.checkout.domain.operation import Redrive
from workloads.contracts.commands import CancelOrder


class DecidedAgainError(Exception):
    """The commit was refused: whoever decided waits a little, reads, and decides once more."""


Work = Callable[[Ports, str], object]


def cancel(ports: Ports, order: str) -> object:
    return cancel_order(ports, CancelOrder(customer_id=CUSTOMER, order_id=order), request("cancel"))


def take_back(ports: Ports, order: str) -> object:
    return refund_purchase(ports, refund_of(order), request("refund"))


def start_again(ports: Ports, order: str) -> object:
    return redrive(ports, Redrive(order_id=order), request("redrive"))


def add_money(ports: Ports, _order: str) -> object:
    return deposit(ports, 500, key="more")


def open_wallet(ports: Ports, _order: str) -> object:
    return deposit(ports, 500, customer=f"{CUSTOMER}-new")


def order_first(ports: Ports, _order: str) -> object:
    return place(ports, (CD, 1), customer=f"{CUSTOMER}-new")


def order_more(ports: Ports, _order: str) -> object:
    return place(ports, (CD, 1), key="another")


HELD, PAID = (steps.reserve,), (steps.reserve, steps.debit)
BOUGHT = (*PAID, steps.complete)
GIVEN_UP = (*PAID, cancel, steps.refund, steps.release)
OF_THE_ORDER: dict[str, tuple[tuple[Work, ...], Work]] = {
    "reserve": ((), steps.reserve),
    "debit": (HELD, steps.debit),
    "complete": (PAID, steps.complete),
    "refund": (PAID, steps.refund),
    "refund nothing": (HELD, steps.refund),
    "release": (HELD, steps.release),
    "release nothing": ((), steps.release),
    "reject": ((), steps.reject),
    "reject what was called off": (GIVEN_UP, steps.reject),
    "cancel": (HELD, cancel),
    "redrive": (HELD, start_again),
    "take back": (BOUGHT, take_back),
}
OF_THE_WALLET: dict[str, tuple[tuple[Work, ...], Work]] = {
    "debit": (HELD, steps.debit),
    "refund": (PAID, steps.refund),
    "deposit": ((), add_money),
    "first deposit": ((), open_wallet),
    "first order": ((), order_first),
    "order": ((), order_more),
    "take back": (BOUGHT, take_back),
}


@pytest.mark.parametrize("moved", ["home", "epoch"])
@pytest.mark.parametrize(
    ("kind", "before", "work"),
    [
        pytest.param(kind, before, work, id=f"{kind} {name}")
        for kind, works in (("ORDER", OF_THE_ORDER), ("WALLET", OF_THE_WALLET))
        for name, (before, work) in works.items()
    ],
)
@pytest.mark.parametrize("earlier", [False, True], ids=["first move", "another move"])
def test_nothing_is_written_for_a_home_that_has_moved_on(
    kind: str, before: tuple[Work, ...], work: Work, moved: str, *, earlier: bool
) -> None:
    cells = MemoryCells()
    ports = cells.ports()
    shop(ports)
    order = place(ports, (CD, 1))
    for done in before:
        done(ports, order)
    subject = (
        f"ORDER#{order}" if kind == "ORDER" else f"WALLET#{CUSTOMER}" + "-new" * (work in {open_wallet, order_first})
    )
    if earlier:
        # It went away and came back.
        move(cells, subject, home=HERE, epoch=2)
        move(cells, f"WALLET#{CUSTOMER}", home=HERE, epoch=2)
    changed: dict[str, Any] = {"home": THERE} if moved == "home" else {"epoch": 3}
    moves = [changed]
    cells.before_commit = lambda: move(cells, subject, **moves.pop())
    stored = _stored(cells)

    with pytest.raises(DecidedAgainError):
        work(replaced(ports, sleep=_decide_again), order)

    assert moves == []
    assert _stored(cells) == stored


def move(cells: MemoryCells, subject: str, **changed: Any) -> None:
    """Write where something is at home, as the workflow that moves homes will."""
    names = {f"#{name}": name for name in changed}
    values: dict[str, Any] = {
        f":{name}": {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in changed.items()
    }
    cells.client(HERE).update_item(
        TableName=cells.table,
        Key={"pk": {"S": subject}, "sk": {"S": subject.partition("#")[0]}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changed),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
    )


def _decide_again(_seconds: float) -> None:
    raise DecidedAgainError


def _stored(cells: MemoryCells) -> list[dict[str, Any]]:
    """Return everything but where it is at home; an item that says nothing else is none."""
    items = [
        {name: value for name, value in item.items() if name not in {"home", "epoch"}}
        for item in (*cells.items(), *cells.items(cells.outbox))
    ]
    return sorted((item for item in items if len(item) > 2), key=lambda item: (item["pk"], str(item["sk"])))
