"""What became of an asynchronous command."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.command_record import CommandRecord


class AddCommandRecord(FrozenChange, frozen=True):
    """What became of a command, if it is not known yet."""

    record: CommandRecord


CommandChange: TypeAlias = AddCommandRecord
