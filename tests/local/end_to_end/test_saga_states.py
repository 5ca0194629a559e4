"""Each state of the saga fails, before it does anything or with its answer lost, once and twice and for good.

Every order ends in one honest state all the same, and neither a cent nor a unit is lost or made.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from local.emulator.faults import Moment
from tests.local.end_to_end.conservation import Account, Ended, events_tell_each_thing_once, money_is_conserved
from tests.local.end_to_end.faults import (
    FOR_GOOD,
    LATE_SECONDS,
    PRICE,
    Case,
    Saboteur,
    cases,
    late_cases,
    sample,
    starters_cases,
)
from tests.local.end_to_end.shop import PATIENCE, Customer, Shop, eventually
from workloads.contracts.identifiers import order_id

SPARE = 3
"""Units for which there is no order."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A case, and the order in which it happens."""

    case: Case
    customer: Customer
    key: str

    @property
    def order_id(self) -> str:
        """Return the id that the order will have."""
        return order_id(self.customer.id, self.key)

    @property
    def location(self) -> str:
        """Return where the order will be."""
        return f"/v1/orders/{self.order_id}"

    def as_ended(self) -> Ended:
        """Return the order as it must have ended."""
        return Ended(order_id=self.order_id, state=self.case.state, cents=PRICE, ways=(self.case.events,))


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    "chosen",
    [pytest.param(tuple(sample()), id="sample"), pytest.param(tuple(cases()), id="all", marks=pytest.mark.soak)],
)
def test_whatever_state_fails_the_order_ends_honestly_and_all_is_conserved(
    shop: Shop, operators: Mapping[str, str], saboteur: Saboteur, chosen: Sequence[Case]
) -> None:
    prove(shop, operators, saboteur, chosen)


@pytest.mark.soak
@pytest.mark.usefixtures("impatient_queues")
def test_the_sagas_starter_fails_and_the_order_ends_as_if_it_had_not(
    shop: Shop, operators: Mapping[str, str], saboteur: Saboteur
) -> None:
    prove(shop, operators, saboteur, tuple(starters_cases()))


@pytest.mark.soak
@pytest.mark.usefixtures("quick_retries")
def test_a_step_that_does_its_work_after_its_tasks_time_out_does_nothing_twice(
    shop: Shop, operators: Mapping[str, str], saboteur: Saboteur
) -> None:
    trials = prove(shop, operators, saboteur, tuple(late_cases()))

    assert {trial: errors_of_the_saga(shop, trial).count("States.Timeout") for trial in trials} == dict.fromkeys(
        trials, 1
    )


def prove(shop: Shop, operators: Mapping[str, str], saboteur: Saboteur, chosen: Sequence[Case]) -> list[Trial]:
    """Let each case happen to an order of its own, all at a time, and look at all that may be wrong afterwards."""
    trials = prepare(shop, chosen)
    sku = shop.title(cents=PRICE, units=len(trials) + SPARE)
    saboteur.plan({trial.order_id: trial.case.failures for trial in trials})

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(shop.order, trial.customer, sku, key=trial.key) for trial in trials]
    assert {answer.result().status_code for answer in answers} == {201}
    redrive_what_is_parked(shop, operators, saboteur, trials)

    late = any(failure.moment is Moment.LATE for trial in trials for failure in trial.case.failures)
    patience = PATIENCE + LATE_SECONDS * late
    ends = {trial: shop.ended(trial.customer, trial.location, seconds=patience) for trial in trials}
    for trial, end in ends.items():
        assert (end["state"], end.get("reason")) == (trial.case.state, trial.case.reason), trial
    each_has_struck(saboteur, trials)
    accounts = [Account(customer=trial.customer, cents=trial.case.cents, orders=[trial.as_ended()]) for trial in trials]
    money_is_conserved(shop, accounts)
    events_tell_each_thing_once(shop, [order for account in accounts for order in account.orders])
    units_are_conserved(shop, sku, trials)
    return trials


def errors_of_the_saga(shop: Shop, trial: Trial) -> list[str]:
    """Return what the tasks of an order's saga have failed by."""
    sagas = shop.client("stepfunctions", trial.customer.home)
    [machine] = [m["stateMachineArn"] for m in sagas.list_state_machines()["stateMachines"] if "checkout" in m["name"]]
    execution = f"{machine.replace(':stateMachine:', ':execution:')}:{trial.order_id}"
    events = sagas.get_execution_history(executionArn=execution)["events"]
    return [event["taskFailedEventDetails"]["error"] for event in events if event["type"] == "TaskFailed"]


def each_has_struck(saboteur: Saboteur, trials: Sequence[Trial]) -> None:
    """Wait until no failure is under way, which the order may have left behind, and compare how often each has been."""
    planned = {
        failure.fault_of(trial.order_id).name: failure.times for trial in trials for failure in trial.case.failures
    }

    def missed(struck: Counter[str]) -> list[str]:
        return [
            name
            for name, times in planned.items()
            if struck[name] != times and not (times == FOR_GOOD and struck[name] > 1)
        ]

    eventually(lambda: missed(saboteur.struck()), lambda names: not names)


def prepare(shop: Shop, chosen: Sequence[Case]) -> list[Trial]:
    """Open an account for each case, in the one Region or the other."""

    def prepared(numbered: tuple[int, Case]) -> Trial:
        number, case = numbered
        customer = shop.customer(shop.regions[number % 2], cents=case.cents)
        return Trial(case=case, customer=customer, key=shop.unique("trial"))

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(prepared, enumerate(chosen)))


def redrive_what_is_parked(
    shop: Shop, operators: Mapping[str, str], saboteur: Saboteur, trials: Sequence[Trial]
) -> None:
    """Do as the runbook says: when what parks is parked, mend the cause, and redrive each message under its id."""
    parking = [trial for trial in trials if trial.case.parks]
    messages = {
        region: parked(shop, region, {t.order_id: t.case.parks for t in parking if t.customer.home == region})
        for region in shop.regions
    }
    found = Counter(json.loads(message["Body"])["orderId"] for taken in messages.values() for message in taken)
    assert found == {trial.order_id: trial.case.parks for trial in parking}
    for trial in parking:
        assert shop.get(trial.customer.home, trial.location, trial.customer.token).json()["state"] == "Pending"
    saboteur.plan(
        {t.order_id: [f.mended() for f in t.case.failures] if t in parking else t.case.failures for t in trials}
    )
    for region, taken in messages.items():
        for message in taken:
            body = {"orderId": json.loads(message["Body"])["orderId"], "reason": "parked"}
            answer = shop.post(region, "/v1/operations/redrive", operators[region], body, key=message["MessageId"])
            # Refused where the order was parked twice, and the first redrive has ended it.
            assert answer.status_code in {201, 409}, answer.text


def parked(shop: Shop, region: str, expected: Mapping[str, int]) -> list[Mapping[str, Any]]:
    """Take so many messages about each order out of the repair queue, and leave those about others there."""
    sqs = shop.sqs(region)
    url = sqs.get_queue_url(QueueName="meridian-checkout-repair")["QueueUrl"]
    taken: list[Mapping[str, Any]] = []

    def take() -> int:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            if json.loads(message.get("Body", ""))["orderId"] in expected:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message.get("ReceiptHandle", ""))
                taken.append(message)
        return len(taken)

    eventually(take, lambda number: number >= sum(expected.values()), seconds=60)
    return taken


def units_are_conserved(shop: Shop, sku: str, trials: Sequence[Trial]) -> None:
    """Take stock as a customer: buy, in each Region, exactly what must be left, and then not one more."""
    for region in shop.regions:
        left = len(trials) + SPARE - sum(t.case.completed for t in trials if t.customer.home == region)
        taker = shop.customer(region, cents=PRICE * (left + 1))
        taken = shop.order(taker, sku, quantity=left)
        assert shop.ended(taker, taken.headers["Location"])["state"] == "Completed"
        more = shop.order(taker, sku)
        if more.status_code == 201:
            assert shop.ended(taker, more.headers["Location"]).get("reason") == "SoldOut"
        else:
            assert more.json()["type"].endswith("/sold-out")
