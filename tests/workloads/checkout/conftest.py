"""Checkout's use cases are tested against both stores: what holds in memory holds on DynamoDB."""

from __future__ import annotations

import pytest

from tests.workloads.checkout.cell import AnyCells, Cells, MemoryCells
from tests.workloads.conftest import HERE, THERE, Emulator
from workloads.checkout.application.ports import Ports


@pytest.fixture(params=["memory", "dynamodb"])
def cells(request: pytest.FixtureRequest) -> AnyCells:
    if request.param == "memory":
        return MemoryCells()
    return request.getfixturevalue("dynamodb_cells")


@pytest.fixture(scope="session")
def session_cells(emulator: Emulator) -> Cells:
    return Cells(emulator)


@pytest.fixture
def dynamodb_cells(session_cells: Cells) -> Cells:
    """Return empty tables; to empty them is quicker than to make new ones."""
    session_cells.empty()
    return session_cells


@pytest.fixture
def here(cells: AnyCells) -> Ports:
    return cells.ports(HERE)


@pytest.fixture
def there(cells: AnyCells) -> Ports:
    return cells.ports(THERE)
