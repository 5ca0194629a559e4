"""A row of the table of functions, and what the rows refer to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from components.cell_data import CellData
from components.event_bus import EventBus
from components.global_outputs import SharedOutputs
from components.naming import Placement
from components.policy_documents import Statement
from components.settings import Context, Settings
from components.workload import QueueTrigger, ScheduleTrigger, StreamTrigger
from components.workload.permissions import uses_key

QUEUE_TIMEOUT_SECONDS: Final = 30
"""Of what a queue wakes: a sixth of the queues' visibility time-out."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the table's rows refer to."""

    settings: Settings
    placement: Placement
    shared: SharedOutputs
    data: CellData
    bus: EventBus

    @property
    def problem_base(self) -> str:
        """The folder of problem types."""
        return f"https://{self.settings.domain}/problems"

    @property
    def regions(self) -> str:
        """All Regions, as workloads read them."""
        return ",".join(self.settings.regions)

    def uses_the_tables_key(self) -> Statement:
        """Use the key of this Region's replicas."""
        return uses_key("UseTheTablesKey", self.shared.data_key_arn, self.placement, through=("dynamodb",))


@dataclass(frozen=True, kw_only=True)
class FunctionRow:
    """One function."""

    function: str
    context: Context
    entrypoint: str
    timeout_seconds: int
    environment: Mapping[str, pulumi.Input[str]]
    statements: Sequence[Statement]
    key_services: Sequence[str] = ()
    trigger: QueueTrigger | StreamTrigger | ScheduleTrigger | None = None

    @property
    def handler(self) -> str:
        """Where the function begins, within its context's image."""
        return f"workloads.{self.context}.entrypoints.{self.entrypoint}.handler"
