"""The checkout saga: which steps an order takes, whatever a step answers or throws."""

import json
from collections.abc import Mapping

import pytest

from components.checkout_saga_states import FUNCTION_TIMEOUT_SECONDS, definition
from local.recording import Graph
from tests.infrastructure.inspection import statements
from tests.infrastructure.state_machine import Execution, ExecutionFailedError, LostAnswer, Throws, run
from workloads.checkout.application.steps import UnknownOrderError
from workloads.checkout.domain.step import NothingReservedError

STEPS = "arn:aws:lambda:us-east-1:123456789012:function:meridian-checkout-saga-steps:7"
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/meridian-checkout-repair"
MACHINE = definition(steps_version_arn=STEPS, repair_queue_url=QUEUE)
NOT_YET = Throws(NothingReservedError.__name__)
REFUSED_DEBITS = ("InsufficientFunds", "CurrencyMismatch", "WalletMissing", "CancellationRequested")


def saga(**answers: object) -> Execution:
    """Run an order through the saga; a step without an answer does what it should."""
    usual = {
        "reserve": "Reserved",
        "debit": "Debited",
        "complete": "Completed",
        "refund": "Refunded",
        "release": "Released",
        "reject": "Rejected",
    }
    return run(MACHINE, {"orderId": "o-1", "customerId": "us-east-1.c-1"}, usual | answers)


def test_an_order_that_has_its_stock_pays_and_completes_in_two_states() -> None:
    execution = saga()

    assert execution.steps == ["debit", "complete"]
    assert execution.states == ["Debit", "Complete"]


def test_an_order_that_has_no_stock_yet_reserves_pays_and_completes() -> None:
    execution = saga(debit=[NOT_YET, "Debited"])

    assert execution.steps == ["debit", "reserve", "debit", "complete"]
    assert execution.waited_seconds == 0


@pytest.mark.parametrize("refusal", ["SoldOut", "CancellationRequested"])
def test_a_refused_reservation_is_rejected_without_a_release(refusal: str) -> None:
    assert saga(debit=NOT_YET, reserve=refusal).steps == ["debit", "reserve", "reject"]


@pytest.mark.parametrize("refusal", REFUSED_DEBITS)
def test_a_refused_debit_releases_and_refunds_nothing(refusal: str) -> None:
    assert saga(debit=refusal).steps == ["debit", "release", "reject"]


def test_a_refusal_is_not_asked_for_again() -> None:
    refused = (saga(debit=NOT_YET, reserve="SoldOut"), saga(debit="WalletMissing"), saga(complete="Released"))

    assert [execution.waited_seconds for execution in refused] == [0, 0, 0]


def test_a_reservation_that_may_have_happened_is_released() -> None:
    steps = saga(debit=NOT_YET, reserve=Throws("Timeout")).steps

    assert list(dict.fromkeys(steps)) == ["debit", "reserve", "release", "reject"]


def test_a_debit_that_may_have_happened_is_refunded_before_the_stock_is_released() -> None:
    steps = saga(debit=Throws("Timeout")).steps

    assert list(dict.fromkeys(steps)) == ["debit", "refund", "release", "reject"]


def test_a_completion_that_can_not_be_reached_is_undone_in_reverse_order() -> None:
    steps = saga(complete=Throws("Timeout")).steps

    assert list(dict.fromkeys(steps)) == ["debit", "complete", "refund", "release", "reject"]


def test_a_completion_that_had_happened_is_left_as_it_is() -> None:
    execution = saga(complete=Throws("Timeout"), refund="Completed", release="Completed", reject="Completed")

    assert execution.states[-1] == "Reject"


@pytest.mark.parametrize("outcome", ["Released", "CancellationRequested", "ReservationExpired"])
def test_an_order_that_was_given_up_meanwhile_is_undone(outcome: str) -> None:
    execution = saga(complete=outcome, reject="Cancelled")

    assert execution.steps == ["debit", "complete", "refund", "release", "reject"]


def test_an_execution_that_is_started_again_half_way_gives_back_what_is_still_held() -> None:
    execution = saga(debit="Refunded", reject=["Uncompensated", "Rejected"])

    assert execution.steps == ["debit", "release", "reject", "refund", "release", "reject"]


@pytest.mark.parametrize("step", ["reserve", "debit", "complete"])
def test_a_lost_answer_is_asked_for_again(step: str) -> None:
    usual = {"reserve": "Reserved", "debit": "Debited", "complete": "Completed"}
    unreserved = {"debit": [NOT_YET, "Debited"]} if step == "reserve" else {}
    execution = saga(**unreserved, **{step: LostAnswer(usual[step], times=3)})

    assert execution.steps.count(step) == 4
    assert execution.states[-1] == "Complete"


@pytest.mark.parametrize("step", ["refund", "release", "reject"])
def test_a_way_back_that_is_blocked_for_hours_is_parked_in_the_repair_queue(step: str) -> None:
    with pytest.raises(ExecutionFailedError) as failure:
        saga(debit=Throws("Timeout"), **{step: Throws("Blocked")})

    assert failure.value.error == "Parked"
    assert failure.value.execution.waited_seconds > 2 * 3600
    assert failure.value.execution.sent == [
        {
            "orderId": "o-1",
            "customerId": "us-east-1.c-1",
            "step": step,
            "error": "Blocked",
            "execution": "execution-1",
        }
    ]


@pytest.mark.parametrize(
    ("step", "answers", "asked"),
    [
        ("debit", {}, ["debit"]),
        ("reserve", {"debit": NOT_YET}, ["debit", "reserve"]),
        ("complete", {}, ["debit", "complete"]),
        ("refund", {"complete": "Released"}, ["debit", "complete", "refund"]),
        ("release", {"debit": "WalletMissing"}, ["debit", "release"]),
        ("reject", {"debit": NOT_YET, "reserve": "SoldOut"}, ["debit", "reserve", "reject"]),
    ],
)
def test_an_order_that_is_not_this_regions_ends_the_execution_at_once_and_parks_nothing(
    step: str, answers: Mapping[str, object], asked: list[str]
) -> None:
    with pytest.raises(ExecutionFailedError) as failure:
        saga(**answers, **{step: Throws(UnknownOrderError.__name__)})

    execution = failure.value.execution
    assert failure.value.error == "UnknownOrder"
    assert (execution.steps, execution.waited_seconds, execution.sent) == (asked, 0, [])


def test_every_step_is_bounded_and_retried_with_full_jitter() -> None:
    tasks = [state for state in MACHINE["States"].values() if state.get("Resource") == "arn:aws:states:::lambda:invoke"]

    assert len(tasks) == 6
    for task in tasks:
        assert task["TimeoutSeconds"] > FUNCTION_TIMEOUT_SECONDS
        answers, failures = task["Retry"]
        assert answers["MaxAttempts"] == 0
        assert failures["JitterStrategy"] == "FULL"
        assert failures["MaxDelaySeconds"] <= 300


def test_parking_is_bounded_and_tried_again_for_hours() -> None:
    park = MACHINE["States"]["Park"]
    [failures] = park["Retry"]

    assert park["TimeoutSeconds"] > 0
    assert failures["ErrorEquals"] == ["States.ALL"]
    assert failures["MaxAttempts"] * failures["MaxDelaySeconds"] > 3600


def test_a_step_is_told_the_order_and_the_customer() -> None:
    assert MACHINE["States"]["Debit"]["Arguments"]["Payload"] == {
        "step": "debit",
        "orderId": "{% $states.input.orderId %}",
        "customerId": "{% $states.input.customerId %}",
    }


def test_the_saga_may_send_to_the_repair_queue_only(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        (machine,) = graph.of_type("aws:sfn/stateMachine:StateMachine")
        queue = graph.named("aws:sqs/queue:Queue", "meridian-data-checkout-repair-queue")
        sending = [s for s in statements(graph) if "sqs:SendMessage" in s.actions]
        sending = [s for s in sending if s.resource.inputs.get("role") == "meridian-checkout-saga-" + graph.stack]

        assert [s.resources for s in sending] == [[queue.outputs["arn"]]]
        assert (
            json.loads(machine.inputs["definition"])["States"]["Park"]["Arguments"]["QueueUrl"] == queue.outputs["url"]
        )


def test_the_state_machine_pins_a_published_version_of_its_steps(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        (machine,) = graph.of_type("aws:sfn/stateMachine:StateMachine")
        steps = graph.named("aws:lambda/function:Function", "meridian-checkout-saga-steps")
        declared = json.loads(machine.inputs["definition"])

        assert steps.inputs["publish"] is True
        assert steps.outputs["qualifiedArn"] != steps.outputs["arn"]
        invoked = {s["Arguments"].get("FunctionName") for s in declared["States"].values() if s["Type"] == "Task"} - {
            None
        }
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
