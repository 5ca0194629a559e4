"""Checkout in two Regions under every weather: a part of the long run (`make simulate`), and proof that it can fail.

The planted defects are those that public samples of this system have, and those that two Regions make possible.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from tests.simulation import cell as simulated_cell
from tests.simulation import shoppers
from tests.simulation.circumstances import Circumstances
from tests.simulation.dynamodb import writing
from tests.simulation.faults import KINDS
from tests.simulation.run import FailedSeedError, Figures, digest, simulate
from workloads.checkout.adapters import keys
from workloads.checkout.adapters.saga import SagaStarter
from workloads.checkout.application import carry_out, follow_stock, place_order
from workloads.checkout.application import steps as saga
from workloads.checkout.application.changes import FreePool
from workloads.checkout.application.hot_items import counting, draining
from workloads.checkout.application.hot_items.returning import Return
from workloads.checkout.domain import order as orders
from workloads.checkout.domain.listing import Listing
from workloads.checkout.domain.step import Outcome, Step
from workloads.checkout.entrypoints import availability, hot_items, saga_starter
from workloads.runtime import batches

CHECKOUTS = 60
SEEDS = 4
"""Of each weather. Thousands of others run in the long run."""
SWITCHING = Circumstances(hot=frozenset({"cd", "book"}), switched=frozenset({"cd", "print"}), token_retention=90.0)
HURRIED = Circumstances(reservation_lifetime=timedelta(seconds=5))
IMPATIENT = Circumstances(attempts_of_the_way_back=1)


@pytest.mark.parametrize("weather", KINDS)
def test_nothing_is_lost_made_or_told_twice(weather: str) -> None:
    figures = [simulate(seed, CHECKOUTS, KINDS[weather]) for seed in range(SEEDS)]

    assert all(figure.checkouts > CHECKOUTS * 0.4 for figure in figures)
    assert sum(figure.ends.get("Completed", 0) for figure in figures) > 0
    assert sum(figure.ends.get("SoldOut", 0) for figure in figures) > 0


@pytest.mark.parametrize("weather", KINDS)
def test_what_is_hot_is_sold_by_tokens_and_from_the_counter_in_turns(weather: str) -> None:
    figures = [simulate(seed, CHECKOUTS, KINDS[weather], SWITCHING) for seed in range(2)]

    assert all(figure.by_tokens > 0 for figure in figures)


def test_what_takes_too_long_is_given_back_and_its_order_cancelled() -> None:
    figures = [simulate(seed, CHECKOUTS, KINDS["outages"], HURRIED) for seed in range(SEEDS)]

    assert sum(figure.expired for figure in figures) > 0
    assert sum(figure.ends.get("ReservationExpired", 0) for figure in figures) > 0


def test_what_is_parked_is_redriven_by_operators() -> None:
    figures = [simulate(seed, CHECKOUTS, KINDS["outages"], IMPATIENT) for seed in range(SEEDS)]

    assert sum(figure.parked for figure in figures) > 0


@pytest.mark.soak
def test_five_hundred_seeds() -> None:
    for seed in range(1000, 1500):
        simulate(seed)


def test_a_seed_is_one_history() -> None:
    assert digest(5, 20, KINDS["all at once"]) == digest(5, 20, KINDS["all at once"])


def test_a_seed_is_the_same_history_in_another_process() -> None:
    program = "from tests.simulation.run import digest; print(digest(11, 20))"

    runs = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": "0"}, check=True, capture_output=True
        ).stdout
        for _ in range(2)
    }

    assert len(runs) == 1


Plant = Callable[[pytest.MonkeyPatch], None]


def without_conditions(*patterns: str) -> Plant:
    """Return what takes the conditions off every write to items whose keys, joined by a slash, begin like a pattern.

    The entries of the outbox go with them: each is put under the next number of its aggregate, if that is free, and so
    catches by itself what the condition on the aggregate lets through.
    """

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        begin = writing.begin_transaction

        def stripped(replica: Any, request: Mapping[str, Any]) -> Any:
            return begin(replica, {**request, "TransactItems": [*map(strip, request["TransactItems"])]})

        def strip(one: Mapping[str, Any]) -> Mapping[str, Any]:
            [(kind, action)] = one.items()
            key = action["Item"] if kind == "Put" else action["Key"]
            place = f"{key['pk']['S']}/{key['sk']['S']}"
            if kind == "ConditionCheck" or not any(re.match(pattern, place) for pattern in patterns):
                return one
            condition = action.get("ConditionExpression", "")
            rest = {name: value for name, value in action.items() if name != "ConditionExpression"}
            text = rest.get("UpdateExpression", "")
            for field, mark in (("ExpressionAttributeNames", "#"), ("ExpressionAttributeValues", ":")):
                used = {n: v for n, v in rest.get(field, {}).items() if n in text or n not in condition}
                rest = {name: value for name, value in rest.items() if name != field} | ({field: used} if used else {})
                assert all(name.startswith(mark) for name in used)
            return {kind: rest}

        monkeypatch.setattr(writing, "begin_transaction", stripped)
        monkeypatch.setattr("tests.simulation.network.begin_transaction", stripped)

    return plant


def one_allotment_for_all_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    def shared(sku: str, _region: str) -> keys.Key:
        return {"pk": f"ALLOTMENT#{sku}", "sk": "ALLOTMENT"}

    monkeypatch.setattr(keys, "allotment", shared)


def an_order_id_of_each_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant that two tries in two Regions are two orders."""
    count = iter(range(10**6))

    def another(customer: str, key: str) -> str:
        return f"o-{customer}-{key}-{next(count)}"

    for module in (place_order, orders):
        monkeypatch.setattr(module, "order_id", another)


def without_step(skipped: Step, answer: Outcome) -> Plant:
    """Return what lets a step answer as if it had been done."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        carry_out = simulated_cell.saga_steps.carry_out

        def forgetful(ports: Any, request: Any) -> Outcome:
            return answer if request.step is skipped else carry_out(ports, request)

        monkeypatch.setattr(simulated_cell.saga_steps, "carry_out", forgetful)

    return plant


def compensation_only_on_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant what the public sample does: an exception ends the saga without a way back."""
    define = simulated_cell.definition

    def without_catches(**arguments: Any) -> Mapping[str, Any]:
        machine = define(**arguments)
        states = {
            name: {field: value for field, value in state.items() if field not in {"Catch", "Retry"}}
            for name, state in machine["States"].items()
        }
        return {**machine, "States": states}

    monkeypatch.setattr(simulated_cell, "definition", without_catches)


def an_outbox_consumer_that_forgets_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    consume = simulated_cell.consume_outbox

    def careless(batch: Any, **parameters: Any) -> dict[str, Any]:
        consume(batch, **parameters)
        return {"batchItemFailures": []}

    monkeypatch.setattr(simulated_cell, "consume_outbox", careless)


def a_queue_consumer_that_forgets_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_failed(_identifiers: object) -> dict[str, Any]:
        return {"batchItemFailures": []}

    monkeypatch.setattr(batches, "partial_response", nothing_failed)


def deposits_under_new_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant that a retry of a deposit is another deposit."""
    count = iter(range(10**6))

    def another(_customer: str, _key: str) -> str:
        return f"d-{next(count)}"

    for module in ("application.deposit", "domain.wallet"):
        monkeypatch.setattr(f"workloads.checkout.{module}.deposit_id", another)


def sold_out_is_an_empty_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "remaining_of", _answering(0))


def nobody_misses_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_items, "refill", _answering(0))


def draining_takes_tokens_from_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "_holds_nothing", _answering(answer=True))


def units_that_are_sold_and_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant that draining frees the units of settled tokens too."""
    change = draining.change_selling

    def generous(allotment: Any, selling: Any, *, freed: int = 0) -> Any:
        return change(allotment, selling, freed=max(freed, allotment.selling.open - selling.open))

    monkeypatch.setattr(draining, "change_selling", generous)


def a_pool_that_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = draining.commit_selling

    def forgetful(ports: Any, movement: Any, *others: Any) -> None:
        commit(ports, movement, *(other for other in others if not isinstance(other, FreePool)))

    monkeypatch.setattr(draining, "commit_selling", forgetful)


def a_purchase_of_what_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    without_conditions("ORDER#.*/RESERVATION")(monkeypatch)
    monkeypatch.setattr(_module_of(saga.complete), "obstacle_to_completion", _answering(None))


def a_release_without_its_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_module_of(saga.release), "plan_return", _answering(Return()))


def flags_of_whatever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant that the event which comes last decides, not the one which was told last."""

    def told(_current: Listing | None, event: Any) -> Listing:
        sold_out = type(event).__name__ == "SoldOut"
        return Listing(sku=event.sku, region=event.region, sold_out=sold_out, level_sequence=event.sequence)

    without_conditions("LISTING#")(monkeypatch)
    monkeypatch.setattr(follow_stock, "told", told)


def nobody_follows_the_stock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "receive", _answering(None))


def sales_that_stay_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    set_selling = carry_out.set_selling

    def stubborn(ports: Any, command: Any, cause: Any) -> Any:
        return set_selling(ports, command, cause) if type(command).__name__ == "StopSelling" else None

    monkeypatch.setattr(carry_out, "set_selling", stubborn)


def redrives_under_the_old_name(monkeypatch: pytest.MonkeyPatch) -> None:
    start = SagaStarter.start

    def again(starter: SagaStarter, order_id: str, customer_id: str, *, redrive: int = 0) -> None:
        del redrive
        start(starter, order_id, customer_id)

    monkeypatch.setattr(SagaStarter, "start", again)


def refused_orders_that_nobody_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def hold(ports: Any, checkout: Any) -> bool:
        return saga.reserve(ports, checkout) is Outcome.RESERVED

    monkeypatch.setattr(saga_starter, "hold_or_refuse", hold)


def _answering(answer: object) -> Callable[..., Any]:
    """Return what answers so, whatever it is asked."""

    def always(*_: object, **__: object) -> object:
        return answer

    return always


def _module_of(function: Callable[..., Any]) -> Any:
    """Return where a step is written: its package has the function under the module's name."""
    return sys.modules[function.__module__]


class Defect(NamedTuple):
    """A planted defect, and where it is looked for."""

    plant: Plant
    weather: str
    circumstances: Circumstances | None = None


DEFECTS: dict[str, Defect] = {
    "stock is taken without asking whether there is any": Defect(without_conditions("ALLOTMENT#"), "all at once"),
    "a wallet is written over whatever it is now": Defect(without_conditions("WALLET#"), "all at once"),
    "orders and reservations are written over others": Defect(without_conditions("ORDER#", "RESERVATION#"), "outages"),
    "two Regions share one counter of stock": Defect(one_allotment_for_all_regions, "calm"),
    "the same key in two Regions is two orders": Defect(an_order_id_of_each_region, "all at once"),
    "the way back keeps the stock": Defect(without_step(Step.RELEASE, Outcome.RELEASED), "calm"),
    "only refusals are compensated, exceptions are not": Defect(compensation_only_on_refusals, "outages"),
    "the way back keeps the money": Defect(without_step(Step.REFUND, Outcome.REFUNDED), "outages"),
    "the outbox's consumer forgets what failed": Defect(an_outbox_consumer_that_forgets_what_failed, "all at once"),
    "a queue's consumer forgets what failed": Defect(a_queue_consumer_that_forgets_what_failed, "outages"),
    "a retried deposit is another deposit": Defect(deposits_under_new_keys, "all at once"),
    "a token is an order's whoever has it": Defect(without_conditions("TOKEN#"), "duplicates and conflicts", SWITCHING),
    "an empty queue of tokens means sold out": Defect(sold_out_is_an_empty_queue, "calm", SWITCHING),
    "a message that a queue of tokens lost is gone": Defect(nobody_misses_a_message, "calm", SWITCHING),
    "the way back to the counter takes tokens from orders": Defect(
        draining_takes_tokens_from_orders, "calm", SWITCHING
    ),
    "draining frees what orders have": Defect(units_that_are_sold_and_free, "calm", SWITCHING),
    "a queue of tokens stays with its owner": Defect(a_pool_that_is_kept, "calm", SWITCHING),
    "what has expired is sold all the same": Defect(a_purchase_of_what_expired, "outages", HURRIED),
    "what has expired is held by nobody and not free": Defect(a_release_without_its_units, "outages", HURRIED),
    "the event of the stock that comes last decides": Defect(flags_of_whatever_comes, "all at once"),
    "nobody follows the stock": Defect(nobody_follows_the_stock, "calm"),
    "a sale is stopped and never resumed": Defect(
        sales_that_stay_stopped, "calm", Circumstances(stopped=frozenset({"cd"}))
    ),
    "a redriven saga has the name of the one that failed": Defect(redrives_under_the_old_name, "outages", IMPATIENT),
    "an order that can not have its units is not ended": Defect(refused_orders_that_nobody_ends, "calm"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_found(monkeypatch: pytest.MonkeyPatch, defect: str) -> None:
    plant, weather, circumstances = DEFECTS[defect]
    plant(monkeypatch)
    monkeypatch.setattr(shoppers, "CUSTOMERS", 3)
    monkeypatch.setattr(shoppers, "SECONDS", (4.0,))

    def search() -> list[Figures]:
        return [simulate(seed, CHECKOUTS, KINDS[weather], circumstances) for seed in range(20)]

    with pytest.raises(FailedSeedError):
        search()
