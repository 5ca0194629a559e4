"""What was written is not written again: each part of a transaction is refused by itself when it comes once more.

The parts of a transaction guard each other, too: an outbox entry has its aggregate's number, and a command its record.
No part relies on that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.workloads.checkout.builders import CD, command
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.test_faults import SCENARIOS, Action, opening
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.application.carry_out import carry_out
from workloads.contracts.commands import SetAllotment


class Recorded(MemoryCells):
    """Cells that remember what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[str, dict[str, Any]]] = []

    def _network(
        self, operation: str, request: Mapping[str, Any], carry_out: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        answer = super()._network(operation, request, carry_out)
        if operation == "TransactWriteItems":
            self.written += [next(iter(action.items())) for action in request["TransactItems"]]
        return answer


def sold_out(key: str) -> list[Action]:
    """Let the stock's level be told."""
    cut = SetAllotment(sku=f"{CD}-{key}", units=0, version=3)
    return [lambda here, _: carry_out(here, cut, command(f"cut-{key}", "stock.write"))]


ALL = {**SCENARIOS, "sold out": (opening, sold_out)}


@pytest.mark.parametrize("scenario", ALL)
def test_each_item_is_put_once_by_itself(scenario: str) -> None:
    cells = Recorded()
    before, actions = ALL[scenario]
    for action in (*before("k"), *actions("k")):
        action(cells.ports(HERE), cells.ports(THERE))
    puts = [request for kind, request in cells.written if kind == "Put"]
    assert puts

    for put in puts:
        again: Any = {**put, "Item": {**put["Item"], "again": {"BOOL": True}}}
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            cells.client(HERE).transact_write_items(TransactItems=[{"Put": again}])
