"""A search for a history of steps, races, lost answers and late commits that loses or makes money or stock.

Any step may run at any time and any number of times, another one may run between its reads and its commit, its
answer may be lost before or after the commit, and a commit may arrive long after everybody has given up on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import (
    BOOK,
    CD,
    allot,
    deposit_of,
    list_price,
    order_of,
    place,
    request,
    shop,
    usd,
)
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.late_commits import Commit, LateCommits, LostAnswerError, arrive
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.deposit import deposit_to_wallet
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import (
    Ports,
)
from workloads.checkout.application.results import Placed
from workloads.checkout.domain.order import OrderState
from workloads.checkout.domain.step import NothingReservedError, Outcome, Step, StepOutOfOrderError

FREE = "free-gift"
TOO_EARLY = (NothingReservedError, StepOutOfOrderError)
PRICES = {CD: 1000, BOOK: 2500, FREE: 0}


def run(ports: Ports, step: Step, order_id: str) -> Outcome:
    if step is Step.REJECT:
        return steps.reject(ports, order_id)
    use_cases: dict[Step, Callable[[Ports, str], Outcome]] = {
        Step.RESERVE: steps.reserve,
        Step.DEBIT: steps.debit,
        Step.COMPLETE: steps.complete,
        Step.REFUND: steps.refund,
        Step.RELEASE: steps.release,
    }
    return use_cases[step](ports, order_id)


class Saga:
    """Where the state machine stands with an order: it retries a step, or gives up and goes the way back from there."""

    FORWARD: ClassVar = {Step.RESERVE: Outcome.RESERVED, Step.DEBIT: Outcome.DEBITED, Step.COMPLETE: Outcome.COMPLETED}
    AFTER_REFUSAL: ClassVar = {
        Outcome.SOLD_OUT: [Step.REJECT],
        Outcome.INSUFFICIENT_FUNDS: [Step.RELEASE, Step.REJECT],
        Outcome.WALLET_MISSING: [Step.RELEASE, Step.REJECT],
    }
    AFTER_FAILURE: ClassVar = {
        Step.RESERVE: [Step.RELEASE, Step.REJECT],
        Step.DEBIT: [Step.REFUND, Step.RELEASE, Step.REJECT],
        Step.COMPLETE: [Step.REFUND, Step.RELEASE, Step.REJECT],
    }

    def __init__(self) -> None:
        self.remaining: list[Step] = list(self.FORWARD)
        self.tried: list[Step] = []
        """What it has asked for so far: any of it may be running still, or run again."""

    @property
    def step(self) -> Step:
        return self.remaining[0]

    def answered(self, outcome: Outcome) -> None:
        step = self.step
        if step not in self.FORWARD or outcome is self.FORWARD[step]:
            self.remaining = self.remaining[1:] or self.remaining
        elif outcome in self.AFTER_REFUSAL:
            self.remaining = list(self.AFTER_REFUSAL[outcome])
        else:
            self.give_up()

    def give_up(self) -> None:
        self.remaining = list(self.AFTER_FAILURE.get(self.step, self.remaining))


class Histories(RuleBasedStateMachine):
    """One Region's checkout with a few orders, scarce stock and scarce money, and whatever can happen to them."""

    FATES: ClassVar = st.sampled_from(["answered", "answered", "answered", "late", "lost_before", "lost_after", "late"])

    def __init__(self) -> None:
        super().__init__()
        self.cells = MemoryCells()
        self.ports = self.cells.ports()
        self.late: list[Commit] = []
        self.sagas: dict[str, Saga] = {}
        self.allotments = Counter[str]()
        for sku, price in PRICES.items():
            list_price(self.ports, sku, usd(price))
            allot(self.ports, sku, units=1)
        deposit_to_wallet(self.ports, deposit_of(usd(PRICES[CD])), request())
        self.place("first", CD)

    @rule(key=st.sampled_from(["first", "second"]), sku=st.sampled_from(sorted(PRICES)))
    def place(self, key: str, sku: str) -> None:
        result = place_order(self.ports, order_of((sku, 1), key=key), request())
        if isinstance(result, Placed):
            self.sagas.setdefault(result.order.id, Saga())

    @rule(key=st.integers(0, 3), amount=st.sampled_from([1000, 2500]))
    def deposit(self, key: int, amount: int) -> None:
        deposit_to_wallet(self.ports, deposit_of(usd(amount), key=f"k{key}"), request())

    @rule(sku=st.sampled_from(sorted(PRICES)), units=st.integers(0, 3))
    def allot(self, sku: str, units: int) -> None:
        self.allotments[sku] += 1
        allot(self.ports, sku, units=units, version=1 + self.allotments[sku])

    @rule(fate=FATES, then=st.sampled_from(["retry", "give up"]), data=st.data())
    def advance(self, fate: str, then: str, data: st.DataObject) -> None:
        """Let a saga take its next step, and learn of the outcome or not; no step ever comes too early for it."""
        order = data.draw(st.sampled_from(sorted(self.sagas)))
        saga = self.sagas[order]
        saga.tried.append(saga.step)
        outcome = self._attempt(saga.step, order, fate)
        if outcome is not None:
            saga.answered(outcome)
        elif then == "give up":
            saga.give_up()

    @rule(fate=FATES, data=st.data())
    def repeat(self, fate: str, data: st.DataObject) -> None:
        """Let a step that was tried run once more, though nobody waits for it."""
        order, step = self._tried(data)
        self._attempt(step, order, fate)

    @rule(data=st.data())
    def race(self, data: st.DataObject) -> None:
        """Let a step that was tried come between the reads and the commit of a saga's next one."""
        rival_order, rival = self._tried(data)

        def come_first() -> None:
            self.cells.before_commit = _nothing
            self._attempt(rival, rival_order, "answered")

        order = data.draw(st.sampled_from(sorted(self.sagas)))
        saga = self.sagas[order]
        saga.tried.append(saga.step)
        self.cells.before_commit = come_first
        outcome = self._attempt(saga.step, order, "answered")
        self.cells.before_commit = _nothing
        if outcome is not None:
            saga.answered(outcome)

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def arrive_late(self, data: st.DataObject) -> None:
        arrive([self.late.pop(data.draw(st.integers(0, len(self.late) - 1)))])

    def _tried(self, data: st.DataObject) -> tuple[str, Step]:
        order = data.draw(st.sampled_from(sorted(self.sagas)))
        return order, data.draw(st.sampled_from(self.sagas[order].tried or [Step.RESERVE]))

    def _attempt(self, step: Step, order: str, fate: str) -> Outcome | None:
        """Run a step and return its outcome, or None where it fails or its answer is lost."""
        slow = LateCommits(self.cells)
        ports = slow.ports if fate == "late" else self.ports
        self.cells.before_commit = _lose if fate == "lost_before" else self.cells.before_commit
        self.cells.after_commit = _lose if fate == "lost_after" else _nothing
        try:
            return run(ports, step, order)
        except (LostAnswerError, UndecidedError):
            return None
        finally:
            self.cells.before_commit = self.cells.after_commit = _nothing
            self.late += slow.kept

    @invariant()
    def nothing_is_lost_and_nothing_is_made(self) -> None:
        check(self.cells.state())

    def teardown(self) -> None:
        """Every order can still be brought to an end, by the saga's own way."""
        for order in self.sagas:
            bring_to_an_end(self.ports, order)
            found = self.cells.state().orders[order]
            assert found.state is not OrderState.PENDING
        arrive(self.late)
        check(self.cells.state())


def bring_to_an_end(ports: Ports, order: str) -> Outcome:
    """Do what the state machine does: forward while all is well, else all the way back."""
    if (
        run(ports, Step.RESERVE, order) is Outcome.RESERVED
        and run(ports, Step.DEBIT, order) is Outcome.DEBITED
        and run(ports, Step.COMPLETE, order) is Outcome.COMPLETED
    ):
        return Outcome.COMPLETED
    run(ports, Step.REFUND, order)
    run(ports, Step.RELEASE, order)
    return run(ports, Step.REJECT, order)


def _lose() -> None:
    raise LostAnswerError


def _nothing() -> None:
    return None


PREFIXES = ([], [Step.RESERVE], [Step.RESERVE, Step.DEBIT])
QUICK = [
    *([step] for step in Step),
    *([first, second] for first in Step for second in Step if first is not second),
    [Step.REFUND, Step.RELEASE, Step.REJECT],
]


@pytest.mark.parametrize("slow", list(Step))
def test_no_step_that_arrives_late_breaks_an_order(slow: Step) -> None:
    """All of it: each step, from each stage of an order, behind any one or two others and behind the whole way back."""
    for prefix, quick in product(PREFIXES, QUICK):
        cells = MemoryCells()
        ports = cells.ports()
        shop(ports, stock=1, price=1000, balance=1000)
        order = place(ports, (CD, 1))
        for step in prefix:
            run(ports, step, order)
        late = LateCommits(cells)
        with suppress(LostAnswerError, *TOO_EARLY):
            run(late.ports, slow, order)
        for step in quick:
            with suppress(*TOO_EARLY):
                run(ports, step, order)

        arrive(late.kept)

        check(cells.state())


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=150,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
