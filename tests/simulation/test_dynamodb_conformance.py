"""The model of DynamoDB answers as the embedded AWS does: every test here runs against both.

Where the embedded AWS is laxer than the service's documentation, the model keeps to the documentation: those
differences are the tests at the end, each with what the documentation says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.simulation.aws import ModelledAws
from tests.simulation.dynamodb import DynamoDbModel, administration, reading, writing
from tests.workloads.conftest import Emulator
from tests.workloads.regions import HERE, REGIONS, THERE


def text(value: str) -> dict[str, str]:
    return {"S": value}


def number(value: float) -> dict[str, str]:
    return {"N": str(value)}


class Service:
    """DynamoDB, of which each test has a part of its own: keys that no other test uses."""

    def __init__(self, client: Callable[[str], Any], table: str, indexed: str) -> None:
        self.client = client(HERE)
        self.there = client(THERE)
        self.table = table
        self.indexed = indexed
        self.own = uuid4().hex

    def key(self, name: str = "one", sort: str = "a") -> dict[str, Any]:
        return {"pk": text(f"{name}-{self.own}"), "sk": text(sort)}

    def put(self, name: str = "one", sort: str = "a", **attributes: Any) -> None:
        self.client.put_item(TableName=self.table, Item={**self.key(name, sort), **attributes})

    def get(self, name: str = "one", sort: str = "a") -> dict[str, Any] | None:
        """Return what an item has beside its key."""
        answer = self.client.get_item(TableName=self.table, Key=self.key(name, sort), ConsistentRead=True)
        if "Item" not in answer:
            return None
        return {attribute: value for attribute, value in answer["Item"].items() if attribute not in {"pk", "sk"}}

    def update(self, expression: str, name: str = "one", **parameters: Any) -> dict[str, Any]:
        return self.client.update_item(
            TableName=self.table, Key=self.key(name), UpdateExpression=expression, **parameters
        )

    def holds(self, condition: str, name: str = "one", **parameters: Any) -> bool:
        """Tell whether a condition holds for an item."""
        check = {"TableName": self.table, "Key": self.key(name), "ConditionExpression": condition, **parameters}
        try:
            self.client.transact_write_items(TransactItems=[{"ConditionCheck": check}])
        except self.client.exceptions.TransactionCanceledException:
            return False
        return True

    def transact(self, *actions: dict[str, Any], **parameters: Any) -> list[str] | None:
        """Carry out a transaction; return the codes of its cancellation, or None."""
        items = [{kind: {"TableName": self.table, **action} for kind, action in one.items()} for one in actions]
        try:
            self.client.transact_write_items(TransactItems=items, **parameters)
        except self.client.exceptions.TransactionCanceledException as error:
            return [reason["Code"] for reason in error.response["CancellationReasons"]]
        return None

    def query(self, condition: str = "pk = :pk", name: str = "one", **parameters: Any) -> dict[str, Any]:
        values = {":pk": self.key(name)["pk"], **parameters.pop("values", {})}
        return self.client.query(
            TableName=self.table, KeyConditionExpression=condition, ExpressionAttributeValues=values, **parameters
        )


def code_of(call: Callable[[], object]) -> str:
    """Return the code of the error that a call ends in, or nothing."""
    try:
        call()
    except ClientError as error:
        return error.response.get("Error", {}).get("Code", "")
    return ""


def substitutes(values: dict[str, Any]) -> dict[str, Any]:
    return {"ExpressionAttributeValues": values} if values else {}


def sort_keys(answer: dict[str, Any]) -> list[str]:
    return [item["sk"]["S"] for item in answer["Items"]]


def indexed_table(client: Any) -> str:
    name = f"indexed-{uuid4().hex[:8]}"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": kind}
            for attribute, kind in (("pk", "S"), ("sk", "S"), ("customer", "S"), ("placed_at", "N"))
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-customer",
                "KeySchema": [
                    {"AttributeName": "customer", "KeyType": "HASH"},
                    {"AttributeName": "placed_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["total"]},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture(scope="session")
def embedded(emulator: Emulator) -> tuple[Callable[[str], Any], str, str]:
    return emulator.dynamodb, emulator.table("conformance"), indexed_table(emulator.dynamodb())


@pytest.fixture(params=["model", "embedded"])
def service(request: pytest.FixtureRequest) -> Service:
    if request.param == "embedded":
        return Service(*request.getfixturevalue("embedded"))
    aws = ModelledAws()
    return Service(aws.dynamodb, aws.table("conformance"), indexed_table(aws.dynamodb()))


@pytest.fixture
def model() -> Service:
    aws = ModelledAws()
    return Service(aws.dynamodb, aws.table("conformance"), indexed_table(aws.dynamodb()))


NESTED = {"M": {"city": text("Graz"), "codes": {"L": [number(1), number(2)]}}}

CONDITIONS: list[tuple[str, dict[str, Any], bool]] = [
    ("attribute_exists(a)", {}, True),
    ("attribute_not_exists(a)", {}, False),
    ("attribute_exists(absent)", {}, False),
    ("attribute_exists(nested.city)", {}, True),
    ("attribute_exists(nested.codes[1])", {}, True),
    ("attribute_exists(nested.codes[2])", {}, False),
    ("a = :v", {":v": number(5)}, True),
    ("a = :v", {":v": text("5")}, False),
    ("a <> :v", {":v": number(5)}, False),
    ("a <> :v", {":v": number(6)}, True),
    ("absent <> :v", {":v": number(5)}, True),
    ("absent = :v", {":v": number(5)}, False),
    ("absent < :v", {":v": number(5)}, False),
    ("absent >= :v", {":v": number(5)}, False),
    ("NOT absent = :v", {":v": number(5)}, True),
    ("a < :v", {":v": number(10)}, True),
    ("a <= :v", {":v": number(5)}, True),
    ("a > :v", {":v": number(10)}, False),
    ("a >= :v", {":v": number(-10)}, True),
    ("a < :v", {":v": text("9")}, False),
    ("s < :v", {":v": text("b")}, False),
    ("s < :v", {":v": text("ä")}, True),
    ("a BETWEEN :v AND :w", {":v": number(5), ":w": number(6)}, True),
    ("a BETWEEN :v AND :w", {":v": number(6), ":w": number(7)}, False),
    ("a IN (:v, :w)", {":v": number(6), ":w": number(5)}, True),
    ("absent IN (:v)", {":v": number(5)}, False),
    ("begins_with(s, :v)", {":v": text("bo")}, True),
    ("begins_with(s, :v)", {":v": text("oo")}, False),
    ("begins_with(absent, :v)", {":v": text("b")}, False),
    ("contains(s, :v)", {":v": text("oo")}, True),
    ("contains(tags, :v)", {":v": text("red")}, True),
    ("contains(tags, :v)", {":v": text("re")}, False),
    ("contains(nested.codes, :v)", {":v": number(2)}, True),
    ("size(s) = :v", {":v": number(4)}, True),
    ("size(tags) > :v", {":v": number(1)}, True),
    ("attribute_type(a, :v)", {":v": text("N")}, True),
    ("attribute_type(a, :v)", {":v": text("S")}, False),
    ("nested.city = :v", {":v": text("Graz")}, True),
    ("attribute_not_exists(a) OR s = :v", {":v": text("book")}, True),
    ("attribute_not_exists(a) AND s = :v", {":v": text("book")}, False),
    ("attribute_exists(a) OR attribute_exists(s) AND attribute_exists(absent)", {}, True),
    ("(attribute_exists(a) OR attribute_exists(s)) AND attribute_exists(absent)", {}, False),
    ("NOT (a = :v AND s = :w)", {":v": number(5), ":w": text("x")}, True),
    ("nested = :v", {":v": NESTED}, True),
]


@pytest.mark.parametrize(("condition", "values", "expected"), CONDITIONS)
def test_a_condition_holds_or_not(
    service: Service,
    condition: str,
    values: dict[str, Any],
    expected: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    service.put(a=number(5), s=text("book"), tags={"SS": ["red", "blue"]}, nested=NESTED)

    assert service.holds(condition, **substitutes(values)) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [("attribute_not_exists(pk)", True), ("attribute_exists(pk)", False), ("a = :v", False), ("a <> :v", True)],
)
def test_a_condition_on_an_item_that_is_not_there(service: Service, condition: str, expected: bool) -> None:  # noqa: FBT001
    parameters = substitutes({":v": number(1)} if ":v" in condition else {})

    assert service.holds(condition, "absent", **parameters) is expected


UPDATES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("SET a = :v", {":v": number(1)}, {"a": number(1)}),
    ("SET a = a + :v", {":v": number(3)}, {"a": number(8)}),
    ("SET a = a - :v", {":v": number(7)}, {"a": number(-2)}),
    ("SET b = a", {}, {"b": number(5)}),
    ("SET a = :v, b = a", {":v": number(1)}, {"a": number(1), "b": number(5)}),
    ("SET a = if_not_exists(a, :v)", {":v": number(1)}, {"a": number(5)}),
    ("SET b = if_not_exists(b, :v) + :v", {":v": number(1)}, {"b": number(2)}),
    ("SET codes = list_append(codes, :v)", {":v": {"L": [number(3)]}}, {"codes": {"L": [number(1), number(3)]}}),
    ("SET nested.city = :v", {":v": text("Linz")}, {"nested": {"M": {"city": text("Linz")}}}),
    ("SET codes[0] = :v", {":v": number(9)}, {"codes": {"L": [number(9)]}}),
    ("SET codes[5] = :v", {":v": number(9)}, {"codes": {"L": [number(1), number(9)]}}),
    ("REMOVE s", {}, {"s": None}),
    ("REMOVE absent", {}, {}),
    ("REMOVE nested.city", {}, {"nested": {"M": {}}}),
    ("REMOVE codes[0]", {}, {"codes": {"L": []}}),
    ("ADD a :v", {":v": number(-6)}, {"a": number(-1)}),
    ("ADD b :v", {":v": number(2)}, {"b": number(2)}),
    ("ADD tags :v", {":v": {"SS": ["green"]}}, {"tags": {"SS": ["green", "red"]}}),
    ("DELETE tags :v", {":v": {"SS": ["red"]}}, {"tags": None}),
    ("DELETE tags :v", {":v": {"SS": ["blue"]}}, {"tags": {"SS": ["red"]}}),
    ("SET b = :v REMOVE s ADD a :w", {":v": text("x"), ":w": number(1)}, {"b": text("x"), "s": None, "a": number(6)}),
]


@pytest.mark.parametrize(("expression", "values", "changes"), UPDATES)
def test_an_update_changes_what_it_names(
    service: Service, expression: str, values: dict[str, Any], changes: dict[str, Any]
) -> None:
    before: dict[str, Any] = {
        "a": number(5),
        "s": text("book"),
        "tags": {"SS": ["red"]},
        "nested": {"M": {"city": text("Graz")}},
        "codes": {"L": [number(1)]},
    }
    service.put(**before)

    service.update(expression, **substitutes(values))

    expected = {name: value for name, value in {**before, **changes}.items() if value is not None}
    found = service.get() or {}
    for value in found.values():
        if "SS" in value:
            value["SS"] = sorted(value["SS"])
    assert found == expected


def test_an_update_makes_the_item_that_is_not_there(service: Service) -> None:
    service.update("SET a = :v ADD n :v", ExpressionAttributeValues={":v": number(1)})

    assert service.get() == {"a": number(1), "n": number(1)}


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("SET b = absent", {}),
        ("ADD s :v", {":v": number(1)}),
        ("SET absent.city = :v", {":v": text("x")}),
        ("SET pk = :v", {":v": text("x")}),
    ],
)
def test_an_update_that_makes_no_sense_is_refused(service: Service, expression: str, values: dict[str, Any]) -> None:
    service.put(a=number(5), s=text("book"))

    assert code_of(lambda: service.update(expression, **substitutes(values))) == "ValidationException"
    assert service.get() == {"a": number(5), "s": text("book")}


def test_a_write_answers_with_what_was_asked_for(service: Service) -> None:
    service.put(a=number(1), s=text("x"))
    values = substitutes({":v": number(2)})

    assert service.update("SET a = :v", **values).get("Attributes") is None
    new = service.update("ADD a :v", ReturnValues="UPDATED_NEW", **values)
    old = service.update("ADD a :v", ReturnValues="ALL_OLD", **values)

    assert new["Attributes"] == {"a": number(4)}
    assert old["Attributes"] == {**service.key(), "a": number(4), "s": text("x")}
    deleted = service.client.delete_item(TableName=service.table, Key=service.key(), ReturnValues="ALL_OLD")
    assert deleted["Attributes"]["a"] == number(6)
    assert service.get() is None


def test_a_write_whose_condition_fails_changes_nothing_and_may_say_what_is_there(service: Service) -> None:
    service.put(a=number(1))

    with pytest.raises(service.client.exceptions.ConditionalCheckFailedException) as failure:
        service.client.put_item(
            TableName=service.table,
            Item={**service.key(), "a": number(2)},
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    assert failure.value.response["Item"] == {**service.key(), "a": number(1)}
    assert service.get() == {"a": number(1)}


def put(service: Service, name: str, condition: str | None = None, **attributes: Any) -> dict[str, Any]:
    action = {"Item": {**service.key(name), **attributes}}
    return {"Put": {**action, "ConditionExpression": condition} if condition else action}


def add(service: Service, name: str, difference: int, condition: str, **values: Any) -> dict[str, Any]:
    return {
        "Update": {
            "Key": service.key(name),
            "UpdateExpression": "ADD a :difference",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {":difference": number(difference), **values},
        }
    }


def test_a_transaction_does_all_or_nothing_and_gives_its_reasons_in_order(service: Service) -> None:
    service.put("one", a=number(1))
    service.put("two", a=number(1))

    absent = "attribute_not_exists(pk)"
    reasons = service.transact(
        put(service, "three", absent),
        add(service, "one", -2, "a >= :needed", **{":needed": number(2)}),
        add(service, "two", 1, "attribute_exists(pk)"),
        {"ConditionCheck": {"Key": service.key("four"), "ConditionExpression": "attribute_exists(pk)"}},
    )

    assert reasons == ["None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed"]
    assert (service.get("one"), service.get("two"), service.get("three")) == ({"a": number(1)}, {"a": number(1)}, None)


def test_a_transaction_that_holds_does_all(service: Service) -> None:
    service.put("one", a=number(3))
    service.put("two")

    reasons = service.transact(
        add(service, "one", -2, "a >= :needed", **{":needed": number(2)}),
        put(service, "three", "attribute_not_exists(pk)", s=text("new")),
        {"Delete": {"Key": service.key("two"), "ConditionExpression": "attribute_exists(pk)"}},
    )

    assert reasons is None
    assert (service.get("one"), service.get("two"), service.get("three")) == (
        {"a": number(1)},
        None,
        {"s": text("new")},
    )


def test_a_transaction_under_a_known_token_is_answered_and_not_repeated(service: Service) -> None:
    service.put("one", a=number(0))
    token = uuid4().hex

    answers = [
        service.transact(add(service, "one", 1, "attribute_exists(pk)"), ClientRequestToken=token) for _ in range(3)
    ]

    assert answers == [None, None, None]
    assert service.get("one") == {"a": number(1)}


def test_a_transaction_under_the_token_of_another_is_refused(service: Service) -> None:
    service.put("one", a=number(0))
    token = uuid4().hex
    service.transact(add(service, "one", 1, "attribute_exists(pk)"), ClientRequestToken=token)

    def another() -> object:
        return service.transact(add(service, "one", 2, "attribute_exists(pk)"), ClientRequestToken=token)

    assert code_of(another) == "IdempotentParameterMismatchException"
    assert service.get("one") == {"a": number(1)}


def test_a_cancelled_transaction_leaves_its_token_free(service: Service) -> None:
    token = uuid4().hex
    first = service.transact(add(service, "one", 1, "attribute_exists(pk)"), ClientRequestToken=token)
    service.put("one", a=number(0))

    second = service.transact(add(service, "one", 1, "attribute_exists(pk)"), ClientRequestToken=token)

    assert (first, second) == (["ConditionalCheckFailed"], None)
    assert service.get("one") == {"a": number(1)}


def test_a_transaction_may_not_name_an_item_twice(service: Service) -> None:
    twice = [put(service, "one"), put(service, "one")]

    assert code_of(lambda: service.transact(*twice)) == "ValidationException"


def test_a_transaction_may_say_what_its_condition_met(service: Service) -> None:
    service.put("one", a=number(7))
    check = {
        "TableName": service.table,
        "Key": service.key("one"),
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }

    with pytest.raises(service.client.exceptions.TransactionCanceledException) as failure:
        service.client.transact_write_items(TransactItems=[{"ConditionCheck": check}])

    [reason] = failure.value.response["CancellationReasons"]
    assert reason["Item"] == {**service.key("one"), "a": number(7)}


def test_an_impossible_update_cancels_its_transaction(service: Service) -> None:
    service.put("one", a=text("no number"))

    reasons = service.transact(put(service, "two"), add(service, "one", 1, "attribute_exists(pk)"))

    assert reasons == ["None", "ValidationError"]
    assert service.get("two") is None


def test_several_items_are_read_at_once(service: Service) -> None:
    service.put("one", a=number(1))
    service.put("two", a=number(2))
    keys = [service.key(name) for name in ("one", "two", "absent")]

    batch = service.client.batch_get_item(RequestItems={service.table: {"Keys": keys, "ConsistentRead": True}})
    transaction = service.client.transact_get_items(
        TransactItems=[{"Get": {"TableName": service.table, "Key": key}} for key in keys]
    )

    assert sorted(item["a"]["N"] for item in batch["Responses"][service.table]) == ["1", "2"]
    assert [answer.get("Item", {}).get("a") for answer in transaction["Responses"]] == [number(1), number(2), None]


RANGES: list[tuple[str, dict[str, Any], Sequence[str]]] = [
    ("pk = :pk", {}, ["a#1", "a#2", "b#1", "c"]),
    ("pk = :pk AND sk = :v", {":v": text("b#1")}, ["b#1"]),
    ("pk = :pk AND begins_with(sk, :v)", {":v": text("a#")}, ["a#1", "a#2"]),
    ("pk = :pk AND sk BETWEEN :v AND :w", {":v": text("a#2"), ":w": text("b#1")}, ["a#2", "b#1"]),
    ("pk = :pk AND sk < :v", {":v": text("b#1")}, ["a#1", "a#2"]),
    ("pk = :pk AND sk <= :v", {":v": text("b#1")}, ["a#1", "a#2", "b#1"]),
    ("pk = :pk AND sk > :v", {":v": text("b#1")}, ["c"]),
    ("pk = :pk AND sk >= :v", {":v": text("b#1")}, ["b#1", "c"]),
]


@pytest.mark.parametrize(("condition", "values", "expected"), RANGES)
@pytest.mark.parametrize("forward", [True, False])
def test_a_query_reads_a_range_in_order(
    service: Service,
    condition: str,
    values: dict[str, Any],
    expected: Sequence[str],
    forward: bool,  # noqa: FBT001
) -> None:
    for sort in ("c", "a#2", "b#1", "a#1"):
        service.put("one", sort)
    service.put("other", "b#1")

    found = sort_keys(service.query(condition, values=values, ScanIndexForward=forward))

    assert found == list(expected if forward else reversed(expected))


def test_a_query_goes_on_where_its_page_ended(service: Service) -> None:
    for sort in ("a", "b", "c"):
        service.put("one", sort, a=number(1))

    first = service.query(Limit=2)
    second = service.query(Limit=2, ExclusiveStartKey=first["LastEvaluatedKey"])

    assert (sort_keys(first), sort_keys(second)) == (["a", "b"], ["c"])
    assert first["LastEvaluatedKey"] == service.key("one", "b")
    assert "LastEvaluatedKey" not in second


def test_a_filter_takes_out_what_a_page_has_counted(service: Service) -> None:
    for sort, value in (("a", 1), ("b", 2), ("c", 1)):
        service.put("one", sort, a=number(value))

    page = service.query(Limit=2, FilterExpression="a = :a", values={":a": number(1)})

    assert (sort_keys(page), page["Count"], page["ScannedCount"]) == (["a"], 1, 2)


def test_a_projection_leaves_out_the_rest(service: Service) -> None:
    service.put(a=number(1), s=text("x"))

    page = service.query(ProjectionExpression="sk, #a", ExpressionAttributeNames={"#a": "a"})

    assert page["Items"] == [{"sk": text("a"), "a": number(1)}]


def order(service: Service, sort: str, placed_at: int | None, customer: str = "c") -> None:
    placed = {} if placed_at is None else {"placed_at": number(placed_at)}
    service.client.put_item(
        TableName=service.indexed,
        Item={
            **service.key("order", sort),
            "customer": text(f"{customer}-{service.own}"),
            **placed,
            "total": number(7),
            "note": text("not in the index"),
        },
    )


def by_customer(service: Service, **parameters: Any) -> dict[str, Any]:
    return service.client.query(
        TableName=service.indexed,
        IndexName="by-customer",
        KeyConditionExpression="customer = :customer",
        ExpressionAttributeValues={":customer": text(f"c-{service.own}")},
        **parameters,
    )


def test_an_index_is_ordered_by_its_own_key_and_has_what_is_projected(service: Service) -> None:
    order(service, "a", 9)
    order(service, "b", 10)
    order(service, "not indexed", None)
    order(service, "of another", 1, customer="other")

    found = by_customer(service, ScanIndexForward=False)

    assert sort_keys(found) == ["b", "a"]
    assert found["Items"][0].keys() == {"pk", "sk", "customer", "placed_at", "total"}


def test_an_index_follows_its_table(service: Service) -> None:
    order(service, "a", 1)
    order(service, "b", 2)
    order(service, "a", 3)
    service.client.update_item(
        TableName=service.indexed, Key=service.key("order", "b"), UpdateExpression="REMOVE placed_at"
    )

    assert sort_keys(by_customer(service)) == ["a"]


def test_an_index_is_read_page_by_page(service: Service) -> None:
    for sort, placed_at in (("a", 1), ("b", 2), ("c", 2), ("d", 3)):
        order(service, sort, placed_at)

    found: list[str] = []
    start: dict[str, Any] = {}
    while True:
        page = by_customer(service, Limit=1, **start)
        found += sort_keys(page)
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    assert sorted(found) == ["a", "b", "c", "d"]
    assert (found[0], found[-1]) == ("a", "d")


def test_a_scan_in_segments_reads_each_item_once(service: Service) -> None:
    for name in range(10):
        service.put(f"scanned-{name}")

    found: list[str] = []
    for segment in range(3):
        pages = service.client.get_paginator("scan").paginate(
            TableName=service.table, Segment=segment, TotalSegments=3, PaginationConfig={"PageSize": 2}
        )
        found += [item["pk"]["S"] for page in pages for item in page["Items"]]

    mine = [key for key in found if key.startswith("scanned-") and key.endswith(service.own)]
    assert len(mine) == len(set(mine)) == 10


def test_a_write_reaches_the_other_region(service: Service) -> None:
    service.put(a=number(1))

    answer = service.there.get_item(TableName=service.table, Key=service.key())

    assert answer["Item"]["a"] == number(1)
    assert len(REGIONS) == 2


TO_NO_TABLE: list[Callable[[Service], object]] = [
    lambda service: service.client.get_item(TableName="none", Key=service.key()),
    lambda service: service.client.query(
        TableName="none", KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": text("x")}
    ),
]


@pytest.mark.parametrize("call", TO_NO_TABLE)
def test_a_table_that_is_not_there_is_not_found(service: Service, call: Callable[[Service], object]) -> None:
    assert code_of(lambda: call(service)) == "ResourceNotFoundException"


MALFORMED: list[Callable[[Service], object]] = [
    lambda service: service.client.get_item(TableName=service.table, Key={"pk": text("x")}),
    lambda service: service.client.put_item(TableName=service.table, Item={"pk": text("x")}),
    lambda service: service.client.put_item(TableName=service.table, Item={"pk": number(1), "sk": text("x")}),
    lambda service: service.update("SET a = :v"),
    lambda service: service.query("sk = :pk"),
]


@pytest.mark.parametrize("call", MALFORMED)
def test_a_malformed_request_is_refused(service: Service, call: Callable[[Service], object]) -> None:
    assert code_of(lambda: call(service)) == "ValidationException"


STRICT: list[tuple[str, Callable[[Service], object]]] = [
    (
        "reserved words are no attribute names (Developer Guide, Reserved words)",
        lambda service: service.update("SET state = :v", ExpressionAttributeValues={":v": number(1)}),
    ),
    ("an update says what to set", lambda service: service.update("SET a = ")),
    (
        "only numbers are added (API Reference, UpdateItem)",
        lambda service: service.update(
            "SET a = :n, b = :n + :v", ExpressionAttributeValues={":n": number(1), ":v": text("x")}
        ),
    ),
    (
        "every value is used (API Reference, UpdateItem, errors)",
        lambda service: service.update("SET a = :v", ExpressionAttributeValues={":v": number(1), ":unused": number(1)}),
    ),
    (
        "every name is used",
        lambda service: service.update("REMOVE a", ExpressionAttributeNames={"#unused": "a"}),
    ),
    (
        "two paths of an update do not overlap (Developer Guide, Update expressions)",
        lambda service: service.update(
            "SET a = :v REMOVE #a",
            ExpressionAttributeValues={":v": number(1)},
            ExpressionAttributeNames={"#a": "a"},
        ),
    ),
    (
        "an index has no consistent reads (API Reference, Query)",
        lambda service: by_customer(service, ConsistentRead=True),
    ),
    (
        "a key is no empty text (Developer Guide, Naming rules and data types)",
        lambda service: service.put("one", ""),
    ),
    (
        "a batch has no key twice (API Reference, BatchGetItem)",
        lambda service: service.client.batch_get_item(
            RequestItems={service.table: {"Keys": [service.key(), service.key()]}}
        ),
    ),
    (
        "a transaction has at most 100 actions (API Reference, TransactWriteItems)",
        lambda service: service.transact(*(put(service, f"n{number}") for number in range(101))),
    ),
]


@pytest.mark.parametrize(("rule", "call"), STRICT)
def test_the_model_is_as_strict_as_the_documentation(
    model: Service, rule: str, call: Callable[[Service], object]
) -> None:
    assert code_of(lambda: call(model)) == "ValidationException", rule


def test_transactions_under_way_conflict_and_leave_the_others_alone() -> None:
    replica = DynamoDbModel(REGIONS).replicas[HERE]
    administration.create_table(replica, {"TableName": "t", **KEYED})
    first = writing.begin_transaction(replica, transaction("both", "mine"))

    with pytest.raises(ClientError) as conflict:
        writing.transact_write_items(replica, transaction("other", "both"))
    with pytest.raises(ClientError) as single:
        writing.put_item(replica, {"TableName": "t", "Item": {"pk": text("both")}})
    writing.transact_write_items(replica, transaction("other"))
    first()
    writing.transact_write_items(replica, transaction("both"))

    reasons: Any = conflict.value.response
    assert [reason["Code"] for reason in reasons["CancellationReasons"]] == ["None", "TransactionConflict"]
    assert single.value.response.get("Error", {}).get("Code") == "TransactionConflictException"


def test_a_token_is_forgotten_after_ten_minutes_and_busy_while_its_transaction_is_under_way() -> None:
    now = [0.0]
    replica = DynamoDbModel(REGIONS, now=lambda: now[0]).replicas[HERE]
    administration.create_table(replica, {"TableName": "t", **KEYED})
    under_way = writing.begin_transaction(replica, transaction("one", token="t"))

    with pytest.raises(ClientError, match="TransactionInProgress"):
        writing.begin_transaction(replica, transaction("one", token="t"))
    under_way()
    now[0] = 599.0
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        writing.begin_transaction(replica, transaction("two", token="t"))
    now[0] = 600.0
    writing.transact_write_items(replica, transaction("two", token="t"))

    assert reading.get_item(replica, {"TableName": "t", "Key": {"pk": text("two")}})["Item"] == {"pk": text("two")}


def test_an_index_shows_a_change_after_its_lag() -> None:
    now = [0.0]
    model = DynamoDbModel(REGIONS, now=lambda: now[0])
    model.index_lag = lambda: 2.0
    replica = model.replicas[HERE]
    index = {"IndexName": "i", "KeySchema": [{"AttributeName": "of", "KeyType": "HASH"}]}
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "of")]
    table = {**KEYED, "AttributeDefinitions": attributes, "GlobalSecondaryIndexes": [index]}
    administration.create_table(replica, {"TableName": "t", **table})
    writing.put_item(replica, {"TableName": "t", "Item": {"pk": text("a"), "of": text("x")}})
    query = {
        "TableName": "t",
        "IndexName": "i",
        "KeyConditionExpression": "#of = :x",
        "ExpressionAttributeNames": {"#of": "of"},
        "ExpressionAttributeValues": {":x": text("x")},
    }

    assert reading.query(replica, query)["Count"] == 0
    now[0] = 2.0
    assert reading.query(replica, query)["Count"] == 1


KEYED: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}


def transaction(*keys: str, token: str | None = None) -> dict[str, Any]:
    items = [{"Put": {"TableName": "t", "Item": {"pk": text(key)}}} for key in keys]
    return {"TransactItems": items} | ({"ClientRequestToken": token} if token else {})
