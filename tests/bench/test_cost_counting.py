"""The bill of a run: capacity units by item size and kind of write, and who pays for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bench.cost.counting import Tables, bill, size
from bench.cost.prices import NOT_READ, PRICES, READ_ON, Meter, dollars
from bench.cost.sample import PURCHASE, REFUSED, as_written, counts

PAGES_OF_AWS = ("https://aws.amazon.com/", "https://docs.aws.amazon.com/")
KEY = {"pk": {"S": "ORDER#1"}, "sk": {"S": "ORDER"}}
TABLES = Tables(
    regions=2,
    sizes={("checkout", "ORDER#1", "ORDER"): 1_500},
    index_keys={"checkout": [["customer_id", "placed_at"]]},
    keys_of={("checkout", "ORDER#1", "ORDER"): frozenset({"pk", "sk", "customer_id", "placed_at"})},
)


def asked(operation: str, request: Mapping[str, Any], answer: Mapping[str, Any] | None = None, **changes: Any) -> Any:
    record = {"service": "dynamodb", "operation": operation, "region": "us-east-1", "status": 200}
    return {**record, "request": request, "answer": answer or {}, **changes}


def counted(*records: Any) -> Mapping[Meter, float]:
    return bill(records, TABLES, memory={"meridian-checkout-api": 512}, polled=frozenset()).counts


def transaction(**action: Any) -> Mapping[str, Any]:
    ((kind, write),) = action.items()
    return {"TransactItems": [{kind: {"TableName": "checkout", **write}}]}


def put(text: str) -> Mapping[str, Any]:
    return transaction(Put={"Item": {**KEY, "text": {"S": text}}})


def test_an_item_is_as_large_as_its_names_and_values() -> None:
    assert size({"pk": {"S": "ab"}, "n": {"N": "1234"}, "flag": {"BOOL": True}}) == 2 + 2 + 1 + 3 + 4 + 1


@pytest.mark.parametrize(("length", "units"), [(10, 2), (900, 2), (1_100, 4), (2_100, 6)])
def test_a_transactional_write_takes_two_units_a_kilobyte(length: int, units: int) -> None:
    assert counted(asked("TransactWriteItems", put("x" * length)))[Meter.WRITE_UNIT] == units


def test_a_write_is_replicated_once_to_each_other_region() -> None:
    assert counted(asked("TransactWriteItems", put("short")))[Meter.REPLICATED_WRITE_UNIT] == 1


def test_a_condition_check_takes_units_and_replicates_nothing() -> None:
    made = counted(asked("TransactWriteItems", transaction(ConditionCheck={"Key": KEY})))

    assert (made[Meter.WRITE_UNIT], made[Meter.REPLICATED_WRITE_UNIT]) == (4, 0)


def test_a_cancelled_transaction_has_spent_its_units() -> None:
    made = counted(asked("TransactWriteItems", put("short"), status=400))

    assert (made[Meter.WRITE_UNIT], made[Meter.REPLICATED_WRITE_UNIT]) == (2, 0)


def updating(expression: str, **names: str) -> Mapping[str, Any]:
    update = {"Key": KEY, "UpdateExpression": expression}
    return transaction(Update={**update, "ExpressionAttributeNames": {f"#{name}": of for name, of in names.items()}})


def test_an_item_with_an_indexs_keys_is_put_into_the_index_in_every_region_too() -> None:
    item = {**KEY, "customer_id": {"S": "c"}, "placed_at": {"S": "2026"}}

    made = counted(asked("TransactWriteItems", transaction(Put={"Item": item})))

    assert (made[Meter.WRITE_UNIT], made[Meter.REPLICATED_WRITE_UNIT]) == (2 + 1, 1 + 1)


@pytest.mark.parametrize("expression", ["SET #state = :new, placed_at = :now", "SET #state = :new REMOVE #placed"])
def test_an_update_of_an_indexs_key_is_written_to_the_index_too(expression: str) -> None:
    made = counted(asked("TransactWriteItems", updating(expression, state="state", placed="placed_at")))

    assert (made[Meter.WRITE_UNIT], made[Meter.REPLICATED_WRITE_UNIT]) == (4 + 2, 2 + 2)


def test_an_update_of_anything_else_leaves_the_index_alone() -> None:
    made = counted(asked("TransactWriteItems", updating("SET #state = :placed_at", state="state")))

    assert (made[Meter.WRITE_UNIT], made[Meter.REPLICATED_WRITE_UNIT]) == (4, 2)


@pytest.mark.parametrize(("consistent", "units"), [(True, 2.0), (False, 1.0)])
def test_a_query_reads_its_items_together_in_blocks_of_four_kilobytes(consistent: bool, units: float) -> None:  # noqa: FBT001
    answer = {"Items": [{**KEY, "text": {"S": "x" * 3_000}}, {**KEY, "text": {"S": "x" * 3_000}}]}
    record = asked("Query", {"TableName": "checkout", "ConsistentRead": consistent}, answer)

    assert counted(record)[Meter.READ_UNIT] == units


def test_a_batch_reads_each_key_for_itself_also_those_that_it_does_not_find() -> None:
    wanted = {"RequestItems": {"checkout": {"Keys": [KEY, KEY, KEY], "ConsistentRead": True}}}

    assert counted(asked("BatchGetItem", wanted, {"Responses": {"checkout": [KEY]}}))[Meter.READ_UNIT] == 3


def test_what_is_not_checkouts_is_not_counted() -> None:
    elsewhere = asked("GetItem", {"TableName": "loyalty-events"})
    other_event = asked("PutEvents", {"Entries": [{"Source": "meridian.loyalty", "Detail": "{}"}]}, service="events")
    other_function = {"function": "meridian-loyalty-awards", "region": "us-east-1", "seconds": 1.0}

    assert not any(counted(elsewhere, other_event, other_function).values())


def test_a_function_costs_its_memory_for_its_median_duration() -> None:
    made = counted(
        *({"function": "meridian-checkout-api", "region": "us-east-1", "seconds": each} for each in (0.1, 0.2, 9.0))
    )

    assert made[Meter.INVOCATION] == 3
    assert made[Meter.GB_SECOND] == pytest.approx(3 * 0.2 * 0.5)


def test_every_meter_has_a_price_with_awss_page_and_when_or_where_it_was_read() -> None:
    assert set(PRICES) == set(Meter)
    assert all(price.source.startswith(PAGES_OF_AWS) for price in PRICES.values())
    assert all(price.read == READ_ON or NOT_READ in price.read for price in PRICES.values())


def test_the_samples_flow_costs_what_its_counts_cost() -> None:
    assert dollars(counts(PURCHASE)) == pytest.approx(6 * 25 + 3.5 + 3 * 0.2 + 1.5 * 0.125 + 2 * 0.625 + 1)
    assert dollars(counts(REFUSED)) == pytest.approx(3 * 25 + 3.5 + 2 * 0.2 + 0.5 * 0.125)
    assert Meter.STATE_TRANSITION not in as_written(PURCHASE)
