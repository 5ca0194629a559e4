from __future__ import annotations

import pytest

from local.demo.orders import Purchase, first_weeks


@pytest.fixture(scope="session")
def purchases() -> tuple[Purchase, ...]:
    return first_weeks()
