"""A long-running service of a bounded context's image on Fargate: tasks, roles, scaling, logs and an alarm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmArgs, Metric, alarm
from components.documents import json_document
from components.logs import log_group
from components.naming import Placement, resource_name
from components.policy_documents import Statement, policy_document, service_trust
from components.settings import Architecture, ServiceSize
from components.workload.permissions import uses_key, writes_logs
from components.workload.scaling import scale_on_backlog

_COMPONENT: Final = "Workload"
# A number, not a name: the agent does not look into the image. The images make this user.
_USER: Final = "10001:10001"
_CPU_ARCHITECTURE: Final[Mapping[Architecture, str]] = {Architecture.ARM64: "ARM64", Architecture.X86_64: "X86_64"}


@dataclass(frozen=True, kw_only=True)
class WorkloadServiceArgs:
    """One service."""

    placement: Placement
    service: str
    """The part of the name, such as `loyalty-projector`."""
    cluster: aws.ecs.Cluster
    image_uri: pulumi.Input[str]
    """By digest, in this Region's repository."""
    repository: str
    entry_point: Sequence[str]
    command: Sequence[str]
    health_check: Sequence[str]
    """A command that fails when the service no longer makes progress."""
    architecture: Architecture
    size: ServiceSize
    environment: Mapping[str, pulumi.Input[str]]
    statements: Sequence[Statement]
    """What the service itself does."""
    key_services: Sequence[str]
    """The services through which it meets the cell's key."""
    backlog_queue_name: pulumi.Input[str]
    """The queue whose length says how many tasks there should be."""
    backlog_per_task: int
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    data_key_arn: pulumi.Input[str]
    telemetry_key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]


class WorkloadService(pulumi.ComponentResource):
    """Tasks without an address of their own that anybody could call: they pull their work."""

    name: pulumi.Output[str]

    def __init__(self, name: str, args: WorkloadServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:workload:Service", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        placement = args.placement
        log_group_name = f"/meridian/services/{resource_name(args.service)}"
        logs = log_group(
            f"{name}-logs",
            log_group_name,
            placement=placement,
            component=_COMPONENT,
            key_arn=args.telemetry_key_arn,
            opts=self._child,
        )
        task_role, task_policy = self._role(
            "task",
            "What the tasks may do",
            uses_key("UseTheCellsKey", args.data_key_arn, placement, through=args.key_services),
            *args.statements,
        )
        execution_role, execution_policy = self._role(
            "execution", "Starts the tasks: pulls the image, opens the log", *self._starting(log_group_name)
        )
        task_definition = aws.ecs.TaskDefinition(
            f"{name}-task",
            region=placement.region,
            family=resource_name(args.service),
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(args.size.cpu),
            memory=str(args.size.memory),
            runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
                operating_system_family="LINUX", cpu_architecture=_CPU_ARCHITECTURE[args.architecture]
            ),
            task_role_arn=task_role.arn,
            execution_role_arn=execution_role.arn,
            # The one place that can be written to. The image declares the same volume, which gives it its permissions.
            volumes=[aws.ecs.TaskDefinitionVolumeArgs(name="tmp")],
            container_definitions=json_document([self._container(logs)]),
            tags=placement.tags(_COMPONENT),
            opts=self._child,
        )
        service = aws.ecs.Service(
            name,
            region=placement.region,
            name=resource_name(args.service),
            cluster=args.cluster.arn,
            task_definition=task_definition.arn,
            desired_count=args.size.minimum,
            launch_type="FARGATE",
            platform_version="1.4.0",
            network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
                subnets=args.subnet_ids, security_groups=[args.security_group_id], assign_public_ip=False
            ),
            # A version whose tasks do not become healthy is taken back without a person.
            deployment_circuit_breaker=aws.ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            availability_zone_rebalancing="ENABLED",
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            tags=placement.tags(_COMPONENT),
            opts=pulumi.ResourceOptions(
                parent=self,
                # From the first deployment on, the number of tasks is the auto scaling's.
                ignore_changes=["desiredCount"],
                depends_on=[task_policy, execution_policy],
            ),
        )
        self.name = service.name
        scale_on_backlog(
            name,
            placement=placement,
            service=args.service,
            cluster_name=args.cluster.name,
            service_name=service.name,
            size=args.size,
            queue_name=args.backlog_queue_name,
            backlog_per_task=args.backlog_per_task,
            opts=self._child,
        )
        self._alarm()
        self.register_outputs({"name": self.name})

    def _role(self, part: str, description: str, *statements: Statement) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        placement = self._args.placement
        role = aws.iam.Role(
            f"{self._name}-{part}-role",
            name=placement.iam_name(f"{self._args.service}-{part}"),
            description=f"{description}: {resource_name(self._args.service)} in {placement.region}",
            assume_role_policy=service_trust("ecs-tasks.amazonaws.com", account=placement.account),
            tags=placement.tags(_COMPONENT),
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            f"{self._name}-{part}-policy",
            name="workload",
            role=role.name,
            policy=policy_document(*statements),
            opts=self._child,
        )
        return role, policy

    def _starting(self, log_group_name: str) -> Sequence[Statement]:
        placement = self._args.placement
        return (
            # The token is for the whole registry of the account: the action knows no resource.
            Statement(sid="LogInToTheRegistry", actions=["ecr:GetAuthorizationToken"], resources=["*"]),
            Statement(
                sid="PullTheImage",
                actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                resources=[placement.arn("ecr", f"repository/{self._args.repository}")],
            ),
            writes_logs(placement, log_group_name),
        )

    def _container(self, logs: aws.cloudwatch.LogGroup) -> dict[str, Any]:
        args = self._args
        environment = {
            "AWS_REGION": args.placement.region,
            "LOG_LEVEL": "INFO",
            "SERVICE_NAME": args.service,
            **args.environment,
        }
        return {
            "name": args.service,
            "image": args.image_uri,
            "essential": True,
            "entryPoint": list(args.entry_point),
            "command": list(args.command),
            "user": _USER,
            "readonlyRootFilesystem": True,
            "privileged": False,
            # Reaps what the process leaves behind, and hands it the signals.
            "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
            "mountPoints": [{"sourceVolume": "tmp", "containerPath": "/tmp", "readOnly": False}],  # noqa: S108
            "environment": [{"name": key, "value": value} for key, value in sorted(environment.items())],
            "healthCheck": {
                "command": list(args.health_check),
                "interval": 30,
                "timeout": 10,
                "retries": 3,
                "startPeriod": 30,
            },
            # From the signal to end to the kill: a batch in hand is finished.
            "stopTimeout": 60,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": logs.name,
                    "awslogs-region": args.placement.region,
                    "awslogs-stream-prefix": args.service,
                    # A log that can not be written must not stop the work.
                    "mode": "non-blocking",
                    "max-buffer-size": "4m",
                },
            },
        }

    def _alarm(self) -> None:
        args = self._args
        alarm(
            f"{self._name}-down",
            f"{args.service}-down",
            AlarmArgs(
                placement=args.placement,
                component=_COMPONENT,
                topic_arn=args.alarm_topic_arn,
                description=(
                    f"Fewer tasks of {args.service} run than should at least. The service's events and the tasks' "
                    "log group tell why."
                ),
                metrics=[
                    Metric(
                        namespace="ECS/ContainerInsights",
                        name="RunningTaskCount",
                        dimensions={"ClusterName": args.cluster.name, "ServiceName": self.name},
                        statistic="Minimum",
                    )
                ],
                threshold=args.size.minimum,
                comparison="LessThanThreshold",
                periods=5,
                # No task, no data: silence is the failure.
                missing_data="breaching",
            ),
            self._child,
        )
