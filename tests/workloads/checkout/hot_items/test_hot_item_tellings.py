"""Whoever tends a hot SKU is woken by what changes it, and told at once of tokens that came back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.auditing import write
from tests.workloads.checkout.builders import CD, allot, request
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.hot_items.selling import make_hot, order
from tests.workloads.checkout.token_pools import MemoryPools
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.operations.repair import repair
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import Settled
from workloads.checkout.application.set_selling_mode import set_selling_mode
from workloads.checkout.domain.operation import Repair
from workloads.contracts.commands import RequestedSellingMode, SetSellingMode


@pytest.fixture
def woken(pools: MemoryPools, here: Ports) -> Iterator[list[str]]:
    """Sell two units by tokens, and let the test say what wakes whoever tends them."""
    make_hot(here, 2)
    pools.woken.clear()
    yield pools.woken
    assert pools.woken == [CD]


def test_a_release_is_announced(pools: MemoryPools, here: Ports, woken: list[str]) -> None:
    held = order(here)
    steps.reserve(here, held)
    assert (len(pools.tokens()), woken) == (1, [])

    steps.release(here, held)

    assert len(pools.tokens()) == 2


def test_a_repair_is_announced(cells: MemoryCells, pools: MemoryPools, here: Ports, woken: list[str]) -> None:
    held = order(here)
    steps.reserve(here, held)
    write(cells, f"ORDER#{held}", "ORDER", "state", "Rejected")
    assert (len(pools.tokens()), woken) == (1, [])

    assert repair(here, Repair(order_id=held), request("repair")) == Settled()

    assert len(pools.tokens()) == 2


def test_an_order_that_finds_no_message_has_the_messages_looked_at(
    pools: MemoryPools, here: Ports, woken: list[str]
) -> None:
    pools.lose()

    with pytest.raises(UndecidedError):
        steps.reserve(here, order(here))

    assert set(woken) == {CD}
    del woken[1:]  # each of its attempts does


def test_another_allotment_is_tended(here: Ports, woken: list[str]) -> None:
    assert woken == []

    allot(here, units=3, version=2)


@pytest.mark.parametrize("mode", RequestedSellingMode)
def test_another_way_of_selling_is_tended(here: Ports, woken: list[str], mode: RequestedSellingMode) -> None:
    assert woken == []

    assert set_selling_mode(here, SetSellingMode(sku=CD, mode=mode, version=2), request("again")) == Settled()
