"""A cell in memory that sells by tokens."""

from __future__ import annotations

import pytest

from tests.workloads.checkout.builders import BOOK, list_price, usd
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.token_pools import MemoryPools, with_pools
from workloads.checkout.application.ports import Ports


@pytest.fixture
def cells() -> MemoryCells:
    return MemoryCells()


@pytest.fixture
def pools() -> MemoryPools:
    return MemoryPools()


@pytest.fixture
def here(cells: MemoryCells, pools: MemoryPools) -> Ports:
    ports = with_pools(cells, pools)
    list_price(ports, price=usd(100))
    list_price(ports, BOOK, usd(2500))
    return ports
