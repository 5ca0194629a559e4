"""Each thing has one owner: the global stack what replicates or exists once, a cell what is its Region's."""

import re
from collections.abc import Mapping

from local.recording import Graph
from tests.infrastructure.inspection import aws_resources, leaves

OWNED_BY_GLOBAL = ("aws:ecr/", "aws:cognito/", "docker-build:", "aws:dynamodb/globalTable", "aws:cloudfront/")
ALLOWED_IN_GLOBAL = (
    "aws:dynamodb/table:Table",
    "aws:kms/",
    "aws:ecr/",
    "aws:cognito/",
    "aws:iam/serviceLinkedRole:ServiceLinkedRole",
)


def test_the_global_stack_holds_only_what_replicates_or_exists_once(global_graph: Graph) -> None:
    strangers = [r.urn for r in aws_resources([global_graph]) if not r.type.startswith(ALLOWED_IN_GLOBAL)]

    assert strangers == []


def test_a_cell_holds_nothing_that_the_global_stack_owns(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        assert [r.urn for r in graph if r.type.startswith(OWNED_BY_GLOBAL)] == []
        assert [t.name for t in graph.of_type("aws:dynamodb/table:Table") if t.inputs.get("replicas")] == []


def test_a_table_and_its_replicas_have_one_owner_in_the_first_region(global_graph: Graph) -> None:
    tables = {table.inputs["name"]: table for table in global_graph.of_type("aws:dynamodb/table:Table")}

    assert set(tables) == {
        "meridian-checkout",
        "meridian-checkout-outbox",
        "meridian-loyalty-events",
        "meridian-single-view",
    }
    for table in tables.values():
        assert table.region == "us-east-1"
        assert [replica["regionName"] for replica in table.inputs["replicas"]] == ["eu-west-1"]
    assert global_graph.of_type("aws:dynamodb/tableReplica:TableReplica") == []


def test_the_global_stack_needs_no_cell(global_graph: Graph) -> None:
    assert global_graph.of_type("pulumi:pulumi:StackReference") == []


def test_a_cell_reads_the_global_stack_and_no_other(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        references = [reference.id for reference in graph.of_type("pulumi:pulumi:StackReference")]

        assert references == ["organization/meridian/global"]


def test_everything_belongs_to_a_component(graphs: Mapping[str, Graph]) -> None:
    for graph in graphs.values():
        assert [r.urn for r in aws_resources([graph]) if "meridian:" not in r.parent.split("::")[2]] == []


def test_components_carry_the_types_of_this_project(graphs: Mapping[str, Graph]) -> None:
    components = {r.type for graph in graphs.values() for r in graph if not r.custom}

    assert {type_ for type_ in components if not re.fullmatch(r"meridian:[a-z]+:[A-Z][A-Za-z]+", type_)} == set()


def test_the_global_outputs_name_every_region(global_graph: Graph, cell_graphs: Mapping[str, Graph]) -> None:
    outputs, regions = global_graph.outputs, set(cell_graphs)

    assert set(outputs) == {"tables", "data_key_arns", "images", "user_pools"}
    assert set(outputs["data_key_arns"]) == set(outputs["user_pools"]) == regions
    assert all(set(images) == regions for images in outputs["images"].values())
    for table in outputs["tables"].values():
        assert set(table["arns"]) == set(table["stream_arns"]) == regions
        for region in regions:
            assert table["arns"][region].split(":")[3] == region
            assert table["stream_arns"][region].startswith(f"{table['arns'][region]}/stream/")


def test_deterministic_arns_are_those_that_aws_answers(global_graph: Graph) -> None:
    for table in global_graph.of_type("aws:dynamodb/table:Table"):
        [exported] = [t for t in global_graph.outputs["tables"].values() if t["name"] == table.inputs["name"]]

        assert exported["arns"][table.region] == table.outputs["arn"]
        assert exported["arns"]["eu-west-1"] == table.outputs["replicas"][0]["arn"]


def test_no_output_holds_a_secret(graphs: Mapping[str, Graph]) -> None:
    clients = graphs["global"].of_type("aws:cognito/userPoolClient:UserPoolClient")
    secrets = {client.outputs["clientSecret"] for client in clients if client.inputs["generateSecret"]}

    assert len(secrets) == 2
    for graph in graphs.values():
        outputs = dict(leaves(dict(graph.outputs)))
        assert secrets.isdisjoint(str(value) for value in outputs.values())
        assert [path for path in outputs if "secret" in path.lower() or "password" in path.lower()] == []


def test_the_role_that_the_first_ecs_service_needs_stays_when_the_stack_goes(global_graph: Graph) -> None:
    [role] = global_graph.of_type("aws:iam/serviceLinkedRole:ServiceLinkedRole")

    assert role.inputs["awsServiceName"] == "ecs.amazonaws.com"
    assert role.retain_on_delete
