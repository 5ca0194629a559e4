"""The checkout saga as a state machine: reserve, debit, complete, and the way back. Amazon States Language, no Pulumi.

A business refusal is an outcome in a step's answer; an exception is technical. Both lead back over what may have been
done: refund, release, reject.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

State = dict[str, Any]

FUNCTION_TIMEOUT_SECONDS: Final = 15
# Above the function's own, so that a step is over, and not merely given up, when the next one starts.
_TASK_TIMEOUT_SECONDS: Final = FUNCTION_TIMEOUT_SECONDS + 5


class Step(StrEnum):
    """What the steps' function is asked to do."""

    RESERVE = "reserve"
    DEBIT = "debit"
    COMPLETE = "complete"
    REFUND = "refund"
    RELEASE = "release"
    REJECT = "reject"


# Full jitter keeps the orders of one incident from coming back all at once.
_RETRY_A_MINUTE: Final = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 1,
    "BackoffRate": 2,
    "MaxDelaySeconds": 20,
    "MaxAttempts": 5,
    "JitterStrategy": "FULL",
}
# For steps that have no way around: a few hours. Then the execution fails in that very step and raises the alarm; a
# redrive of the execution goes on there. A catch into a Fail state would have to start over.
_RETRY_FOR_HOURS: Final = {
    **_RETRY_A_MINUTE,
    "IntervalSeconds": 2,
    "MaxDelaySeconds": 300,
    "MaxAttempts": 80,
}


def definition(steps_version_arn: str) -> Mapping[str, Any]:
    """Return the state machine over one published version of the steps' function."""

    def attempt(step: Step, *, then: str, on_failure: str) -> State:
        return {
            **_invoke(step, steps_version_arn),
            "Retry": [_RETRY_A_MINUTE],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": on_failure}],
            "Next": then,
        }

    def insist(step: Step, *, then: str) -> State:
        return {**_invoke(step, steps_version_arn), "Retry": [_RETRY_FOR_HOURS], "Next": then}

    return {
        "Comment": "Checkout: reserve stock, debit the wallet, complete the order; or undo what was done and reject it",
        "StartAt": "Reserve",
        "States": {
            "Reserve": attempt(Step.RESERVE, then="Reserved?", on_failure="Reservation failed"),
            "Reserved?": _choose({"Reserved": "Debit", "SoldOut": "Sold out"}, otherwise="Reservation failed"),
            # A refused reservation holds nothing: there is nothing to release.
            "Sold out": _because_of_the_outcome(then="Reject"),
            # Whether anything is held is not known: release, which does nothing where nothing is held.
            "Reservation failed": _because_of_a_technical_failure(then="Release"),
            "Debit": attempt(Step.DEBIT, then="Debited?", on_failure="Debit failed"),
            "Debited?": _choose(
                {
                    "Debited": "Complete",
                    "InsufficientFunds": "Debit refused",
                    "CurrencyMismatch": "Debit refused",
                    "WalletMissing": "Debit refused",
                },
                otherwise="Debit failed",
            ),
            # A refused debit took nothing: there is nothing to refund.
            "Debit refused": _because_of_the_outcome(then="Release"),
            # Whether the money was taken is not known: refund, which does nothing where there was no debit.
            "Debit failed": _because_of_a_technical_failure(then="Refund"),
            "Complete": attempt(Step.COMPLETE, then="Completed?", on_failure="Completion failed"),
            "Completed?": _choose({"Completed": "Completed"}, otherwise="Completion failed"),
            # Whether the order is completed is not known. The way back is safe: a step that finds a completed order
            # leaves it as it is and answers so.
            "Completion failed": _because_of_a_technical_failure(then="Refund"),
            "Refund": insist(Step.REFUND, then="Refunded?"),
            "Refunded?": _choose({"Completed": "Completed"}, otherwise="Release"),
            "Release": insist(Step.RELEASE, then="Reject"),
            "Reject": insist(Step.REJECT, then="Rejected?"),
            # An order that somebody else has ended meanwhile stays as it is.
            "Rejected?": _choose({"Completed": "Completed"}, otherwise="Rejected"),
            "Completed": {"Type": "Succeed"},
            "Rejected": {"Type": "Succeed"},
        },
    }


def _invoke(step: Step, version_arn: str) -> State:
    payload = {"step": step.value, "orderId.$": "$.orderId", "customerId.$": "$.customerId"}
    if step is Step.REJECT:
        payload["reason.$"] = "$.reason"
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": version_arn, "Payload": payload},
        "TimeoutSeconds": _TASK_TIMEOUT_SECONDS,
        "ResultSelector": {"outcome.$": "$.Payload.outcome"},
        "ResultPath": "$.answer",
    }


def _choose(next_by_outcome: Mapping[str, str], *, otherwise: str) -> State:
    return {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.answer.outcome", "StringEquals": outcome, "Next": state}
            for outcome, state in next_by_outcome.items()
        ],
        # An outcome that this version does not know says nothing about what was done.
        "Default": otherwise,
    }


def _because_of_the_outcome(*, then: str) -> State:
    return {"Type": "Pass", "InputPath": "$.answer.outcome", "ResultPath": "$.reason", "Next": then}


def _because_of_a_technical_failure(*, then: str) -> State:
    return {"Type": "Pass", "Result": "TechnicalFailure", "ResultPath": "$.reason", "Next": then}
