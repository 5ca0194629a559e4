"""How many tasks a service has: as many as its queue's length asks for."""

import pulumi
from pulumi_aws import appautoscaling

from components.naming import Placement, resource_name
from components.settings import ServiceSize


def scale_on_backlog(
    name: str,
    *,
    placement: Placement,
    service: str,
    cluster_name: pulumi.Output[str],
    service_name: pulumi.Output[str],
    size: ServiceSize,
    queue_name: pulumi.Input[str],
    backlog_per_task: int,
    opts: pulumi.ResourceOptions,
) -> None:
    """Keep the messages that wait for each task at `backlog_per_task`.

    The length of the queue alone would not do: it does not fall in proportion when tasks are added, which is what
    target tracking expects of its metric.
    """
    target = appautoscaling.Target(
        f"{name}-scaling",
        region=placement.region,
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=pulumi.Output.concat("service/", cluster_name, "/", service_name),
        min_capacity=size.minimum,
        max_capacity=size.maximum,
        tags=placement.tags("Workload"),
        opts=opts,
    )
    appautoscaling.Policy(
        f"{name}-backlog",
        region=placement.region,
        name=resource_name(f"{service}-backlog"),
        policy_type="TargetTrackingScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration={
            "target_value": backlog_per_task,
            "scale_out_cooldown": 60,
            "scale_in_cooldown": 300,
            "customized_metric_specification": {
                "metrics": [
                    {
                        "id": "waiting",
                        "return_data": False,
                        "metric_stat": {
                            "stat": "Average",
                            "metric": {
                                "namespace": "AWS/SQS",
                                "metric_name": "ApproximateNumberOfMessagesVisible",
                                "dimensions": [{"name": "QueueName", "value": queue_name}],
                            },
                        },
                    },
                    {
                        "id": "tasks",
                        "return_data": False,
                        "metric_stat": {
                            "stat": "Average",
                            "metric": {
                                "namespace": "ECS/ContainerInsights",
                                "metric_name": "RunningTaskCount",
                                "dimensions": [
                                    {"name": "ClusterName", "value": cluster_name},
                                    {"name": "ServiceName", "value": service_name},
                                ],
                            },
                        },
                    },
                    {
                        "id": "backlog",
                        "label": "Messages a task",
                        "expression": "waiting / tasks",
                        "return_data": True,
                    },
                ]
            },
        },
        opts=opts,
    )
