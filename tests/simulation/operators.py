"""Operators: whoever reads the repair queue redrives what was parked, by the use case that the entry API calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tests.simulation.faults import CrashError
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.operations import act
from workloads.checkout.domain.operation import Action, OperationRecord, Redrive, operation

if TYPE_CHECKING:
    from tests.simulation.cell import SimulatedCell
    from tests.simulation.scheduler import Scheduler

_TRIES: Final = 4


class _Parked(msgspec.Struct, rename="camel"):
    order_id: str


class Operators:
    """The people of one Region."""

    def __init__(self, cell: SimulatedCell, scheduler: Scheduler) -> None:
        self.acted: dict[str, OperationRecord] = {}
        """What became of each operation, by its id."""
        self._cell = cell
        self._scheduler = scheduler
        self._keys = 0
        self._undone: list[str] = []
        cell.on_parked = self._read

    def redrive(self, order_id: str) -> None:
        """Ask for an order's saga once more, under one key until there is an answer. For actors only."""
        self._keys += 1
        asked = operation(
            operator=f"anna of {self._cell.region}",
            key=f"redrive-{self._keys}",
            action=Action.REDRIVE,
            subject=order_id,
            reason="it is in the repair queue",
            body=order_id.encode(),
        )
        for _ in range(_TRIES):
            try:
                answer = act(self._cell.ports, asked, Redrive(order_id=order_id))
            except (BotoCoreError, ClientError, UndecidedError, CrashError):
                self._scheduler.sleep(60 * self._scheduler.random.random())
                continue
            assert isinstance(answer, OperationRecord)
            self.acted[asked.id] = answer
            return
        self._undone.append(order_id)

    def try_again(self) -> int:
        """Have everything asked for again that could not be done; return how much there was."""
        undone, self._undone = self._undone, []
        for order_id in undone:
            self._scheduler.spawn(lambda order_id=order_id: self.redrive(order_id))
        return len(undone)

    def _read(self, message: str) -> None:
        order_id = msgspec.json.decode(message, type=_Parked).order_id
        self._scheduler.spawn(lambda: self.redrive(order_id), 300 * self._scheduler.random.random())
