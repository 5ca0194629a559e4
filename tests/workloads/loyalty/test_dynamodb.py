"""The adapters against the embedded AWS: transactions, conditions, pages, and every write broken once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from tests.workloads.conftest import HERE, REGIONS, THERE, Emulator
from tests.workloads.loyalty.builders import START, Clock, entry, purchase
from tests.workloads.loyalty.faults import Fault, Moment
from workloads.contracts.envelope import CloudEvent
from workloads.loyalty.adapters.dynamodb_balances import DynamoDBBalances
from workloads.loyalty.adapters.dynamodb_streams import DynamoDBStreams
from workloads.loyalty.application.award_points import award_points
from workloads.loyalty.application.ports import Appended, BalanceMovedError, Publisher
from workloads.loyalty.application.project_balance import project_balance, rebuild_balance
from workloads.loyalty.domain.accounts import Balance, Entry, fold
from workloads.loyalty.domain.rules import RULES
from workloads.runtime.publisher import BusPublisher

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


class Cell:
    """A Region of the embedded AWS with loyalty's adapters on it, and the fault that is in their way."""

    def __init__(self, emulator: Emulator, events_table: str, projections_table: str, region: str = HERE) -> None:
        self._emulator = emulator
        self._events_table = events_table
        self._projections_table = projections_table
        self.region = region
        self.fault: Fault | None = None

    @property
    def streams(self) -> DynamoDBStreams:
        return DynamoDBStreams(self.client("dynamodb"), self._events_table)

    @property
    def balances(self) -> DynamoDBBalances:
        return DynamoDBBalances(self.client("dynamodb"), self._projections_table)

    @property
    def publisher(self) -> Publisher:
        return BusPublisher(self.client("events"), "default")

    def award(self, event: CloudEvent) -> list[Entry]:
        return award_points(event, region=self.region, rules=RULES, streams=self.streams, clock=Clock())

    def project(self, customer: str, use_case: Callable[..., Balance] = project_balance) -> Balance:
        return use_case(
            customer,
            region=self.region,
            regions=REGIONS,
            streams=self.streams,
            balances=self.balances,
            publisher=self.publisher,
        )

    def client(self, service: str) -> Any:
        client = self._emulator.client(service, self.region)
        return self.fault.client(client) if self.fault else client

    def items(self, key: str) -> list[dict[str, AttributeValueTypeDef]]:
        return self._emulator.dynamodb(self.region).query(
            TableName=self._events_table,
            KeyConditionExpression="pk = :key",
            ExpressionAttributeValues={":key": {"S": key}},
        )["Items"]


@pytest.fixture(scope="module")
def tables(emulator: Emulator) -> tuple[str, str]:
    return emulator.table("loyalty-events"), emulator.table("loyalty-projections", regions=(HERE,))


@pytest.fixture
def cell(emulator: Emulator, tables: tuple[str, str]) -> Cell:
    return Cell(emulator, *tables)


@pytest.fixture
def customer() -> str:
    """Return a customer of this test alone."""
    return f"{HERE}.c-{uuid4().hex[:12]}"


def test_an_appended_entry_is_read_as_it_was_written(cell: Cell, customer: str) -> None:
    written = entry(29, customer=customer, order=f"o-{customer}")

    assert cell.streams.append(written) is Appended.RECORDED
    assert cell.streams.head(customer, HERE) == written
    assert list(cell.streams.read_on(customer, HERE, after=0)) == [written]


def test_an_items_keys_and_attributes_are_those_that_other_versions_read(cell: Cell, customer: str) -> None:
    cell.streams.append(entry(29, customer=customer, order=f"o-{customer}"))

    [event] = cell.items(f"ACC#{customer}#{HERE}")
    [guard] = cell.items(f"AWARD#o-{customer}#points-for-purchase")

    assert event["sk"] == {"S": "E#0000000001"}
    assert set(event) == {"pk", "sk", "event", "originregion"}
    assert guard == {
        "pk": {"S": f"AWARD#o-{customer}#points-for-purchase"},
        "sk": {"S": "AWARD"},
        "originregion": {"S": HERE},
    }


def test_an_empty_stream_has_no_head(cell: Cell, customer: str) -> None:
    assert cell.streams.head(customer, HERE) is None
    assert list(cell.streams.read_on(customer, HERE, after=0)) == []


def test_an_award_that_is_recorded_already_is_refused_at_any_position(cell: Cell, customer: str) -> None:
    first = entry(customer=customer, order=f"o-{customer}")
    cell.streams.append(first)

    at_the_same = cell.streams.append(first)
    at_the_next = cell.streams.append(entry(customer=customer, order=f"o-{customer}", head=first))

    assert (at_the_same, at_the_next) == (Appended.ALREADY_AWARDED, Appended.ALREADY_AWARDED)


def test_a_taken_position_is_refused_and_leaves_no_guard_behind(cell: Cell, customer: str) -> None:
    cell.streams.append(entry(customer=customer, order=f"o-{customer}-1"))

    assert cell.streams.append(entry(customer=customer, order=f"o-{customer}-2")) is Appended.POSITION_TAKEN
    assert cell.items(f"AWARD#o-{customer}-2#points-for-purchase") == []


def test_a_stream_longer_than_a_page_is_read_on_to_its_end(
    emulator: Emulator, tables: tuple[str, str], cell: Cell, customer: str
) -> None:
    head: Entry | None = None
    for number in range(9):
        head = entry(1, customer=customer, order=f"o-{customer}-{number}", head=head, now=START)
        cell.streams.append(head)
    client = emulator.new_client("dynamodb")
    client.meta.events.register("provide-client-params.dynamodb.Query", _pages_of_two)

    entries = DynamoDBStreams(client, tables[0]).read_on(customer, HERE, after=3)

    assert [one.sequence for one in entries] == [4, 5, 6, 7, 8, 9]


def _pages_of_two(params: dict[str, Any], **_: Any) -> None:
    params["Limit"] = 2


def test_purchases_of_one_customer_at_the_same_time_are_all_awarded_without_a_gap(cell: Cell, customer: str) -> None:
    events = [purchase(100 * n, order=f"o-{customer}-{n}", customer=customer) for n in range(1, 9)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(cell.award, events + events))

    entries = list(cell.streams.read_on(customer, HERE, after=0))
    assert [one.sequence for one in entries] == list(range(1, 9))
    assert sum(one.change.points for one in entries) == sum(range(1, 9))


def test_a_balance_is_read_as_it_was_stored(cell: Cell, customer: str) -> None:
    balance = fold(Balance(customer_id=customer), [entry(10), entry(5, region=THERE, order="o-2")])

    cell.balances.save(balance, expected_version=0)
    cell.balances.mark_published(customer, 2)

    stored = cell.balances.load(customer)
    assert (stored.balance, stored.published_version) == (balance, 2)


def test_a_balance_that_moved_is_not_overwritten(cell: Cell, customer: str) -> None:
    first = fold(Balance(customer_id=customer), [entry(10)])
    second = fold(first, [entry(5, order="o-2", head=entry(10))])
    cell.balances.save(first, expected_version=0)
    cell.balances.save(second, expected_version=1)

    with pytest.raises(BalanceMovedError):
        cell.balances.save(second, expected_version=1)
    with pytest.raises(BalanceMovedError):
        cell.balances.save(first, expected_version=0)
    assert cell.balances.load(customer).balance == second


def test_storing_a_balance_keeps_what_was_published_and_publishing_never_goes_back(cell: Cell, customer: str) -> None:
    first = fold(Balance(customer_id=customer), [entry(10)])
    cell.balances.save(first, expected_version=0)
    cell.balances.mark_published(customer, 1)

    cell.balances.save(fold(first, [entry(5, order="o-2", head=entry(10))]), expected_version=1)
    cell.balances.mark_published(customer, 2)
    cell.balances.mark_published(customer, 1)

    assert cell.balances.load(customer).published_version == 2


def test_marking_a_forgotten_balance_makes_no_item(cell: Cell, customer: str) -> None:
    cell.balances.mark_published(customer, 3)

    assert cell.balances.load(customer).published_version == 0


def test_two_regions_award_at_once_and_both_arrive_at_the_same_balance(
    emulator: Emulator, tables: tuple[str, str], customer: str
) -> None:
    here = Cell(emulator, *tables)
    there = Cell(emulator, tables[0], emulator.table("loyalty-projections", regions=(THERE,)), THERE)
    jobs = [
        (cell, purchase(1000 + n * 100, order=f"o-{customer}-{cell.region}-{n}", customer=customer, region=cell.region))
        for n in range(4)
        for cell in (here, there)
    ]

    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(cell.award, event) for cell, event in jobs]:
            job.result()

    assert here.project(customer) == there.project(customer)
    assert here.project(customer).points == 2 * (10 + 11 + 12 + 13)
    assert here.project(customer).positions == {HERE: 4, THERE: 4}


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("position", [1, 2, 3, 4])
def test_a_broken_write_anywhere_is_healed_by_the_next_delivery(
    cell: Cell, customer: str, position: int, moment: Moment
) -> None:
    """The writes are: append, save the balance, publish, mark as published."""
    event = purchase(2933, order=f"o-{customer}", customer=customer)
    fault = cell.fault = Fault(position, moment)

    with suppress(ConnectTimeoutError, ReadTimeoutError):
        cell.award(event)
        cell.project(customer)
    assert fault.struck
    cell.fault = None
    cell.award(event)
    balance = cell.project(customer)

    assert (balance.points, balance.version) == (29, 1)
    assert cell.balances.load(customer).published_version == 1
    assert len(list(cell.streams.read_on(customer, HERE, after=0))) == 1


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("position", [1, 2, 3, 4])
def test_a_rebuild_that_is_stopped_anywhere_is_finished_by_a_hint(
    cell: Cell, customer: str, position: int, moment: Moment
) -> None:
    """The writes are: forget, save, publish, mark as published."""
    cell.award(purchase(2933, order=f"o-{customer}", customer=customer))
    live = cell.project(customer)
    fault = cell.fault = Fault(position, moment)

    with suppress(ConnectTimeoutError, ReadTimeoutError):
        cell.project(customer, rebuild_balance)
    assert fault.struck
    cell.fault = None

    assert cell.project(customer) == live
    assert cell.balances.load(customer).published_version == 1
