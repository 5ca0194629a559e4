"""The checkout saga as a state machine: reserve, debit, complete, and the way back. Amazon States Language, no Pulumi.

The saga's starter has reserved already where it could, so an execution begins with the debit; where nothing is reserved
yet, the debit says so and the execution reserves. A business refusal is an outcome in a step's answer; an exception is
technical. Both lead back over what may have been done: refund, release, reject. Each state costs, so the way forward is
its steps and nothing more: a step's `Output` raises where the answer is not the one that the next step builds on, and
its `Catch` leads back. An order that is not this Region's ends the execution where it is. On the way back a step that
finds the order completed leaves it as it is and answers so.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

State = dict[str, Any]

FUNCTION_TIMEOUT_SECONDS: Final = 15
# Above the function's own, so that a step is over, and not merely given up, when the next one starts. There is no
# heartbeat: an invocation of a function is a request and its answer, and nothing beats in between.
_TASK_TIMEOUT_SECONDS: Final = FUNCTION_TIMEOUT_SECONDS + 5
_PARKING_TIMEOUT_SECONDS: Final = 10

_REFUSED: Final = "States.QueryEvaluationError"
"""What Step Functions reports where an `Output` raises (Step Functions Developer Guide, JSONata)."""
_NOTHING_RESERVED: Final = "NothingReservedError"
"""The name of the debit's exception, which Lambda reports as the error's."""
_UNKNOWN_ORDER: Final = "UnknownOrderError"
"""The name of every step's exception where the order is not this Region's or not that customer's."""
_FAILED: Final = "States.ALL"
_INPUT: Final = "{% $states.input %}"


class Step(StrEnum):
    """What the steps' function is asked to do."""

    RESERVE = "reserve"
    DEBIT = "debit"
    COMPLETE = "complete"
    REFUND = "refund"
    RELEASE = "release"
    REJECT = "reject"


# An answer stays the same however often it is asked for.
_DO_NOT_RETRY_ANSWERS: Final = {"ErrorEquals": [_REFUSED, _NOTHING_RESERVED, _UNKNOWN_ORDER], "MaxAttempts": 0}
# Full jitter keeps the orders of one incident from coming back all at once.
_RETRY_A_MINUTE: Final[Mapping[str, Any]] = {
    "ErrorEquals": [_FAILED],
    "IntervalSeconds": 1,
    "BackoffRate": 2,
    "MaxDelaySeconds": 20,
    "MaxAttempts": 5,
    "JitterStrategy": "FULL",
}


def _longest_attempts() -> int:
    """Return the seconds of a step whose every attempt times out, with the longest waits between them."""
    retry = _RETRY_A_MINUTE
    waits = (retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"]))
    return (retry["MaxAttempts"] + 1) * _TASK_TIMEOUT_SECONDS + sum(min(w, retry["MaxDelaySeconds"]) for w in waits)


LONGEST_WAY_FORWARD_SECONDS: Final = 3 * _longest_attempts()
"""Reserve, debit and complete: an order that gets through has its units for longer (`orders.reservationMinutes`)."""
# For steps that have no way around: a few hours. Then the checkout is parked in the repair queue, for a person.
_RETRY_FOR_HOURS: Final = {
    **_RETRY_A_MINUTE,
    "IntervalSeconds": 2,
    "MaxDelaySeconds": 300,
    "MaxAttempts": 80,
}


def definition(*, steps_version_arn: str, repair_queue_url: str) -> Mapping[str, Any]:
    """Return the state machine over one published version of the steps' function.

    Started again under another name, it goes the same way: what was done stays done, and what was given back stays so.
    """

    def attempt(step: Step, *, expects: str, then: str | None, otherwise: Mapping[str, str]) -> State:
        return {
            **_invoke(step, steps_version_arn, expects=[expects]),
            "Retry": [_DO_NOT_RETRY_ANSWERS, _RETRY_A_MINUTE],
            "Catch": [
                _catch(_UNKNOWN_ORDER, then="UnknownOrder"),
                *(_catch(error, then=state) for error, state in otherwise.items()),
            ],
            **_next(then),
        }

    def insist(step: Step, *, expects: Sequence[str], then: str | None) -> State:
        return {
            **_invoke(step, steps_version_arn, expects=expects),
            "Retry": [_DO_NOT_RETRY_ANSWERS, _RETRY_FOR_HOURS],
            "Catch": [
                _catch(_UNKNOWN_ORDER, then="UnknownOrder"),
                # It still holds stock or money: only where an execution was started again half way through.
                *([_catch(_REFUSED, then="Refund")] if step is Step.REJECT else []),
                {"ErrorEquals": [_FAILED], "Output": _parked(step), "Next": "Park"},
            ],
            **_next(then),
        }

    return {
        "Comment": "Checkout: reserve stock, debit the wallet, complete the order; or undo what was done and reject it",
        "QueryLanguage": "JSONata",
        "StartAt": "Debit",
        "States": {
            # A refused debit took nothing: there is nothing to refund. After a failure nobody knows: refund, which does
            # nothing where nothing was paid.
            "Debit": attempt(
                Step.DEBIT,
                expects="Debited",
                then="Complete",
                otherwise={_REFUSED: "Release", _NOTHING_RESERVED: "Reserve", _FAILED: "Refund"},
            ),
            # A refused reservation holds nothing: there is nothing to release.
            "Reserve": attempt(
                Step.RESERVE, expects="Reserved", then="Debit", otherwise={_REFUSED: "Reject", _FAILED: "Release"}
            ),
            # Refused or failed, all of it goes back.
            "Complete": attempt(Step.COMPLETE, expects="Completed", then=None, otherwise={_FAILED: "Refund"}),
            "Refund": insist(Step.REFUND, expects=["Refunded", "Completed"], then="Release"),
            "Release": insist(Step.RELEASE, expects=["Released", "Completed"], then="Reject"),
            "Reject": insist(Step.REJECT, expects=["Rejected", "Cancelled", "Completed"], then=None),
            # Started by hand, or in another Region: there is nothing to do here, and nothing to mend.
            "UnknownOrder": {
                "Type": "Fail",
                "Error": "UnknownOrder",
                "Cause": "This Region is not the home of such an order of that customer: nothing was done",
            },
            "Park": _park(repair_queue_url),
            "Parked": {
                "Type": "Fail",
                "Error": "Parked",
                "Cause": "The way back is blocked, and the repair queue says where: mend the cause, then redrive it",
            },
        },
    }


def _invoke(step: Step, version_arn: str, *, expects: Sequence[str]) -> State:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {
            "FunctionName": version_arn,
            "Payload": {
                "step": step.value,
                "orderId": "{% $states.input.orderId %}",
                "customerId": "{% $states.input.customerId %}",
            },
        },
        "TimeoutSeconds": _TASK_TIMEOUT_SECONDS,
        "Output": _output(expects),
    }


def _output(expects: Sequence[str]) -> str:
    """Pass the input on, or raise where the outcome is none that the next step builds on."""
    outcome, names = "$states.result.Payload.outcome", ", ".join(f"'{name}'" for name in expects)
    return f"{{% {outcome} in [{names}] ? $states.input : $error($string({outcome})) %}}"


def _catch(error: str, *, then: str) -> State:
    return {"ErrorEquals": [error], "Output": _INPUT, "Next": then}


def _next(then: str | None) -> State:
    return {"End": True} if then is None else {"Next": then}


def _parked(step: Step) -> str:
    return f"{{% $merge([$states.input, {{'step': '{step}', 'error': $states.errorOutput.Error}}]) %}}"


def _park(repair_queue_url: str) -> State:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Arguments": {
            "QueueUrl": repair_queue_url,
            "MessageBody": {
                "orderId": "{% $states.input.orderId %}",
                "customerId": "{% $states.input.customerId %}",
                "step": "{% $states.input.step %}",
                "error": "{% $states.input.error %}",
                "execution": "{% $states.context.Execution.Id %}",
            },
        },
        "TimeoutSeconds": _PARKING_TIMEOUT_SECONDS,
        "Retry": [_RETRY_FOR_HOURS],
        "Next": "Parked",
    }
