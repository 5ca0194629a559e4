"""A way out to the internet for a cell's tasks, made only where `meridian:nat` asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

import pulumi
import pulumi_aws as aws

from components.naming import Placement, resource_name

# The route and the rule that mean "the internet": in no other file, and only towards a NAT gateway.
_ANYWHERE: Final = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class InternetAccessArgs:
    """Where the gateways stand and who may use them."""

    placement: Placement
    vpc_id: pulumi.Input[str]
    zones: Sequence[str]
    block: IPv4Network
    """Addresses for the public subnets, one for each zone."""
    private_route_table_ids: Sequence[pulumi.Input[str]]
    task_security_group_id: pulumi.Input[str]


class InternetAccess(pulumi.ComponentResource):
    """An internet gateway, and in each zone a public subnet with a NAT gateway: a zone's loss takes no other along."""

    def __init__(self, name: str, args: InternetAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:network:InternetAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        region = args.placement.region
        tags = args.placement.tags("Network")
        gateway = aws.ec2.InternetGateway(
            f"{name}-gateway",
            region=region,
            vpc_id=args.vpc_id,
            tags={"Name": resource_name("vpc"), **tags},
            opts=child,
        )
        public_routes = aws.ec2.RouteTable(
            f"{name}-public-routes",
            region=region,
            vpc_id=args.vpc_id,
            tags={"Name": resource_name("public"), **tags},
            opts=child,
        )
        aws.ec2.Route(
            f"{name}-public-route",
            region=region,
            route_table_id=public_routes.id,
            destination_cidr_block=_ANYWHERE,
            gateway_id=gateway.id,
            opts=child,
        )
        blocks = args.block.subnets(prefixlen_diff=2)
        for zone, block, private_routes in zip(args.zones, blocks, args.private_route_table_ids, strict=False):
            letter = zone[-1]
            named = {"Name": resource_name(f"public-{letter}"), **tags}
            subnet = aws.ec2.Subnet(
                f"{name}-public-{letter}",
                region=region,
                vpc_id=args.vpc_id,
                availability_zone=zone,
                cidr_block=str(block),
                map_public_ip_on_launch=False,
                tags=named,
                opts=pulumi.ResourceOptions(parent=self, ignore_changes=["availability_zone"]),
            )
            aws.ec2.RouteTableAssociation(
                f"{name}-public-{letter}-association",
                region=region,
                route_table_id=public_routes.id,
                subnet_id=subnet.id,
                opts=child,
            )
            address = aws.ec2.Eip(f"{name}-{letter}-address", region=region, domain="vpc", tags=named, opts=child)
            nat = aws.ec2.NatGateway(
                f"{name}-{letter}-nat",
                region=region,
                subnet_id=subnet.id,
                allocation_id=address.allocation_id,
                tags=named,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
            )
            aws.ec2.Route(
                f"{name}-{letter}-route",
                region=region,
                route_table_id=private_routes,
                destination_cidr_block=_ANYWHERE,
                nat_gateway_id=nat.id,
                opts=child,
            )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-tasks-outwards",
            region=region,
            security_group_id=args.task_security_group_id,
            cidr_ipv4=_ANYWHERE,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description="HTTPS to the internet through the NAT gateways",
            tags=tags,
            opts=child,
        )
        self.register_outputs({})
