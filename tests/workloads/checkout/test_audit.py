"""The auditor finds each planted defect, is exact about what it can not see at one moment, and is silent otherwise."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import (
    CD,
    CUSTOMER,
    FOREIGNER,
    FakeClock,
    allot,
    deposit,
    list_price,
    place,
    request,
    shop,
    usd,
)
from tests.workloads.checkout.cell import AnyCells, Cells, MemoryCells
from tests.workloads.checkout.token_pools import MemoryPools, tend_all, with_pools
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.adapters.attributes import write_item
from workloads.checkout.adapters.book_keeping import DynamoDbBookKeeping, ReadBudget
from workloads.checkout.adapters.metrics import AuditMetrics
from workloads.checkout.application.audit import Report, audit
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.set_selling_mode import set_selling_mode
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.audit import (
    Finding,
    FindingKind,
    History,
    Moment,
    Share,
    judge_stock,
    ordinary_units,
    present_tokens,
    was_in_use,
)
from workloads.checkout.domain.reservation import Reservation, ReservationState
from workloads.checkout.domain.selling import Selling, SellingMode
from workloads.checkout.domain.token import HeldTokens
from workloads.contracts.clock import SystemClock, timestamp
from workloads.contracts.commands import RequestedSellingMode, SetSellingMode

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def cells() -> AnyCells:
    """Return the model: what it is like on the embedded AWS, the busy shop below shows."""
    return MemoryCells()


class Bucket:
    """The bucket of unpublished events, as far as the auditor asks."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        return {"Contents": [{"Key": name} for name in self.names]} if self.names else {}


def book_keeping(
    cells: AnyCells, region: str = HERE, *, bucket: Bucket | None = None, budget: ReadBudget | None = None
) -> DynamoDbBookKeeping:
    s3: Any = bucket or Bucket()
    return DynamoDbBookKeeping(
        cells.client(region),
        s3,
        table=cells.table,
        bucket="unpublished",
        region=region,
        budget=budget or ReadBudget(units_per_second=10**6, seconds=60),
        monotonic=time.monotonic,
        sleep=time.sleep,
    )


def audited(cells: AnyCells, region: str = HERE, **given_: Any) -> Report:
    """Audit an hour after all that has happened, when the SKUs are known."""
    books = book_keeping(cells, region, **given_)
    audit(cells.ports(region), books)
    cells.clock.moment += timedelta(minutes=40)
    return audit(cells.ports(region), books)


def kinds(report: Report) -> list[FindingKind]:
    return [finding.kind for finding in report.findings]


def bought(ports: Ports, key: str, customer: str = CUSTOMER) -> str:
    order_id = place(ports, customer=customer, key=key)
    steps.reserve(ports, order_id)
    steps.debit(ports, order_id)
    steps.complete(ports, order_id)
    return order_id


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


def write(cells: AnyCells, pk: str, sk: str, attribute: str, change: int | str) -> None:
    """Write past all rules: add to a number, or set a text."""
    client = cells.client(HERE)
    key = write_item({"pk": pk, "sk": sk})
    verb = "ADD #a :v" if isinstance(change, int) else "SET #a = :v"
    client.update_item(
        TableName=cells.table,
        Key=key,
        UpdateExpression=verb,
        ExpressionAttributeNames={"#a": attribute},
        ExpressionAttributeValues=write_item({":v": change}),
    )


def remove(cells: AnyCells, pk: str, sk: str) -> None:
    cells.client(HERE).delete_item(TableName=cells.table, Key=write_item({"pk": pk, "sk": sk}))


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


def test_what_could_not_be_published_is_found(busy: AnyCells) -> None:
    [finding] = audited(busy, bucket=Bucket("checkout/r-7.json")).findings

    assert (finding.kind, finding.subject) == (FindingKind.UNPUBLISHED_EVENTS, "checkout/r-7.json")


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


moments = st.floats(-7200, 7200)
lags = st.floats(0, 30)
skews = st.floats(-2.4, 2.4)


class Timeline(msgspec.Struct, frozen=True):
    """A reservation's life in seconds around the beginning of an audit, and how far its stamps are off."""

    held: float
    lasted: float | None
    reading: float
    """Until when the allotments are read."""
    lag: float
    end_lag: float
    skew: float
    end_skew: float

    @property
    def released(self) -> float | None:
        return None if self.lasted is None else self.held + max(self.lasted, self.end_lag)


timelines = st.builds(Timeline, moments, st.none() | st.floats(0, 7200), st.floats(0, 5), lags, lags, skews, skews)


@given(timelines)
def test_what_a_reservation_says_of_the_past_is_never_wrong(life: Timeline) -> None:
    def stamp(seconds: float) -> str:
        return timestamp(NOON + timedelta(seconds=seconds))

    held, released, reading = life.held, life.released, life.reading
    at = Moment(NOON, NOON + timedelta(seconds=reading))
    history = History(
        reservation=Reservation(
            order_id="o",
            customer_id=CUSTOMER,
            units={CD: 1},
            state=ReservationState.HELD if released is None else ReservationState.RELEASED,
        ),
        held_at=stamp(held - life.lag + life.skew),
        ended_at=None if released is None else stamp(released - life.end_lag + life.end_skew),
    )
    surely, possibly = was_in_use(history, at, placed_at=None)

    for read in (0.0, reading):
        truly = held <= read and (released is None or released > read)
        assert not surely or truly
        assert possibly or not truly
    if min(abs(held), abs(held if released is None else released)) > 60:
        assert surely == possibly


def test_what_the_first_release_wrote_counts_as_either_for_a_day_and_then_as_what_it_is() -> None:
    at = Moment(NOON, NOON)
    held, released = (
        History(reservation=Reservation(order_id="o", customer_id=CUSTOMER, units={CD: 1}, state=state))
        for state in (ReservationState.HELD, ReservationState.RELEASED)
    )
    recent, old = timestamp(NOON - timedelta(hours=23)), timestamp(NOON - timedelta(hours=25))

    assert was_in_use(held, at, placed_at=recent) == was_in_use(released, at, placed_at=recent) == (False, True)
    assert was_in_use(held, at, placed_at=old) == (True, True)
    assert was_in_use(released, at, placed_at=old) == (False, False)


def test_an_audit_of_a_busy_shop_finds_nothing_and_afterwards_what_was_planted_meanwhile(
    dynamodb_cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = dynamodb_cells
    monkeypatch.setattr(cells, "clock", RealClock())
    ports = cells.ports
    list_price(ports(), price=usd(10))
    allot(ports(), units=30)
    for number in range(4):
        deposit(ports(), 100_00, customer=f"{CUSTOMER}-{number}")
    audit(ports(), book_keeping(cells))
    closed = threading.Event()

    def shopper(number: int) -> int:
        for turn in itertools.count():
            if closed.is_set():
                return turn
            _shop_once(ports(), f"{CUSTOMER}-{number}", turn)
        raise AssertionError

    with ThreadPoolExecutor(4) as pool:
        shoppers = [pool.submit(shopper, number) for number in range(4)]
        try:
            reports = [audit(ports(), book_keeping(cells)) for _ in range(8)]
        finally:
            closed.set()
        turns = [shopper.result() for shopper in shoppers]

    assert all(turns)
    assert [report.findings for report in reports] == [()] * 8
    assert {report.skus for report in reports} == {1}
    write(cells, f"ALLOTMENT#{CD}#{HERE}", "ALLOTMENT", "free", -1)
    monkeypatch.setattr(cells, "clock", RealClock(ahead=timedelta(minutes=2)))
    assert kinds(audit(ports(), book_keeping(cells))) == [FindingKind.STOCK_DIFFERS]


class RealClock(FakeClock):
    """The machine's own time, or some time after it."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        super().__init__()
        self.ahead = ahead

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead


def _shop_once(ports: Ports, customer: str, turn: int) -> None:
    order_id = place(ports, customer=customer, key=f"key-{turn}")
    steps.reserve(ports, order_id)
    steps.debit(ports, order_id)
    if turn % 3:
        steps.refund(ports, order_id)
        steps.release(ports, order_id)
        steps.reject(ports, order_id)
    else:
        steps.complete(ports, order_id)


@pytest.mark.parametrize(("open_tokens", "free", "found"), [(6, 3, False), (6, 2, True), (5, 3, True), (7, 2, False)])
def test_what_is_hot_is_judged_by_its_open_tokens(open_tokens: int, free: int, found: bool) -> None:  # noqa: FBT001
    """Of ten units one was sold before the SKU became hot; two of the tokens are with an order."""
    selling = Selling(mode=SellingMode.HOT, generation=2, issued=open_tokens, open=open_tokens)
    allotment = Allotment(sku=CD, region=HERE, allotted=10, free=free, version=1, selling=selling)
    reservation = Reservation(
        order_id="o",
        customer_id=CUSTOMER,
        units={CD: 1},
        tokens={CD: HeldTokens(2, (0, 1))},
        state=ReservationState.HELD,
    )
    shares = [
        {sku: Share(units, units) for sku, units in of(reservation, {CD: allotment}).items()}
        for of in (ordinary_units, present_tokens)
    ]

    assert bool(judge_stock([allotment], *shares)) is found


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
