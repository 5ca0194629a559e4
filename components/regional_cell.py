"""One Region's cell, complete: what it keeps, its network, its bus, what runs in it and its entry API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from components.alarm_topic import AlarmTopic, AlarmTopicArgs
from components.cell_data import CellData, CellDataArgs
from components.cell_functions import FunctionRow, Surroundings, function_table
from components.checkout_audit import CheckoutAudit, CheckoutAuditArgs
from components.checkout_saga import CheckoutSaga, CheckoutSagaArgs
from components.encryption import CellKeys, CellKeysArgs
from components.entry_api import EntryApi, EntryApiArgs
from components.event_bus import EventBus, EventBusArgs
from components.global_outputs import SharedOutputs
from components.loyalty_projector import projector
from components.naming import Placement
from components.network import Network, NetworkArgs
from components.settings import Settings
from components.stock_watch import StockWatch, StockWatchArgs
from components.workload import WorkloadFunction, WorkloadFunctionArgs

# The functions behind the entry API, by their placeholders in its document.
_AUTHORIZER: Final = "IdentityAuthorizer"
_ENTRY_FUNCTIONS: Final[Mapping[str, str]] = {
    _AUTHORIZER: "identity-authorizer",
    "CheckoutApi": "checkout-api",
    "CheckoutOperations": "checkout-operations",
    "SingleviewApi": "singleview-api",
}


@dataclass(frozen=True, kw_only=True)
class RegionalCellArgs:
    """A cell: the configuration of its stack, and what the global stack made for it."""

    settings: Settings
    shared: SharedOutputs


class RegionalCell(pulumi.ComponentResource):
    """Everything of one Region that does not exist once for all."""

    def __init__(self, name: str, args: RegionalCellArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:cell:RegionalCell", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        settings = args.settings
        self._placement = Placement.of(settings, region=settings.region)

        self._keys = CellKeys(
            f"{name}-keys", CellKeysArgs(placement=self._placement, ephemeral=settings.ephemeral), self._child
        )
        self._topic = AlarmTopic(
            f"{name}-alarms",
            AlarmTopicArgs(placement=self._placement, key_arn=self._keys.telemetry_key_arn),
            self._child,
        )
        data = CellData(
            f"{name}-data",
            CellDataArgs(
                placement=self._placement,
                regions=settings.regions,
                shared=args.shared,
                keys=self._keys,
                alarm_topic_arn=self._topic.arn,
                hot_item_queues=settings.cell.hot_item_queues,
                ephemeral=settings.ephemeral,
            ),
            self._child,
        )
        network = Network(
            f"{name}-network",
            NetworkArgs(
                placement=self._placement,
                cidr=settings.cell.cidr,
                nat=settings.cell.nat,
                log_key_arn=self._keys.telemetry_key_arn,
            ),
            self._child,
        )
        bus = EventBus(
            f"{name}-bus",
            EventBusArgs(
                placement=self._placement,
                other_regions=settings.other_regions,
                queue_arns={queue: made.arn for queue, made in data.queues.items()},
                dead_letter_queue_arn=data.event_target_dead_letters.arn,
                data_key_arn=self._keys.data_key_arn,
                alarm_topic_arn=self._topic.arn,
            ),
            self._child,
        )
        around = Surroundings(settings=settings, placement=self._placement, shared=args.shared, data=data, bus=bus)
        functions = {row.function: self._function(row) for row in function_table(around)}
        saga = CheckoutSaga(
            f"{name}-saga",
            CheckoutSagaArgs(
                placement=self._placement,
                steps=functions["checkout-saga-steps"],
                repair_queue=data.checkout_repair,
                data_key_arn=self._keys.data_key_arn,
                telemetry_key_arn=self._keys.telemetry_key_arn,
                alarm_topic_arn=self._topic.arn,
            ),
            self._child,
        )
        CheckoutAudit(
            f"{name}-checkout-audit",
            CheckoutAuditArgs(placement=self._placement, alarm_topic_arn=self._topic.arn),
            self._child,
        )
        StockWatch(
            f"{name}-stock-watch",
            StockWatchArgs(placement=self._placement, alarm_topic_arn=self._topic.arn),
            self._child,
        )
        service = projector(
            name, around, network=network, keys=self._keys, alarm_topic_arn=self._topic.arn, opts=self._child
        )
        api = EntryApi(
            f"{name}-entry-api",
            EntryApiArgs(
                placement=self._placement,
                domain=settings.domain,
                size=settings.cell.sizes.api,
                owns_log_role=settings.cell.owns_api_log_role,
                event_bus_arn=bus.arn,
                functions={placeholder: functions[function] for placeholder, function in _ENTRY_FUNCTIONS.items()},
                authorizer=_AUTHORIZER,
                telemetry_key_arn=self._keys.telemetry_key_arn,
                alarm_topic_arn=self._topic.arn,
            ),
            self._child,
        )
        self._exports: Mapping[str, pulumi.Output[Any]] = {
            "api_id": api.api_id,
            "api_url": api.url,
            "event_bus_arn": bus.arn,
            "checkout_saga_arn": saga.arn,
            "projector_service": service.name,
            "alarm_topic_arn": self._topic.arn,
            "vpc_id": network.vpc_id,
        }
        self.register_outputs(dict(self._exports))

    def exports(self) -> Mapping[str, pulumi.Output[Any]]:
        """Return the stack's outputs by name."""
        return self._exports

    def _function(self, row: FunctionRow) -> WorkloadFunction:
        settings = self._args.settings
        return WorkloadFunction(
            f"{self._name}-{row.function}",
            WorkloadFunctionArgs(
                placement=self._placement,
                function=row.function,
                image_uri=self._args.shared.image(row.context),
                handler=row.handler,
                architecture=settings.architecture,
                memory=settings.cell.sizes.functions.memory,
                timeout_seconds=row.timeout_seconds,
                environment=row.environment,
                statements=row.statements,
                key_services=row.key_services,
                trigger=row.trigger,
                data_key_arn=self._keys.data_key_arn,
                telemetry_key_arn=self._keys.telemetry_key_arn,
                alarm_topic_arn=self._topic.arn,
            ),
            self._child,
        )
