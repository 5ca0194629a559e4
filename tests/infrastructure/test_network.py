"""Tasks live in private subnets of three zones and reach AWS through endpoints only."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path

from local.recording import Graph, record
from tests.infrastructure.trees import change_config

SUBNET, ENDPOINT = "aws:ec2/subnet:Subnet", "aws:ec2/vpcEndpoint:VpcEndpoint"


def test_private_subnets_lie_in_three_zones_and_do_not_overlap(cell_graphs: Mapping[str, Graph]) -> None:
    for region, graph in cell_graphs.items():
        [vpc] = graph.of_type("aws:ec2/vpc:Vpc")
        subnets = graph.of_type(SUBNET)
        blocks = [IPv4Network(subnet.inputs["cidrBlock"]) for subnet in subnets]

        assert {s.inputs["availabilityZone"] for s in subnets} == {f"{region}{letter}" for letter in "abc"}
        assert not any(s.inputs["mapPublicIpOnLaunch"] for s in subnets)
        assert all(block.subnet_of(IPv4Network(vpc.inputs["cidrBlock"])) for block in blocks)
        assert not any(one.overlaps(other) for one in blocks for other in blocks if one is not other)


def test_a_subnet_stays_in_its_zone_when_the_region_gets_another(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        assert {subnet.ignore_changes for subnet in graph.of_type(SUBNET)} == {("availabilityZone",)}


def test_there_is_no_way_to_the_internet(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        ways = ("aws:ec2/internetGateway:InternetGateway", "aws:ec2/natGateway:NatGateway", "aws:ec2/route:Route")

        assert [r.urn for type_ in ways for r in graph.of_type(type_)] == []


def test_every_zone_gets_a_nat_gateway_where_one_is_configured(tree: Path) -> None:
    change_config(tree, "us-east-1", nat=True)

    graph = record(tree, stacks=["us-east-1"])["us-east-1"].graph

    gateways = graph.of_type("aws:ec2/natGateway:NatGateway")
    public = {s.id: s.inputs["availabilityZone"] for s in graph.of_type(SUBNET) if "public" in s.name}
    assert {public[gateway.inputs["subnetId"]] for gateway in gateways} == {f"us-east-1{letter}" for letter in "abc"}
    routes = [r.inputs for r in graph.of_type("aws:ec2/route:Route") if "natGatewayId" in r.inputs]
    assert len({route["routeTableId"] for route in routes}) == 3
    assert [s.name for s in graph.of_type(SUBNET) if s.inputs["mapPublicIpOnLaunch"]] == []


def test_s3_and_dynamodb_are_reached_through_gateways_from_every_subnet(cell_graphs: Mapping[str, Graph]) -> None:
    for region, graph in cell_graphs.items():
        gateways = [e.inputs for e in graph.of_type(ENDPOINT) if e.inputs["vpcEndpointType"] == "Gateway"]
        tables = {
            a.inputs["subnetId"]: a.inputs["routeTableId"]
            for a in graph.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
        }

        assert {e["serviceName"] for e in gateways} == {f"com.amazonaws.{region}.{s}" for s in ("s3", "dynamodb")}
        assert set(tables) == {subnet.id for subnet in graph.of_type(SUBNET)}
        assert all(set(endpoint["routeTableIds"]) == set(tables.values()) for endpoint in gateways)


def test_a_task_finds_everything_that_it_needs_in_every_zone(cell_graphs: Mapping[str, Graph]) -> None:
    for region, graph in cell_graphs.items():
        interfaces = [e.inputs for e in graph.of_type(ENDPOINT) if e.inputs["vpcEndpointType"] == "Interface"]
        needed = {"ecr.api", "ecr.dkr", "logs", "sqs", "events"}

        assert {e["serviceName"].removeprefix(f"com.amazonaws.{region}.") for e in interfaces} == needed
        assert all(endpoint["privateDnsEnabled"] for endpoint in interfaces)
        assert all(len(endpoint["subnetIds"]) == 3 for endpoint in interfaces)


def test_security_groups_admit_https_from_tasks_to_endpoints_and_nothing_else(
    cell_graphs: Mapping[str, Graph],
) -> None:
    for graph in cell_graphs.values():
        groups = {
            group.id: group.inputs["tags"]["Name"] for group in graph.of_type("aws:ec2/securityGroup:SecurityGroup")
        }
        inwards = [r.inputs for r in graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")]
        outwards = [r.inputs for r in graph.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")]

        [rule] = inwards
        assert groups[rule["securityGroupId"]] == "meridian-endpoints"
        assert groups[rule["referencedSecurityGroupId"]] == "meridian-tasks"
        assert {groups[r["securityGroupId"]] for r in outwards} == {"meridian-tasks"}
        assert {(r["ipProtocol"], r["fromPort"], r["toPort"]) for r in (*inwards, *outwards)} == {("tcp", 443, 443)}
        [default] = graph.of_type("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
        assert (default.inputs["ingress"], default.inputs["egress"]) == ([], [])


def test_all_traffic_is_logged(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        [flow_log] = graph.of_type("aws:ec2/flowLog:FlowLog")
        groups = {group.outputs["arn"] for group in graph.of_type("aws:cloudwatch/logGroup:LogGroup")}

        assert flow_log.inputs["trafficType"] == "ALL"
        assert flow_log.inputs["logDestination"] in groups
