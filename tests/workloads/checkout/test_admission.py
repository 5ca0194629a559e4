"""Who may order now: a token bucket a customer, exact under concurrency, and a bounded queue in front of the sagas."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from tests.workloads.checkout.builders import (
    BOOK,
    CUSTOMER,
    FOREIGNER,
    command,
    deposit,
    list_price,
    order_of,
    place,
    replaced,
    request,
    usd,
)
from tests.workloads.checkout.cell import AnyCells, Cells
from tests.workloads.checkout.test_commands import an_order, from_the_gateway
from tests.workloads.conftest import THERE
from tests.workloads.functions import queue_record
from workloads.checkout.adapters.saga_queue import SqsSagaQueue
from workloads.checkout.application.carry_out import PostponedError, carry_out
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.queries import read_command
from workloads.checkout.application.results import HandedOver, Placed
from workloads.checkout.domain.admission import Admission, OrderRate, Postponed, SagaCapacity, draw, relieve
from workloads.checkout.domain.command_record import CommandOutcome
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.entrypoints.commands import receive
from workloads.runtime.batches import NotYetError, consume_messages

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
RATE = OrderRate(burst=3, per_minute=60)


def limited(ports: Ports, rate: OrderRate = RATE, capacity: SagaCapacity | None = None, waiting: int = 0) -> Ports:
    class Queue:
        def waiting(self) -> int:
            return waiting

    admission = Admission(rate=rate, capacity=capacity or SagaCapacity())
    return replaced(ports, admission=admission, saga_queue=Queue())


def orders(ports: Ports, *keys: str) -> list[Placed | HandedOver | Refusal | Postponed]:
    return [place_order(ports, order_of(key=key), request(key)) for key in keys]


def draws(rate: OrderRate, seconds: Iterable[float]) -> list[bool]:
    bucket: int | None = None
    admitted: list[bool] = []
    for moment in sorted(seconds):
        drawn = draw(bucket, rate, NOON + timedelta(seconds=moment))
        admitted.append(isinstance(drawn, int))
        bucket = drawn if isinstance(drawn, int) else bucket
    return admitted


rates = st.builds(OrderRate, burst=st.integers(1, 60), per_minute=st.integers(1, 6000))


@given(rates, st.lists(st.floats(0, 120), max_size=200))
def test_no_window_of_time_lets_in_more_than_a_burst_and_what_it_refills(rate: OrderRate, seconds: list[float]) -> None:
    moments = [moment for moment, admitted in zip(sorted(seconds), draws(rate, seconds), strict=True) if admitted]

    for first in range(len(moments)):
        for last in range(first, len(moments)):
            refilled = (moments[last] - moments[first]) * 1_000_000 / rate.interval
            assert last - first + 1 <= rate.burst + refilled + 1e-3


@given(rates, st.integers(0, 10**6))
def test_whoever_asks_again_after_retry_after_is_let_in_and_never_waits_for_long(rate: OrderRate, pause: int) -> None:
    bucket: int | None = None
    now = NOON + timedelta(microseconds=pause)
    while isinstance(drawn := draw(bucket, rate, now), int):
        bucket = drawn

    assert drawn.retry_after <= rate.interval / 1_000_000 + 1
    assert isinstance(draw(bucket, rate, now + timedelta(seconds=drawn.retry_after)), int)


def test_a_burst_is_let_in_at_once_and_then_one_at_a_time() -> None:
    assert draws(RATE, [0, 0, 0, 0, 0.9, 1.0, 1.1, 2.0]) == [True, True, True, False, False, True, False, True]


def test_a_clock_that_was_ahead_locks_nobody_out() -> None:
    ahead = draw(None, RATE, NOON + timedelta(days=1))
    assert isinstance(ahead, int)

    postponed = draw(ahead, RATE, NOON)

    assert isinstance(postponed, Postponed)
    assert postponed.retry_after == 1


def test_over_the_rate_nothing_is_written_and_the_same_key_is_let_in_later(cells: AnyCells) -> None:
    here = limited(cells.ports())
    list_price(here)
    first = orders(here, "k-1", "k-2", "k-3")
    before = len(cells.events())

    over = orders(here, "k-4")[0]

    assert all(isinstance(result, Placed) for result in first)
    assert isinstance(over, Postponed)
    assert (over.refusal.kind, over.retry_after) == (RefusalKind.TOO_MANY_ORDERS, 1)
    assert len(cells.events()) == before
    cells.clock.moment += timedelta(seconds=1)
    assert isinstance(orders(here, "k-4")[0], Placed)


def test_a_repeat_takes_nothing_out_of_the_bucket_and_is_answered_over_the_rate_too(cells: AnyCells) -> None:
    here = limited(cells.ports())
    list_price(here)

    repeated = orders(here, "k-1", "k-1", "k-1", "k-1", "k-2", "k-3", "k-1")

    assert all(isinstance(result, Placed) for result in repeated)
    assert isinstance(orders(here, "k-4")[0], Postponed)


def test_a_refusal_takes_nothing_out_of_the_bucket(cells: AnyCells) -> None:
    here = limited(cells.ports())
    list_price(here)

    refused = [place_order(here, order_of((BOOK, 1), key=f"b-{n}"), request()) for n in range(5)]

    assert all(isinstance(result, Refusal) for result in refused)
    assert all(isinstance(result, Placed) for result in orders(here, "k-1", "k-2", "k-3"))


def test_the_bucket_leaves_the_wallet_as_it_is_and_the_other_way_round(cells: AnyCells) -> None:
    here = limited(cells.ports())
    list_price(here)

    orders(here, "k-1", "k-2")
    deposit(here, 50_00)
    orders(here, "k-3")

    wallet = here.store.account(CUSTOMER).wallet
    assert wallet is not None
    assert (wallet.balance, wallet.version) == (usd(50_00), 1)
    assert isinstance(orders(here, "k-4")[0], Postponed)


def test_elsewhere_the_replica_of_the_bucket_refuses_before_anything_is_handed_over(cells: AnyCells) -> None:
    here, there = limited(cells.ports()), limited(cells.ports(THERE))
    list_price(here)
    assert isinstance(orders(there, "k-0")[0], HandedOver)
    orders(here, "k-1", "k-2", "k-3")
    before = len(cells.events())

    assert isinstance(orders(there, "k-4")[0], Postponed)
    assert len(cells.events()) == before


def test_customers_have_a_bucket_each(cells: AnyCells) -> None:
    here, there = limited(cells.ports()), limited(cells.ports(THERE))
    list_price(here)
    orders(here, "k-1", "k-2", "k-3")

    assert isinstance(place_order(there, order_of(customer=FOREIGNER), request()), Placed)


def test_under_contention_exactly_the_burst_is_let_in(dynamodb_cells: Cells) -> None:
    list_price(dynamodb_cells.ports())
    rate = OrderRate(burst=6, per_minute=1)

    def attempt(number: int) -> bool:
        ports = limited(dynamodb_cells.ports(), rate)
        while True:
            try:
                return isinstance(orders(ports, f"k-{number}")[0], Placed)
            except RuntimeError:  # undecided: as a client does, ask again
                continue

    with ThreadPoolExecutor(8) as pool:
        admitted = sum(pool.map(attempt, range(24)))

    assert admitted == 6
    assert sum(item["sk"] == "ORDER" for item in dynamodb_cells.items()) == 6


def test_a_command_over_the_rate_comes_again_and_is_carried_out_when_there_is_room(cells: AnyCells) -> None:
    here = limited(cells.ports())
    list_price(here)
    orders(here, "k-1", "k-2", "k-3")

    with pytest.raises(PostponedError):
        carry_out(here, order_of(key="k-4"), command("c-4"))

    assert here.store.command("c-4") is None
    cells.clock.moment += timedelta(seconds=1)
    carry_out(here, order_of(key="k-4"), command("c-4"))
    record = here.store.command("c-4")
    assert record is not None
    assert record.outcome is CommandOutcome.ACCEPTED


def test_a_command_that_never_finds_room_is_refused_at_its_last_delivery_and_no_dead_letter(cells: AnyCells) -> None:
    here = limited(cells.ports())
    list_price(here)
    orders(here, "k-1", "k-2", "k-3")
    body = from_the_gateway("PlaceOrder", an_order(), id="c-9")

    with pytest.raises(NotYetError):
        receive(here, body, tries_left=1)
    assert read_command(here, "c-9") is None
    receive(here, body, tries_left=0)

    record = read_command(here, "c-9")
    assert record is not None
    assert record.outcome is CommandOutcome.REFUSED
    assert record.refusal is not None
    assert record.refusal.kind is RefusalKind.TOO_MANY_ORDERS


def test_the_first_release_reads_a_refusal_that_it_does_not_know_as_one_without_a_reason(dynamodb_cells: Cells) -> None:
    here = limited(dynamodb_cells.ports())
    list_price(here)
    orders(here, "k-1", "k-2", "k-3")
    receive(here, from_the_gateway("PlaceOrder", an_order(), id="c-9"))

    [item] = [item for item in dynamodb_cells.items() if item["pk"] == "COMMAND#c-9"]
    assert item["outcome"] == "Refused"
    assert "refusal" not in item


def test_while_too_many_orders_wait_for_their_saga_no_more_are_taken(cells: AnyCells) -> None:
    capacity = SagaCapacity(starts_per_second=10, longest_wait=5)
    list_price(cells.ports())

    full = orders(limited(cells.ports(), capacity=capacity, waiting=51), "k-1")[0]

    assert isinstance(full, Postponed)
    assert (full.refusal.kind, full.retry_after) == (RefusalKind.OVERLOADED, 6)
    assert isinstance(orders(limited(cells.ports(), capacity=capacity, waiting=50), "k-1")[0], Placed)
    assert isinstance(orders(limited(cells.ports(), capacity=capacity, waiting=51), "k-1")[0], Placed)
    assert place(cells.ports(), key="k-1")


@given(st.integers(1, 1000), st.integers(1, 600), st.integers(0, 10**6))
def test_the_queue_is_bounded_by_time_and_says_how_long_it_takes(starts: int, wait: int, waiting: int) -> None:
    relief = relieve(waiting, SagaCapacity(starts_per_second=starts, longest_wait=wait))

    assert (relief is None) == (waiting <= starts * wait)
    if relief is not None:
        assert min(wait, 900) <= relief.retry_after <= 900
        assert relief.retry_after == 900 or starts * relief.retry_after >= waiting


class FakeQueue:
    """A queue of saga starts whose length, or failure, the test sets."""

    def __init__(self) -> None:
        self.length = 7
        self.asked = 0
        self.down = False

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        self.asked += 1
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://sqs.example")
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.length)}}


def test_the_length_of_the_queue_is_asked_for_once_a_second_and_its_silence_turns_nobody_away() -> None:
    client: Any = FakeQueue()
    now = [0.0]
    queue = SqsSagaQueue(lambda: client, "https://sqs.example/starts", monotonic=lambda: now[0])

    assert [queue.waiting(), client.asked] == [0, 0]
    now[0] = 1.0
    assert [queue.waiting(), queue.waiting(), client.asked] == [7, 7, 1]
    client.length, now[0] = 9, 2.0
    assert queue.waiting() == 9
    client.down, now[0] = True, 3.0
    assert [queue.waiting(), client.asked] == [9, 3]


def test_a_message_that_comes_too_early_is_delivered_again_beside_the_others() -> None:
    seen: list[tuple[str, int]] = []

    def handle(message: Any) -> None:
        seen.append((message.body, message.receives))
        if message.body == "early":
            raise NotYetError("a second more")

    records = [queue_record("m-1", "early", receives=2), queue_record("m-2", "good")]

    assert consume_messages({"Records": records}, handle) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert seen == [("early", 2), ("good", 1)]
