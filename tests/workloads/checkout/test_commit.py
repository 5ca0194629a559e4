"""What the store makes of DynamoDB's refusals: others were quicker, or something is broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from tests.simulation.dynamodb.errors import cancelled, error
from tests.workloads.checkout.builders import CD, CUSTOMER, place, shop
from tests.workloads.checkout.cell import MemoryCells
from workloads.checkout.application.changes import CheckNothingHeld, CheckOrderOpen
from workloads.checkout.application.ports import ConcurrentWriteError, Ports
from workloads.checkout.domain.order import Order

UNDER_WAY = error("TransactionInProgressException", "in progress", "TransactWriteItems")


def cancelled_for(*codes: str) -> ClientError:
    return cancelled([{"Code": code} for code in codes], "TransactWriteItems")


def raising(refusal: ClientError) -> Callable[[], None]:
    def refuse() -> None:
        raise refusal

    return refuse


@pytest.fixture
def cells() -> MemoryCells:
    return MemoryCells()


@pytest.fixture
def here(cells: MemoryCells) -> Ports:
    ports = cells.ports()
    shop(ports)
    return ports


@pytest.fixture
def order(here: Ports) -> Order:
    order = here.store.order(place(here, (CD, 1), customer=CUSTOMER)).order
    assert order is not None
    return order


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (cancelled_for("ConditionalCheckFailed", "None"), "ConditionalCheckFailed at CheckOrderOpen"),
        (cancelled_for("None", "TransactionConflict"), "TransactionConflict at CheckNothingHeld"),
        (UNDER_WAY, "the same transaction is still under way"),
    ],
)
def test_who_was_slower_is_told_where(
    cells: MemoryCells, here: Ports, order: Order, refusal: ClientError, said: str
) -> None:
    cells.before_commit = raising(refusal)

    with pytest.raises(ConcurrentWriteError, match=f"{said}$"):
        here.store.commit([CheckOrderOpen(order), CheckNothingHeld(order.id)])


@pytest.mark.parametrize("codes", [("ThrottlingError", "None"), ("ConditionalCheckFailed", "ThrottlingError")])
def test_what_is_broken_besides_is_no_conflict(
    cells: MemoryCells, here: Ports, order: Order, codes: tuple[str, ...]
) -> None:
    cells.before_commit = raising(cancelled_for(*codes))

    with pytest.raises(ClientError, match="ThrottlingError"):
        here.store.commit([CheckOrderOpen(order), CheckNothingHeld(order.id)])
