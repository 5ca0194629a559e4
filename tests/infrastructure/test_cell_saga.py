"""The checkout saga: which steps an order takes, whatever a step answers or throws."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.checkout_saga_states import FUNCTION_TIMEOUT_SECONDS, definition
from local.recording import Graph
from tests.infrastructure.inspection import statements
from tests.infrastructure.state_machine import ExecutionFailedError, LostAnswer, Throws, run

STEPS = "arn:aws:lambda:us-east-1:123456789012:function:meridian-checkout-saga-steps:7"
REFUSED_DEBITS = ("InsufficientFunds", "CurrencyMismatch", "WalletMissing")


def saga(**answers: object) -> tuple[list[str], dict[str, Any], str]:
    """Run an order through the saga; a step without an answer does what it should."""
    usual = {
        "reserve": "Reserved",
        "debit": "Debited",
        "complete": "Completed",
        "refund": "Refunded",
        "release": "Released",
        "reject": "Rejected",
    }
    return run(definition(STEPS), {"orderId": "o-1", "customerId": "us-east-1.c-1"}, usual | answers)


def test_an_order_reserves_pays_and_completes() -> None:
    steps, _, end = saga()

    assert (steps, end) == (["reserve", "debit", "complete"], "Completed")


def test_sold_out_is_rejected_without_a_release() -> None:
    steps, data, end = saga(reserve="SoldOut")

    assert (steps, end) == (["reserve", "reject"], "Rejected")
    assert data["reason"] == "SoldOut"


@pytest.mark.parametrize("refusal", REFUSED_DEBITS)
def test_a_refused_debit_releases_and_refunds_nothing(refusal: str) -> None:
    steps, data, end = saga(debit=refusal)

    assert (steps, end) == (["reserve", "debit", "release", "reject"], "Rejected")
    assert data["reason"] == refusal


def test_a_reservation_that_may_have_happened_is_released() -> None:
    steps, data, end = saga(reserve=Throws("Timeout"))

    assert (list(dict.fromkeys(steps)), end) == (["reserve", "release", "reject"], "Rejected")
    assert data["reason"] == "TechnicalFailure"


def test_a_debit_that_may_have_happened_is_refunded_before_the_stock_is_released() -> None:
    steps, data, end = saga(debit=Throws("Timeout"))

    assert (list(dict.fromkeys(steps)), end) == (["reserve", "debit", "refund", "release", "reject"], "Rejected")
    assert data["reason"] == "TechnicalFailure"


def test_a_completion_that_can_not_be_reached_is_undone_in_reverse_order() -> None:
    steps, data, end = saga(complete=Throws("Timeout"))

    taken = list(dict.fromkeys(steps))
    assert (taken, end) == (["reserve", "debit", "complete", "refund", "release", "reject"], "Rejected")
    assert data["reason"] == "TechnicalFailure"


def test_a_completion_that_had_happened_is_left_as_it_is() -> None:
    steps, _, end = saga(complete=Throws("Timeout"), refund="Completed")

    assert (list(dict.fromkeys(steps)), end) == (["reserve", "debit", "complete", "refund"], "Completed")


def test_an_order_that_was_given_up_meanwhile_is_undone() -> None:
    steps, _, end = saga(complete="Released")

    assert (steps, end) == (["reserve", "debit", "complete", "refund", "release", "reject"], "Rejected")


@pytest.mark.parametrize("step", ["reserve", "debit", "complete"])
def test_a_lost_answer_is_asked_for_again(step: str) -> None:
    usual = {"reserve": "Reserved", "debit": "Debited", "complete": "Completed"}
    steps, _, end = saga(**{step: LostAnswer(usual[step], times=3)})

    assert steps.count(step) == 4
    assert end == "Completed"


@pytest.mark.parametrize("step", ["reserve", "debit"])
def test_an_outcome_of_a_later_version_is_taken_for_a_failure(step: str) -> None:
    _, data, end = saga(**{step: "Deferred"})

    assert (data["reason"], end) == ("TechnicalFailure", "Rejected")


@pytest.mark.parametrize("step", ["refund", "release", "reject"])
def test_a_way_back_that_is_blocked_for_hours_fails_the_execution_in_that_step(step: str) -> None:
    with pytest.raises(ExecutionFailedError) as failure:
        saga(debit=Throws("Timeout"), **{step: Throws("Timeout")})

    assert failure.value.state == step.capitalize()
    assert failure.value.waited_seconds > 2 * 3600


def test_every_step_is_bounded_and_retried_with_full_jitter() -> None:
    tasks = [state for state in definition(STEPS)["States"].values() if state["Type"] == "Task"]

    assert len(tasks) == 6
    for task in tasks:
        assert task["Resource"] == "arn:aws:states:::lambda:invoke"
        assert task["TimeoutSeconds"] > FUNCTION_TIMEOUT_SECONDS
        assert [retry["JitterStrategy"] for retry in task["Retry"]] == ["FULL"]
        assert all(retry["MaxDelaySeconds"] <= 300 for retry in task["Retry"])


def test_a_step_is_told_the_order_and_the_customer_and_the_last_one_why() -> None:
    states = definition(STEPS)["States"]

    assert states["Debit"]["Parameters"]["Payload"] == {
        "step": "debit",
        "orderId.$": "$.orderId",
        "customerId.$": "$.customerId",
    }
    assert states["Reject"]["Parameters"]["Payload"]["reason.$"] == "$.reason"


def test_the_state_machine_pins_a_published_version_of_its_steps(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        (machine,) = graph.of_type("aws:sfn/stateMachine:StateMachine")
        steps = graph.named("aws:lambda/function:Function", "meridian-checkout-saga-steps")
        declared = json.loads(machine.inputs["definition"])

        assert steps.inputs["publish"] is True
        assert steps.outputs["qualifiedArn"] != steps.outputs["arn"]
        invoked = {s["Parameters"]["FunctionName"] for s in declared["States"].values() if s["Type"] == "Task"}
        assert invoked == {steps.outputs["qualifiedArn"]}


def test_the_state_machine_is_standard_logged_traced_and_encrypted(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        (machine,) = graph.of_type("aws:sfn/stateMachine:StateMachine")

        assert machine.inputs["type"] == "STANDARD"
        assert machine.inputs["tracingConfiguration"] == {"enabled": True}
        assert machine.inputs["encryptionConfiguration"]["type"] == "CUSTOMER_MANAGED_KMS_KEY"
        assert machine.inputs["loggingConfiguration"]["includeExecutionData"] is False


def test_the_saga_may_invoke_its_steps_only(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        steps = graph.named("aws:lambda/function:Function", "meridian-checkout-saga-steps")
        invoking = [s for s in statements(graph) if "lambda:InvokeFunction" in s.actions]
        invoking = [s for s in invoking if s.resource.inputs["role"].startswith("meridian-checkout-saga")]

        assert [s.resources for s in invoking] == [[f"{steps.outputs['arn']}:*"]]


def test_a_saga_without_an_outcome_raises_an_alarm(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        failed = graph.named("aws:cloudwatch/metricAlarm:MetricAlarm", "meridian-saga-failed")
        watched = {q["metric"]["metricName"] for q in failed.inputs["metricQueries"] if "metric" in q}

        assert watched == {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"}
        assert failed.inputs["threshold"] == 0
