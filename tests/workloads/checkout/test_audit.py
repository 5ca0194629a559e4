"""The auditor finds each planted defect, and is silent otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.auditing import Bucket, audited, bought, kinds, remove, write
from tests.workloads.checkout.builders import (
    CD,
    CUSTOMER,
    FOREIGNER,
    allot,
    deposit,
    list_price,
    place,
    request,
    shop,
    usd,
)
from tests.workloads.checkout.cell import AnyCells, MemoryCells
from tests.workloads.checkout.token_pools import MemoryPools, tend_all, with_pools
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.adapters.book_keeping import DynamoDbBookKeeping, ReadBudget
from workloads.checkout.adapters.metrics import AuditMetrics
from workloads.checkout.application.audit import Report, audit
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.set_selling_mode import set_selling_mode
from workloads.checkout.domain.audit import Finding, FindingKind
from workloads.contracts.commands import RequestedSellingMode, SetSellingMode


@pytest.fixture
def cells() -> AnyCells:
    """Return the model: what it is like on the embedded AWS, `test_audit_busy_shop` shows."""
    return MemoryCells()


def given_up(ports: Ports, key: str) -> str:
    order_id = place(ports, key=key)
    steps.reserve(ports, order_id)
    steps.debit(ports, order_id)
    steps.refund(ports, order_id)
    steps.release(ports, order_id)
    steps.reject(ports, order_id)
    return order_id


def half_done(ports: Ports, key: str) -> str:
    order_id = place(ports, key=key)
    steps.reserve(ports, order_id)
    return order_id


@pytest.fixture
def busy(cells: AnyCells) -> AnyCells:
    """A shop in which every kind of order has happened, in two Regions."""
    here, there = cells.ports(), cells.ports(THERE)
    shop(here)
    allot(there)
    deposit(there, customer=FOREIGNER)
    bought(here, "bought")
    given_up(here, "given-up")
    half_done(here, "half-done")
    place(here, key="placed")
    bought(there, "bought", FOREIGNER)
    return cells


def test_books_that_are_in_order_have_no_finding_in_either_region(busy: AnyCells) -> None:
    report, there = audited(busy), audited(busy, THERE)

    assert [finding for finding in report.findings if finding.kind is not FindingKind.OVERDUE_ORDER] == []
    assert (report.orders, report.wallets, report.skus) == (4, 1, 1)
    assert (there.findings, there.orders, there.wallets, there.skus) == ((), 1, 1, 1)


def test_a_lost_unit_is_found(busy: AnyCells) -> None:
    write(busy, f"ALLOTMENT#{CD}#{HERE}", "ALLOTMENT", "free", -1)

    [finding] = audited(busy).findings

    assert (finding.kind, finding.subject) == (FindingKind.STOCK_DIFFERS, CD)
    assert finding.detail.startswith("1 units are nowhere: of 10 units of cd-1099 in us-east-1 7 are free")


def test_a_doubled_unit_is_found(busy: AnyCells) -> None:
    write(busy, f"ALLOTMENT#{CD}#{HERE}", "ALLOTMENT", "free", 1)

    [finding] = audited(busy).findings

    assert finding.kind is FindingKind.STOCK_DIFFERS
    assert finding.detail.startswith("1 units were given out twice")


def test_units_of_a_reservation_that_vanished_are_found(busy: AnyCells) -> None:
    [item] = [item for item in busy.items() if item["sk"] == "RESERVATION" and item["state"] == "Held"]
    remove(busy, item["pk"], item["sk"])

    assert kinds(audited(busy)) == [FindingKind.STOCK_DIFFERS]


def test_stock_of_the_other_region_is_not_this_auditors(busy: AnyCells) -> None:
    write(busy, f"ALLOTMENT#{CD}#{THERE}", "ALLOTMENT", "free", -1)

    assert kinds(audited(busy)) == []
    assert kinds(audited(busy, THERE)) == [FindingKind.STOCK_DIFFERS]


@pytest.mark.parametrize("cents", [1, -1])
def test_a_balance_that_is_not_its_ledger_is_found(busy: AnyCells, cents: int) -> None:
    write(busy, f"WALLET#{CUSTOMER}", "WALLET", "balance", cents)

    [finding] = audited(busy).findings

    assert (finding.kind, finding.subject) == (FindingKind.BALANCE_DIFFERS, CUSTOMER)


def test_a_ledger_without_a_wallet_is_found(busy: AnyCells) -> None:
    remove(busy, f"WALLET#{CUSTOMER}", "WALLET")

    assert kinds(audited(busy)) == [FindingKind.BALANCE_DIFFERS]


@pytest.mark.parametrize("state", ["Rejected", "Completed"])
def test_a_reservation_that_outlives_its_order_is_found(cells: AnyCells, state: str) -> None:
    shop(cells.ports())
    order_id = half_done(cells.ports(), "half-done")
    write(cells, f"ORDER#{order_id}", "ORDER", "state", state)

    [finding] = audited(cells).findings

    assert (finding.kind, finding.subject) == (FindingKind.ORPHANED_RESERVATION, order_id)


def test_a_reservation_of_no_order_is_found(cells: AnyCells) -> None:
    shop(cells.ports())
    order_id = half_done(cells.ports(), "half-done")
    remove(cells, f"ORDER#{order_id}", "ORDER")

    assert kinds(audited(cells)) == [FindingKind.ORPHANED_RESERVATION]


def test_an_order_that_should_have_ended_is_found(cells: AnyCells) -> None:
    shop(cells.ports())
    order_id = place(cells.ports())
    cells.clock.moment += timedelta(minutes=30)

    [finding] = audited(cells).findings

    assert (finding.kind, finding.subject) == (FindingKind.OVERDUE_ORDER, order_id)


def test_what_could_not_be_published_is_found_with_its_age_and_the_oldest_first(busy: AnyCells) -> None:
    kept = busy.clock.moment + timedelta(minutes=39)
    objects = {f"checkout/r-{number:02}.json": kept for number in range(10)}
    objects["checkout/r-10.json"] = kept - timedelta(hours=2)

    findings = audited(busy, bucket=Bucket(objects)).findings

    assert {finding.kind for finding in findings} == {FindingKind.UNPUBLISHED_EVENTS}
    assert [finding.subject for finding in findings] == ["checkout/r-10.json", *sorted(objects)[:9]]
    assert "has kept for 7260 seconds what could not be published" in findings[0].detail


class OneItemAPage:
    """DynamoDB, whose pages are short and cost a hundred units each."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def scan(self, **request: Any) -> dict[str, Any]:
        return {**self._client.scan(**request, Limit=1), "ConsumedCapacity": {"CapacityUnits": 100.0}}


def paced(cells: AnyCells, seconds: int) -> tuple[Report, list[float]]:
    clock = [0.0]
    pauses: list[float] = []

    def sleep(pause: float) -> None:
        pauses.append(pause)
        clock[0] += pause

    client: Any = OneItemAPage(cells.client(HERE))
    s3: Any = Bucket()
    books = DynamoDbBookKeeping(
        client,
        s3,
        table=cells.table,
        bucket="unpublished",
        region=HERE,
        budget=ReadBudget(units_per_second=50, seconds=seconds),
        monotonic=lambda: clock[0],
        sleep=sleep,
    )
    return audit(cells.ports(), books), pauses


def test_an_audit_reads_no_faster_than_it_may(busy: AnyCells) -> None:
    report, pauses = paced(busy, 1000)

    assert report.findings == ()
    assert set(pauses) == {2.0}


def test_an_audit_that_does_not_get_through_says_so_instead_of_judging_half_of_the_stock(busy: AnyCells) -> None:
    audited(busy)
    write(busy, f"ALLOTMENT#{CD}#{HERE}", "ALLOTMENT", "free", -1)

    report, _ = paced(busy, 9)

    assert kinds(report) == [FindingKind.UNFINISHED]
    assert report.skus == 0


def test_a_sku_on_its_way_to_hot_and_back_is_in_order_and_a_lost_unit_is_found_in_each_mode() -> None:
    cells = MemoryCells()
    here = with_pools(cells, MemoryPools())
    list_price(here, price=usd(0))
    allot(here)
    for number in range(9):
        if number in {3, 6}:
            mode = RequestedSellingMode.HOT if number == 3 else RequestedSellingMode.PLAIN
            set_selling_mode(here, SetSellingMode(sku=CD, mode=mode, version=number), request(f"mode-{number}"))
            tend_all(here, CD)
        order_id = place(here, customer=f"{CUSTOMER}-{number}")
        steps.reserve(here, order_id)
        (steps.release if number % 3 else steps.debit)(here, order_id)

        assert FindingKind.STOCK_DIFFERS not in kinds(audited(cells))
        write(cells, f"ALLOTMENT#{CD}#{HERE}", "ALLOTMENT", "free", -1)
        assert kinds(audited(cells)).count(FindingKind.STOCK_DIFFERS) == 1
        write(cells, f"ALLOTMENT#{CD}#{HERE}", "ALLOTMENT", "free", 1)


class CloudWatch:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def put_metric_data(self, **request: Any) -> None:
        self.told.append(request)


def test_each_kind_of_finding_is_counted_also_where_there_is_none() -> None:
    client: Any = CloudWatch()

    AuditMetrics(client).put([Finding(FindingKind.STOCK_DIFFERS, CD, "")] * 2)

    [request] = client.told
    assert request["Namespace"] == "Meridian/Checkout"
    values = {data["Dimensions"][0]["Value"]: data["Value"] for data in request["MetricData"]}
    assert values == dict.fromkeys(FindingKind, 0) | {"StockDiffers": 2}


def test_units_in_the_pool_of_a_hot_sku_are_not_missing_and_those_that_vanished_are_found_once_it_is_plain(
    cells: AnyCells,
) -> None:
    pools = MemoryPools()
    here = with_pools(cells, pools)
    shop(here)
    for version, mode in enumerate((RequestedSellingMode.HOT, RequestedSellingMode.PLAIN), start=1):
        set_selling_mode(here, SetSellingMode(sku=CD, mode=mode, version=version), request(f"mode-{version}"))
        tend_all(here, CD)
        bought(here, f"bought-{version}")
        assert audited(cells).findings == ()

    write(cells, f"ALLOTMENT#{CD}#{HERE}", "ALLOTMENT", "free", -1)

    assert kinds(audited(cells)) == [FindingKind.STOCK_DIFFERS]
