"""A table's indexes and replicas change as the published provider and DynamoDB change them."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.local.provider.conftest import Provider, Resource

TABLE = "aws:dynamodb/table:Table"
HERE, THERE = "us-east-1", "eu-west-1"
BY_CUSTOMER = {"name": "by-customer", "hashKey": "customer_id", "rangeKey": "placed_at", "projectionType": "ALL"}
BY_EXPIRY = {
    "name": "by-expiry",
    "keySchemas": [
        {"attributeName": "bucket", "keyType": "HASH"},
        {"attributeName": "expires_at", "keyType": "RANGE"},
    ],
    "projectionType": "INCLUDE",
    "nonKeyAttributes": ["state"],
}


def declared(name: str, *indexes: Mapping[str, Any], **replica: Any) -> dict[str, Any]:
    keys = {"pk", *(index[key] for index in indexes for key in ("hashKey", "rangeKey") if key in index)}
    keys |= {schema["attributeName"] for index in indexes for schema in index.get("keySchemas", ())}
    return {
        "region": HERE,
        "name": name,
        "hashKey": "pk",
        "billingMode": "PAY_PER_REQUEST",
        "streamEnabled": True,
        "attributes": [{"name": key, "type": "S"} for key in sorted(keys)],
        "globalSecondaryIndexes": list(indexes),
        "replicas": [{"regionName": THERE, **replica}],
    }


def indexes(provider: Provider, name: str, region: str) -> dict[str, dict[str, Any]]:
    described = provider.context.call("dynamodb", region, "DescribeTable", {"TableName": name})["Table"]
    return {index["IndexName"]: index for index in described.get("GlobalSecondaryIndexes") or ()}


def test_a_table_is_created_with_its_indexes_in_every_region(provider: Provider) -> None:
    provider.create(TABLE, "indexed", **declared("indexed", BY_CUSTOMER, BY_EXPIRY))

    for region in (HERE, THERE):
        found = indexes(provider, "indexed", region)
        assert found.keys() == {"by-customer", "by-expiry"}
        assert found["by-expiry"]["KeySchema"] == [
            {"AttributeName": "bucket", "KeyType": "HASH"},
            {"AttributeName": "expires_at", "KeyType": "RANGE"},
        ]
        assert found["by-expiry"]["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["state"]}


def test_an_index_is_added_to_a_table_that_has_items_changed_and_removed(provider: Provider) -> None:
    table = provider.create(TABLE, "grown", **declared("grown"))
    item = {"pk": {"S": "1"}, "customer_id": {"S": "c"}, "placed_at": {"S": "2026"}}
    provider.context.call("dynamodb", HERE, "PutItem", {"TableName": "grown", "Item": item})

    table = provider.update(table, declared("grown", BY_CUSTOMER))
    asked = {
        "TableName": "grown",
        "IndexName": "by-customer",
        "KeyConditionExpression": "customer_id = :c",
        "ExpressionAttributeValues": {":c": {"S": "c"}},
    }
    found = [provider.context.call("dynamodb", region, "Query", asked)["Count"] for region in (HERE, THERE)]
    table = provider.update(table, declared("grown", {**BY_CUSTOMER, "projectionType": "KEYS_ONLY"}))
    projections = [indexes(provider, "grown", region)["by-customer"]["Projection"] for region in (HERE, THERE)]
    provider.update(table, declared("grown"))

    assert found == [1, 1]
    assert projections == [{"ProjectionType": "KEYS_ONLY"}] * 2
    assert indexes(provider, "grown", HERE) == indexes(provider, "grown", THERE) == {}


def test_a_protected_replica_is_not_made_anew_for_another_key(
    provider: Provider, one_key: Resource, refusal: Callable[[str], Any]
) -> None:
    before = declared("guarded", kmsKeyArn=one_key.outputs["arn"], deletionProtectionEnabled=True)
    table = provider.create(TABLE, "guarded", **before)
    another = provider.create("aws:kms/key:Key", "another", region=THERE).outputs["arn"]

    with refusal("protected against deletion"):
        provider.update(table, declared("guarded", kmsKeyArn=another, deletionProtectionEnabled=True))


def test_an_unprotected_replica_is_made_anew_for_another_key(provider: Provider, one_key: Resource) -> None:
    table = provider.create(TABLE, "rekeyed", **declared("rekeyed", kmsKeyArn=one_key.outputs["arn"]))
    another = provider.create("aws:kms/key:Key", "another", region=THERE).outputs["arn"]

    provider.update(table, declared("rekeyed", kmsKeyArn=another))

    described = provider.context.call("dynamodb", THERE, "DescribeTable", {"TableName": "rekeyed"})["Table"]
    assert described["SSEDescription"]["KMSMasterKeyArn"] == another


@pytest.fixture(scope="module")
def one_key(provider: Provider) -> Resource:
    return provider.create("aws:kms/key:Key", "one", region=THERE)
