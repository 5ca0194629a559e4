"""How tasks reach AWS without a way to the internet: endpoints in the VPC, and the security groups around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.naming import PARTITION, Placement, resource_name
from components.policy_documents import EVERYONE, Statement, policy_document

_HTTPS: Final = 443

# What a Fargate task without a way to the internet needs besides S3 (image layers) and DynamoDB. Each one costs a
# network interface a zone, by the hour: a new one comes with its caller.
_INTERFACE_ENDPOINTS: Final[Mapping[str, str]] = {
    "ecr.api": "the Fargate agent asks for the image",
    "ecr.dkr": "the Fargate agent pulls the image",
    "logs": "the log driver writes the logs of tasks",
    "sqs": "the projector reads its hints",
    "events": "the projector publishes BalanceChanged",
}
_GATEWAY_ENDPOINTS: Final = ("s3", "dynamodb")


@dataclass(frozen=True, kw_only=True)
class EndpointsArgs:
    """The endpoints of one VPC."""

    placement: Placement
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    route_table_ids: Sequence[pulumi.Input[str]]


class Endpoints(pulumi.ComponentResource):
    """Gateway and interface endpoints for this account's principals only, and the security group of tasks."""

    task_security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:network:Endpoints", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        endpoints = self._security_group("endpoints", "Interface endpoints: HTTPS from tasks")
        tasks = self._security_group("tasks", "Tasks: HTTPS to endpoints, nothing inwards")
        self.task_security_group_id = tasks.id
        self._allow_tasks_to_interface_endpoints(tasks, endpoints)
        for service in _GATEWAY_ENDPOINTS:
            self._gateway_endpoint(service, tasks)
        for service, caller in _INTERFACE_ENDPOINTS.items():
            self._interface_endpoint(service, caller, endpoints)
        self.register_outputs({"taskSecurityGroupId": self.task_security_group_id})

    def _security_group(self, part: str, description: str) -> aws.ec2.SecurityGroup:
        # No rules in line: the provider then takes AWS's "everything outwards" away, and rules are resources.
        return aws.ec2.SecurityGroup(
            f"{self._name}-{part}-group",
            region=self._args.placement.region,
            description=description,
            vpc_id=self._args.vpc_id,
            tags=self._tags(part),
            opts=self._child,
        )

    def _allow_tasks_to_interface_endpoints(
        self, tasks: aws.ec2.SecurityGroup, endpoints: aws.ec2.SecurityGroup
    ) -> None:
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-from-tasks",
            region=self._args.placement.region,
            security_group_id=endpoints.id,
            referenced_security_group_id=tasks.id,
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
            description="HTTPS from tasks",
            tags=self._tags("endpoints"),
            opts=self._child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-tasks-to-interfaces",
            region=self._args.placement.region,
            security_group_id=tasks.id,
            referenced_security_group_id=endpoints.id,
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
            description="HTTPS to interface endpoints",
            tags=self._tags("tasks"),
            opts=self._child,
        )

    def _gateway_endpoint(self, service: str, tasks: aws.ec2.SecurityGroup) -> None:
        # ECR serves image layers from a bucket of its own, by links that it has signed itself.
        layers = Statement(
            sid="ImageLayers",
            principals=EVERYONE,
            actions=["s3:GetObject"],
            resources=[f"arn:{PARTITION}:s3:::prod-{self._args.placement.region}-starport-layer-bucket/*"],
        )
        endpoint = aws.ec2.VpcEndpoint(
            f"{self._name}-{service}",
            region=self._args.placement.region,
            vpc_id=self._args.vpc_id,
            service_name=f"com.amazonaws.{self._args.placement.region}.{service}",
            vpc_endpoint_type="Gateway",
            route_table_ids=self._args.route_table_ids,
            policy=policy_document(self._own_account_only(service), *([layers] if service == "s3" else [])),
            tags=self._tags(service),
            opts=self._child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-tasks-to-{service}",
            region=self._args.placement.region,
            security_group_id=tasks.id,
            prefix_list_id=endpoint.prefix_list_id,
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
            description=f"HTTPS to {service} through its gateway endpoint",
            tags=self._tags("tasks"),
            opts=self._child,
        )

    def _interface_endpoint(self, service: str, caller: str, group: aws.ec2.SecurityGroup) -> None:
        aws.ec2.VpcEndpoint(
            f"{self._name}-{service.replace('.', '-')}",
            region=self._args.placement.region,
            vpc_id=self._args.vpc_id,
            service_name=f"com.amazonaws.{self._args.placement.region}.{service}",
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=self._args.subnet_ids,
            security_group_ids=[group.id],
            policy=policy_document(self._own_account_only(service.partition(".")[0])),
            tags={**self._tags(service), "NeededBecause": caller},
            opts=self._child,
        )

    def _own_account_only(self, service: str) -> Statement:
        """Pass requests of this account to things of this account: a perimeter, not a permission.

        Principals, actions and resources are wildcards here because the callers' roles name them.
        """
        account = self._args.placement.account
        return Statement(
            sid="OwnAccountOnly",
            principals=EVERYONE,
            actions=[f"{service}:*"],
            resources=["*"],
            conditions={"StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}},
        )

    def _tags(self, part: str) -> dict[str, str]:
        # The console and the command line show the Name tag; these resources have no other name.
        return {"Name": resource_name(part), **self._args.placement.tags("Network")}
