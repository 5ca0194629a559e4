"""Data lasts and is encrypted with a key of its own Region; logs end; everything is tagged."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from local.recording import Graph, RecordedResource, record
from tests.infrastructure.inspection import aws_resources, sdk_arguments
from tests.infrastructure.test_safety import HOLDS_DATA
from tests.infrastructure.trees import change_config
from tests.workloads.tables import INDEXES

TABLE, QUEUE, BUCKET = "aws:dynamodb/table:Table", "aws:sqs/queue:Queue", "aws:s3/bucket:Bucket"
REPOSITORY, USER_POOL, KEY = "aws:ecr/repository:Repository", "aws:cognito/userPool:UserPool", "aws:kms/key:Key"


def of_type(graphs: Mapping[str, Graph], type_: str) -> list[RecordedResource]:
    return [resource for graph in graphs.values() for resource in graph.of_type(type_)]


def test_what_holds_data_is_protected(graphs: Mapping[str, Graph]) -> None:
    for type_ in HOLDS_DATA:
        found = of_type(graphs, type_)

        assert found
        assert [resource.urn for resource in found if not resource.protect] == []


def test_aws_itself_refuses_to_delete_tables_and_user_pools(graphs: Mapping[str, Graph]) -> None:
    for table in of_type(graphs, TABLE):
        assert table.inputs["deletionProtectionEnabled"] is True
        assert all(replica["deletionProtectionEnabled"] for replica in table.inputs.get("replicas", []))
    assert {pool.inputs["deletionProtection"] for pool in of_type(graphs, USER_POOL)} == {"ACTIVE"}


def test_an_ephemeral_environment_can_be_destroyed(tree: Path) -> None:
    for stack in ("global", "us-east-1", "eu-west-1"):
        change_config(tree, stack, ephemeral=True)

    graphs = {stack: monitor.graph for stack, monitor in record(tree).items()}

    assert [r.urn for graph in graphs.values() for r in graph if r.protect] == []
    for table in of_type(graphs, TABLE):
        assert table.inputs["deletionProtectionEnabled"] is False
        assert not any(replica["deletionProtectionEnabled"] for replica in table.inputs.get("replicas", []))
    assert {pool.inputs["deletionProtection"] for pool in of_type(graphs, USER_POOL)} == {"INACTIVE"}
    assert all(repository.inputs["forceDelete"] for repository in of_type(graphs, REPOSITORY))
    assert all(bucket.inputs["forceDestroy"] for bucket in of_type(graphs, BUCKET))
    assert {key.inputs["deletionWindowInDays"] for key in of_type(graphs, KEY)} == {7}


def test_every_table_and_replica_can_be_restored_to_a_point_in_time(graphs: Mapping[str, Graph]) -> None:
    for table in of_type(graphs, TABLE):
        assert table.inputs["pointInTimeRecovery"] == {"enabled": True}
        assert all(replica["pointInTimeRecovery"] for replica in table.inputs.get("replicas", []))


def test_replicated_tables_stream_both_images_and_tag_their_replicas(global_graph: Graph) -> None:
    for table in global_graph.of_type(TABLE):
        assert table.inputs["streamEnabled"] is True
        assert table.inputs["streamViewType"] == "NEW_AND_OLD_IMAGES"
        assert all(replica["propagateTags"] for replica in table.inputs["replicas"])


def test_tables_have_the_indexes_on_which_the_workloads_are_tested(global_graph: Graph) -> None:
    declared = {
        table.inputs["name"]: {
            index["name"]: (
                tuple(key["attributeName"] for key in index["keySchemas"]),
                index["projectionType"],
                index.get("nonKeyAttributes", []),
            )
            for index in table.inputs.get("globalSecondaryIndexes", [])
        }
        for table in global_graph.of_type(TABLE)
    }

    tested = {
        name: (keys, projection["ProjectionType"], projection.get("NonKeyAttributes", []))
        for name, (keys, projection) in INDEXES.items()
    }
    assert {table: indexes for table, indexes in declared.items() if indexes} == {"meridian-checkout": tested}


def test_only_the_outbox_forgets(graphs: Mapping[str, Graph]) -> None:
    forgetting = {
        table.inputs["name"]: table.inputs["ttl"] for table in of_type(graphs, TABLE) if "ttl" in table.inputs
    }

    assert forgetting == {"meridian-checkout-outbox": {"enabled": True, "attributeName": "expires_at"}}


def test_tables_are_encrypted_with_a_key_of_each_replicas_region(graphs: Mapping[str, Graph]) -> None:
    keys = {key.outputs["arn"] for key in of_type(graphs, KEY)}

    for table in of_type(graphs, TABLE):
        used = {table.region: table.inputs["serverSideEncryption"]["kmsKeyArn"]}
        used |= {replica["regionName"]: replica["kmsKeyArn"] for replica in table.inputs.get("replicas", [])}
        assert set(used.values()) <= keys
        assert {region: arn.split(":")[3] for region, arn in used.items()} == {region: region for region in used}


@pytest.mark.parametrize(
    ("type_", "property_"),
    [
        (QUEUE, "kmsMasterKeyId"),
        ("aws:sns/topic:Topic", "kmsMasterKeyId"),
        ("aws:cloudwatch/logGroup:LogGroup", "kmsKeyId"),
        ("aws:cloudwatch/eventBus:EventBus", "kmsKeyIdentifier"),
    ],
)
def test_what_carries_data_is_encrypted_with_a_key_of_its_cell(
    cell_graphs: Mapping[str, Graph], type_: str, property_: str
) -> None:
    for graph in cell_graphs.values():
        keys = {key.outputs["arn"] for key in graph.of_type(KEY)}
        found = graph.of_type(type_)

        assert found
        assert [r.name for r in found if r.inputs.get(property_) not in keys] == []


def test_repositories_are_encrypted_with_their_regions_key(global_graph: Graph) -> None:
    keys = global_graph.outputs["data_key_arns"]

    for repository in global_graph.of_type(REPOSITORY):
        assert repository.inputs["encryptionConfigurations"] == [
            {"encryptionType": "KMS", "kmsKey": keys[repository.region]}
        ]


def test_keys_rotate_and_stay_in_their_region(graphs: Mapping[str, Graph]) -> None:
    for key in of_type(graphs, KEY):
        assert key.inputs["enableKeyRotation"] is True
        assert not key.inputs.get("multiRegion")
        assert key.inputs["deletionWindowInDays"] == 30


def test_the_bucket_is_private_versioned_and_encrypted_and_forgets(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        [bucket] = graph.of_type(BUCKET)
        name = bucket.inputs["bucket"]
        parts = {r.type: r for r in aws_resources([graph]) if r.inputs.get("bucket") == name and r is not bucket}

        public = parts["aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"].inputs
        assert all(public[k] for k in public if k.startswith(("block", "ignore", "restrict")))
        versioning = parts["aws:s3/bucketVersioning:BucketVersioning"].inputs["versioningConfiguration"]
        assert versioning == {"status": "Enabled"}
        encryption = parts["aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"]
        [rule] = encryption.inputs["rules"]
        assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
        assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"].split(":")[3] == graph.stack
        [lifecycle] = parts["aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"].inputs["rules"]
        assert lifecycle["expiration"]["days"] == 90
        assert "aws:s3/bucketPolicy:BucketPolicy" in parts


def test_every_log_group_ends_its_logs(graphs: Mapping[str, Graph]) -> None:
    groups = of_type(graphs, "aws:cloudwatch/logGroup:LogGroup")

    assert groups
    assert [group.name for group in groups if not 1 <= (group.inputs.get("retentionInDays") or 0) <= 400] == []


def test_everything_that_can_be_tagged_says_whose_it_is(graphs: Mapping[str, Graph]) -> None:
    for stack, graph in graphs.items():
        taggable = [r for r in aws_resources([graph]) if "tags" in sdk_arguments(r.type)]

        assert taggable
        for resource in taggable:
            tags = resource.inputs.get("tags") or {}
            assert (tags.get("Project"), tags.get("Stack")) == ("meridian", stack), resource.urn
            assert tags.get("Component"), resource.urn
