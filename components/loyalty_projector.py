"""The loyalty projector of a cell: the service that keeps the balance projection, on its cluster."""

from typing import Final

import pulumi
import pulumi_aws as aws

from components.cell_functions import Surroundings
from components.encryption import CellKeys
from components.naming import Queue, Table, repository_name
from components.network import Network
from components.policy_documents import Statement
from components.settings import PROJECT, Context
from components.workload import WorkloadService, WorkloadServiceArgs
from components.workload.permissions import publishes_events, reads_items, receives_messages

# A task works off some hundred hints a second; so many wait for a few seconds at most.
_BACKLOG_PER_TASK: Final = 500
_SERVICE: Final = "loyalty-projector"


def projector(
    name: str,
    around: Surroundings,
    *,
    network: Network,
    keys: CellKeys,
    alarm_topic_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> WorkloadService:
    """Make the cluster and the service."""
    placement = around.placement
    events = around.shared.table(Table.LOYALTY_EVENTS)
    hints = around.data.queues[Queue.LOYALTY_PROJECTION_HINTS]
    cluster = aws.ecs.Cluster(
        f"{name}-cluster",
        region=placement.region,
        name=PROJECT,
        # The number of running tasks, for the scaling and the alarm.
        settings=[aws.ecs.ClusterSettingArgs(name="containerInsights", value="enabled")],
        tags=placement.tags("Workload"),
        opts=opts,
    )
    return WorkloadService(
        f"{name}-{_SERVICE}",
        WorkloadServiceArgs(
            placement=placement,
            service=_SERVICE,
            cluster=cluster,
            image_uri=around.shared.image(Context.LOYALTY),
            repository=repository_name(Context.LOYALTY),
            entry_point=["/opt/venv/bin/python"],
            command=["-m", "workloads.loyalty.entrypoints.projector"],
            health_check=["CMD", "python", "-m", "workloads.loyalty.entrypoints.projector_health"],
            architecture=around.settings.architecture,
            size=around.settings.cell.sizes.projector,
            environment={
                "LOYALTY_EVENTS_TABLE": events.name,
                "LOYALTY_PROJECTIONS_TABLE": around.data.projections.name,
                "PROJECTION_HINTS_QUEUE_URL": hints.url,
                "EVENT_BUS": around.bus.name,
                "MERIDIAN_REGIONS": around.regions,
                # On the task's own volume, which the laptop gives each of its processes too.
                "HEARTBEAT_FILE": "/tmp/projector-heartbeat",  # noqa: S108
            },
            statements=[
                reads_items("ReadEvents", events.arn),
                around.uses_the_tables_key(),
                Statement(
                    sid="KeepTheProjection",
                    # To delete a balance is how a rebuild begins; the events stay.
                    actions=["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:UpdateItem"],
                    resources=[around.data.projections.arn],
                ),
                receives_messages(hints.arn),
                publishes_events(placement, source="meridian.loyalty"),
            ],
            key_services=("dynamodb", "sqs"),
            backlog_queue_name=hints.name,
            backlog_per_task=_BACKLOG_PER_TASK,
            subnet_ids=network.private_subnet_ids,
            security_group_id=network.task_security_group_id,
            data_key_arn=keys.data_key_arn,
            telemetry_key_arn=keys.telemetry_key_arn,
            alarm_topic_arn=alarm_topic_arn,
        ),
        opts,
    )
