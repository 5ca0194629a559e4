"""The provider does to the engine what the published one does, in the points that deployments depend on."""

from collections.abc import Callable
from typing import Any

import pytest
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from tests.local.provider.conftest import Provider, Resource

BUS = "aws:cloudwatch/eventBus:EventBus"
KEY = "aws:kms/key:Key"
NETWORK = "aws:ec2/vpc:Vpc"
QUEUE = "aws:sqs/queue:Queue"
TABLE = "aws:dynamodb/table:Table"

EXISTING: list[tuple[str, dict[str, Any]]] = [
    (BUS, {"name": "twice"}),
    (
        TABLE,
        {
            "name": "twice",
            "hashKey": "pk",
            "attributes": [{"name": "pk", "type": "S"}],
            "billingMode": "PAY_PER_REQUEST",
        },
    ),
    ("aws:iam/role:Role", {"name": "twice", "assumeRolePolicy": "{}"}),
    ("aws:cloudwatch/logGroup:LogGroup", {"name": "/twice"}),
    ("aws:kms/alias:Alias", {"name": "alias/twice", "targetKeyId": "00000000-0000-0000-0000-000000000000"}),
    (NETWORK, {"cidrBlock": "10.0.0.0/16"}),
    ("aws:ecr/repository:Repository", {"name": "twice"}),
]


@pytest.mark.parametrize(("type_", "inputs"), EXISTING)
def test_what_exists_is_not_created_again(
    provider: Provider, refusal: Callable[[str], Any], type_: str, inputs: dict[str, Any]
) -> None:
    if type_.startswith("aws:kms/alias"):
        inputs = inputs | {"targetKeyId": provider.create(KEY, "of-an-alias", region="us-east-1").id}
    provider.create(type_, "first", region="us-east-1", **inputs)

    with refusal(r"[Ee]xist"):
        provider.create(type_, "first", region="us-east-1", **inputs)


def test_a_type_without_a_handler_is_refused_by_its_name(provider: Provider, refusal: Callable[[str], Any]) -> None:
    with refusal("no handler for aws:dax/cluster:Cluster"):
        provider.create("aws:dax/cluster:Cluster", "cache")


def test_a_resource_that_nobody_touched_is_read_as_it_was(provider: Provider) -> None:
    queue = provider.create(QUEUE, "untouched", region="us-east-1", name="untouched", visibilityTimeoutSeconds=90)

    assert provider.read(queue) == queue


def test_a_change_by_hand_shows_in_inputs_and_outputs_once(provider: Provider) -> None:
    queue = provider.create(QUEUE, "touched", region="us-east-1", name="touched", visibilityTimeoutSeconds=90)
    by_hand = {"QueueUrl": queue.id, "Attributes": {"VisibilityTimeout": "7"}}
    provider.context.call("sqs", "us-east-1", "SetQueueAttributes", by_hand)

    found = provider.read(queue)

    assert found is not None
    assert found.inputs["visibilityTimeoutSeconds"] == found.outputs["visibilityTimeoutSeconds"] == 7
    assert provider.read(found) == found
    assert list(provider.diff(found, queue.inputs).detailedDiff) == ["visibilityTimeoutSeconds"]


@pytest.mark.parametrize(
    ("type_", "inputs"), [(BUS, {"name": "gone"}), (NETWORK, {"cidrBlock": "10.1.0.0/16"}), (QUEUE, {"name": "gone"})]
)
def test_what_was_deleted_by_hand_is_read_as_gone(provider: Provider, type_: str, inputs: dict[str, Any]) -> None:
    made = provider.create(type_, "gone", region="us-east-1", **inputs)

    provider.delete(made)

    assert provider.read(made) is None


def test_a_key_change_replaces_and_deletes_first_what_keeps_its_name(provider: Provider) -> None:
    declared = {"region": "us-east-1", "name": "t", "hashKey": "pk"}
    table = Resource(f"urn:pulumi:test::meridian::{TABLE}::t", "t", declared, declared)

    diff = provider.diff(table, declared | {"hashKey": "id"})

    assert list(diff.replaces) == ["hashKey"]
    assert diff.deleteBeforeReplace
    assert diff.detailedDiff["hashKey"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE


def test_another_name_makes_the_new_one_before_the_old_one_goes(provider: Provider) -> None:
    declared = {"region": "us-east-1", "name": "old"}
    bus = Resource(f"urn:pulumi:test::meridian::{BUS}::b", "old", declared, declared)

    assert not provider.diff(bus, {"region": "us-east-1", "name": "new"}).deleteBeforeReplace


def test_a_preview_does_not_know_which_version_an_update_will_publish(provider: Provider) -> None:
    inputs = {"region": "us-east-1", "name": "f", "packageType": "Image", "memorySize": 512, "publish": True}
    outputs = {**inputs, "version": "1", "qualifiedArn": "arn:f:1", "arn": "arn:f"}
    function = Resource("urn:pulumi:test::meridian::aws:lambda/function:Function::f", "f", inputs, outputs)

    planned = provider.update(function, inputs | {"memorySize": 1024}, preview=True).outputs

    assert planned["version"] == planned["qualifiedArn"] == rpc.UNKNOWN
    assert planned["arn"] == "arn:f"
    assert planned["memorySize"] == 1024


def test_an_imported_resource_is_updated_and_not_replaced_by_its_declaration(provider: Provider) -> None:
    declared = {"region": "eu-west-1", "name": "imported", "visibilityTimeoutSeconds": 90}
    made = provider.create(QUEUE, "imported", **declared)

    imported = provider.read(Resource(made.urn, f"{made.id}@eu-west-1", {}, {}))

    assert imported is not None
    assert imported.id == made.id
    assert not provider.diff(imported, declared).replaces
    assert provider.diff(imported, declared).changes == provider_pb2.DiffResponse.DIFF_SOME
    updated = provider.update(imported, declared)
    assert {key: value for key, value in updated.outputs.items() if key in made.outputs} == made.outputs


def test_an_id_that_nothing_has_can_not_be_imported(provider: Provider) -> None:
    nothing = Resource(f"urn:pulumi:test::meridian::{BUS}::none", "none", {}, {})

    assert provider.read(nothing) is None
