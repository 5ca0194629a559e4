"""The cell's network: private subnets over three Availability Zones that reach AWS through endpoints only."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

import pulumi
import pulumi_aws as aws

from components.endpoints import Endpoints, EndpointsArgs
from components.internet import InternetAccess, InternetAccessArgs
from components.logs import log_group
from components.naming import Placement, resource_name
from components.policy_documents import Statement, policy_document, service_trust

ZONES: Final = 3
_FLOW_LOG_GROUP: Final = "/meridian/network/flow-logs"


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """A cell's network."""

    placement: Placement
    cidr: IPv4Network
    nat: bool
    """Whether tasks reach the internet through a NAT gateway in each zone; nothing in the cell needs it."""
    log_key_arn: pulumi.Input[str]


class Network(pulumi.ComponentResource):
    """VPC, private subnets, endpoints and flow logs."""

    vpc_id: pulumi.Output[str]
    private_subnet_ids: Sequence[pulumi.Output[str]]
    task_security_group_id: pulumi.Output[str]
    """For tasks: HTTPS to the endpoints, nothing inwards."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:network:Network", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        placement = args.placement

        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            region=placement.region,
            cidr_block=str(args.cidr),
            # Both are what private names of interface endpoints rest on.
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._tags("vpc"),
            opts=self._child,
        )
        self.vpc_id = vpc.id
        # Without this the group that every VPC comes with allows all traffic among its members and outwards.
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default-group",
            region=placement.region,
            vpc_id=vpc.id,
            ingress=[],
            egress=[],
            tags=self._tags("default-unused"),
            opts=self._child,
        )

        zones = _zones(placement.region)
        # Quarters: three private subnets, and the last one stays free for what a cell may face outwards with.
        *private_blocks, outer_block = args.cidr.subnets(prefixlen_diff=2)
        subnets = [self._private_subnet(zone, block) for zone, block in zip(zones, private_blocks, strict=True)]
        self.private_subnet_ids = [subnet.id for subnet in subnets]
        route_tables = [self._route_table(zone, subnet) for zone, subnet in zip(zones, subnets, strict=True)]

        endpoints = Endpoints(
            f"{name}-endpoints",
            EndpointsArgs(
                placement=placement,
                vpc_id=vpc.id,
                subnet_ids=self.private_subnet_ids,
                route_table_ids=[table.id for table in route_tables],
            ),
            self._child,
        )
        self.task_security_group_id = endpoints.task_security_group_id

        self._flow_logs()
        if args.nat:
            InternetAccess(
                f"{name}-internet",
                InternetAccessArgs(
                    placement=placement,
                    vpc_id=vpc.id,
                    zones=zones,
                    block=outer_block,
                    private_route_table_ids=[table.id for table in route_tables],
                    task_security_group_id=self.task_security_group_id,
                ),
                self._child,
            )
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "privateSubnetIds": self.private_subnet_ids,
                "taskSecurityGroupId": self.task_security_group_id,
            }
        )

    def _private_subnet(self, zone: str, block: IPv4Network) -> aws.ec2.Subnet:
        letter = zone[-1]
        return aws.ec2.Subnet(
            f"{self._name}-private-{letter}",
            region=self._args.placement.region,
            vpc_id=self.vpc_id,
            availability_zone=zone,
            cidr_block=str(block),
            map_public_ip_on_launch=False,
            tags=self._tags(f"private-{letter}"),
            # A Region that opens another zone changes the list of zones; subnets in use stay where they are.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["availability_zone"]),
        )

    def _route_table(self, zone: str, subnet: aws.ec2.Subnet) -> aws.ec2.RouteTable:
        letter = zone[-1]
        table = aws.ec2.RouteTable(
            f"{self._name}-private-{letter}-routes",
            region=self._args.placement.region,
            vpc_id=self.vpc_id,
            tags=self._tags(f"private-{letter}"),
            opts=self._child,
        )
        aws.ec2.RouteTableAssociation(
            f"{self._name}-private-{letter}-association",
            region=self._args.placement.region,
            route_table_id=table.id,
            subnet_id=subnet.id,
            opts=self._child,
        )
        return table

    def _flow_logs(self) -> None:
        placement = self._args.placement
        group = log_group(
            f"{self._name}-flow-log-group",
            _FLOW_LOG_GROUP,
            placement=placement,
            component="Network",
            key_arn=self._args.log_key_arn,
            opts=self._child,
        )
        role = aws.iam.Role(
            f"{self._name}-flow-log-role",
            name=placement.iam_name("flow-logs"),
            description="Writes the flow logs of the cell's VPC",
            assume_role_policy=service_trust("vpc-flow-logs.amazonaws.com", account=placement.account),
            tags=placement.tags("Network"),
            opts=self._child,
        )
        may_write = aws.iam.RolePolicy(
            f"{self._name}-flow-log-policy",
            name="write-flow-logs",
            role=role.name,
            policy=policy_document(
                Statement(
                    sid="WriteFlowLogs",
                    actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    resources=[placement.log_group_arn(_FLOW_LOG_GROUP)],
                ),
                # The service looks for its log group by a list that IAM can not narrow to one.
                Statement(
                    sid="FindTheLogGroup",
                    actions=["logs:DescribeLogGroups"],
                    resources=[placement.arn("logs", "log-group:*")],
                ),
            ),
            opts=self._child,
        )
        aws.ec2.FlowLog(
            f"{self._name}-flow-log",
            region=placement.region,
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=600,
            tags=self._tags("flow-log"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[may_write]),
        )

    def _tags(self, part: str) -> dict[str, str]:
        # The console and the command line show the Name tag; these resources have no other name.
        return {"Name": resource_name(part), **self._args.placement.tags("Network")}


def _zones(region: str) -> Sequence[str]:
    """Return the first three zones by name.

    Zone names can not be written down: which letters exist differs by Region and account (ap-northeast-1 has no b for
    most). All zones are asked for, not the available ones: an impaired zone must not move subnets.
    """
    found = aws.get_availability_zones(
        region=region,
        filters=[
            aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"]),
            aws.GetAvailabilityZonesFilterArgs(name="zone-type", values=["availability-zone"]),
        ],
    )
    names = sorted(found.names)[:ZONES]
    if len(names) < ZONES:
        raise TooFewZonesError(f"{region} has {len(names)} Availability Zones for this account; a cell needs {ZONES}")
    return names


class TooFewZonesError(Exception):
    """A cell spans three Availability Zones; this Region has fewer."""
