"""Writes that come too late: of a step whose order has ended, and of an operation that others have overtaken."""

from __future__ import annotations

from contextlib import suppress
from itertools import product

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.auditing import write
from tests.workloads.checkout.builders import CD, CUSTOMER, allot, command, place, shop
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.late_commits import LateCommits, LostAnswerError, arrive
from tests.workloads.checkout.test_expiry import left_in_the_index
from tests.workloads.checkout.test_histories import PREFIXES, run
from tests.workloads.checkout.test_transfers import deliver, instructions, transfer
from workloads.checkout.application.audit import Report
from workloads.checkout.application.chase import Chased, chase
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.operations.redrive import redrive
from workloads.checkout.application.sweep import Swept, sweep
from workloads.checkout.application.transfer import remind
from workloads.checkout.domain.operation import Redrive
from workloads.checkout.domain.order import OrderState
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.step import NothingReservedError, Step, StepOutOfOrderError

TO_THE_END = ([Step.COMPLETE], [Step.REJECT], [Step.RELEASE, Step.REJECT], [Step.REFUND, Step.RELEASE, Step.REJECT])


@pytest.mark.parametrize("balance", [1000, 0], ids=["solvent", "broke"])
@pytest.mark.parametrize("slow", list(Step))
def test_no_step_that_arrives_after_the_end_of_its_order_writes_anything(slow: Step, balance: int) -> None:
    for prefix, quick in product(PREFIXES, TO_THE_END):
        cells = MemoryCells()
        ports = cells.ports()
        shop(ports, stock=1, price=1000, balance=balance or 1)
        order = place(ports, (CD, 1))
        for step in prefix:
            run(ports, step, order)
        late = LateCommits(cells)
        with suppress(LostAnswerError, StepOutOfOrderError, NothingReservedError):
            run(late.ports, slow, order)
        for step in quick:
            with suppress(StepOutOfOrderError):
                run(ports, step, order)
        ended = cells.state()
        if ended.orders[order].state is OrderState.PENDING:
            continue

        arrive(late.kept)

        assert cells.state() == ended, (prefix, quick)


def test_what_an_order_holds_that_has_ended_all_the_same_is_left_to_operators() -> None:
    cells = MemoryCells()
    shop(cells.ports())
    order = place(cells.ports())
    steps.reserve(cells.ports(), order)
    write(cells, f"ORDER#{order}", "ORDER", "state", "Rejected")
    damaged = cells.state()

    with pytest.raises(UndecidedError):
        steps.release(cells.ports(), order)

    assert cells.state() == damaged


def test_an_order_that_ends_while_its_redrive_is_decided_is_not_started_again() -> None:
    cells = MemoryCells()
    shop(cells.ports())
    order = place(cells.ports())

    def end() -> None:
        cells.before_commit = lambda: None
        steps.reject(cells.ports(), order)

    cells.before_commit = end

    refused = redrive(cells.ports(), Redrive(order_id=order), command())

    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.ORDER_ENDED


def test_what_the_sweeper_would_forget_and_somebody_else_writes_meanwhile_is_no_failure() -> None:
    cells = MemoryCells()
    order = left_in_the_index(cells)
    cells.before_commit = lambda: write(cells, f"ORDER#{order}", "RESERVATION", "state", "Held")

    assert sweep(cells.ports()) == Swept(released=(), forgotten=(order,), failed=())


def test_a_transfer_is_told_again_only_while_it_is_on_its_way() -> None:
    cells = MemoryCells()
    allot(cells.ports(), units=10)
    assert not remind(cells.ports(), "t-1")
    transfer(cells.ports())
    assert remind(cells.ports(), "t-1")

    for event in instructions(cells):
        deliver(cells, event)

    assert not remind(cells.ports(), "t-1")


def test_a_transfer_that_somebody_else_sends_again_keeps_no_order_from_its_saga() -> None:
    cells = MemoryCells()
    allot(cells.ports(), units=10)
    transfer(cells.ports())
    asked: list[object] = []

    def remind_first() -> None:
        cells.before_commit = lambda: None
        remind(cells.ports(), "t-1")
        cells.before_commit = remind_first

    cells.before_commit = remind_first
    report = Report(
        findings=(), orders=1, wallets=0, skus=0, waiting_orders=(("o-1", CUSTOMER),), waiting_transfers=("t-1",)
    )

    chased = chase(cells.ports(), asked.append, report)

    assert chased == Chased(orders=("o-1",), transfers=())
    assert asked == [(("o-1", CUSTOMER),)]
