"""The interpreter's shortcuts say what the library says that stands for Step Functions' JSONata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonata.jexception import JException

from components.checkout_saga_states import definition
from tests.simulation.state_machine import StateError, by_the_library, evaluate
from workloads.checkout.domain.step import Outcome

MACHINE = definition(steps_version_arn="steps", repair_queue_url="repair")
INPUT = {"orderId": "o-1", "customerId": "us-east-1.c-1"}


def expressions(template: Any) -> Iterator[str]:
    match template:
        case dict():
            for value in template.values():
                yield from expressions(value)
        case list():
            for value in template:
                yield from expressions(value)
        case str() if template.startswith("{%"):
            yield template
        case _:
            return


@pytest.mark.parametrize("expression", sorted(set(expressions(MACHINE))))
@pytest.mark.parametrize("outcome", [*(outcome.value for outcome in Outcome), None])
def test_every_expression_of_the_saga_is_what_the_library_makes_of_it(expression: str, outcome: str | None) -> None:
    answer: dict[str, Any] = {} if outcome is None else {"outcome": outcome}
    execution = {"Execution": {"Id": "arn:o-1"}}
    states = {"input": INPUT, "context": execution, "result": {"Payload": answer}, "errorOutput": {"Error": "E"}}

    try:
        expected = by_the_library(expression[2:-2].strip())(states)
    except JException:
        expected = None

    try:
        found = evaluate(expression, states)
    except StateError:
        found = None

    assert found == expected
