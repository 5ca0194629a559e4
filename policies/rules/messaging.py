"""No message is lost, and none is retried for ever: dead letters, bounds, and the right to send."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, Final

from pulumi_policy import Severity
from pydantic import Field

from policies import tokens
from policies.configuration import Parameters
from policies.documents import statements_about
from policies.resources import Resource, Stack, is_identity
from policies.rule import Theme, resource_rule, stack_rule

# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_TIMEOUTS_A_VISIBILITY: Final = 6
_DEFAULT_FUNCTION_TIMEOUT: Final = 3
_DEFAULT_VISIBILITY: Final = 30


class DeadLetters(Parameters):
    """Which queues hold what nobody could handle."""

    dead_letter_suffix: str = Field(default="-dead-letters", description="How names of dead-letter queues end.")
    for_people: dict[str, str] = Field(
        default_factory=dict,
        description="Other queues that nothing but a person works off, by name, each with the reason.",
    )


class Redrive(DeadLetters):
    """How often a message is tried."""

    least_receives: int = Field(default=3, ge=1, description="Fewer attempts than this give up at the first hiccup.")
    most_receives: int = Field(default=10, ge=1, description="More attempts than this hold up what comes after.")
    never_poison: dict[str, str] = Field(
        default_factory=dict,
        description="Queues, by name with `*` for any part, whose messages may come again for ever, with the reason.",
    )


class Retention(DeadLetters):
    """How long dead letters are kept."""

    days: int = Field(default=14, ge=1, le=14, description="For how many days dead letters are kept; SQS ends at 14.")


class Delivery(Parameters):
    """How long the bus tries."""

    most_attempts: int = Field(default=50, ge=0, le=185, description="The most attempts to deliver an event.")
    most_age_hours: int = Field(default=6, ge=1, le=24, description="The greatest age of an event that is tried again.")


class Attempts(Parameters):
    """How often a batch is tried."""

    most_attempts: int = Field(default=20, ge=0, description="The most attempts after the first one.")


class Steps(Parameters):
    """How steps of a state machine end."""

    most_attempts: int = Field(default=100, ge=0, description="The most attempts of a task after the first one.")
    uncaught: dict[str, str] = Field(
        default_factory=dict,
        description="Tasks that may fail the execution, `<machine>.<task>`, each with the reason.",
    )


@resource_rule(
    Theme.MESSAGING,
    tokens.QUEUE,
    reason="Without it a message that can not be handled comes back for days and wears out its consumer.",
    remedy="Set a redrive policy with the queue's dead-letter queue and maxReceiveCount.",
    severity=Severity.HIGH,
)
def queues_have_dead_letters(queue: Resource, parameters: Redrive) -> Iterator[str]:
    """Every queue hands over to a dead-letter queue after a bounded number of attempts."""
    if _is_dead_letter_queue(queue, parameters):
        return
    if any(fnmatchcase(queue.properties.text("name"), name) for name in parameters.never_poison):
        return
    if not queue.properties.has("redrivePolicy"):
        yield "redrivePolicy is not set"
        return
    receives = int(_document(queue.properties.get("redrivePolicy")).get("maxReceiveCount", 0))
    if not parameters.least_receives <= receives <= parameters.most_receives:
        yield (f"maxReceiveCount is {receives}: it must be {parameters.least_receives} to {parameters.most_receives}")


@resource_rule(
    Theme.MESSAGING,
    tokens.QUEUE,
    reason="The clock of a message does not start again in the dead-letter queue: four days may be over on a Monday.",
    remedy="Set message_retention_seconds to 14 days.",
    severity=Severity.HIGH,
)
def dead_letters_are_kept(queue: Resource, parameters: Retention) -> Iterator[str]:
    """Dead-letter queues keep messages as long as SQS can."""
    if not _is_dead_letter_queue(queue, parameters):
        return
    seconds = queue.properties.number("messageRetentionSeconds") or 4 * 86_400
    if seconds < parameters.days * 86_400:
        yield f"messageRetentionSeconds is {seconds:.0f}: it must be {parameters.days * 86_400} or more"


@stack_rule(
    Theme.MESSAGING,
    tokens.QUEUE,
    reason="SQS takes the ARN of a queue that does not exist, and then drops the message.",
    remedy="Take the ARN from the dead-letter queue itself.",
    severity=Severity.HIGH,
)
def dead_letter_queues_exist(queue: Resource, stack: Stack, parameters: DeadLetters) -> Iterator[str]:
    """A redrive policy names a queue of this stack, which is encrypted alike and is no queue of work."""
    if not queue.properties.has("redrivePolicy"):
        return
    target = str(_document(queue.properties.get("redrivePolicy")).get("deadLetterTargetArn", ""))
    found = [other for other in stack.of_type(tokens.QUEUE) if is_identity(target, other)]
    if not found:
        yield f"{target or 'nothing'} is no queue of this stack"
    for other in found:
        if not _is_dead_letter_queue(other, parameters):
            yield f"{other.name} is no dead-letter queue: its name does not end with {parameters.dead_letter_suffix!r}"
        if other.properties.peek("kmsMasterKeyId") != queue.properties.peek("kmsMasterKeyId"):
            yield f"{other.name} is encrypted with another key"


@stack_rule(
    Theme.MESSAGING,
    tokens.FUNCTION_SOURCE,
    reason="Otherwise a slow attempt and its repetition run side by side, and good messages become dead letters.",
    remedy="Raise the queue's visibility timeout or lower the function's.",
    severity=Severity.MEDIUM,
)
def messages_stay_hidden_while_handled(mapping: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """A message stays hidden six times as long as its function may run."""
    del parameters
    queue = stack.target(mapping, "eventSourceArn", tokens.QUEUE)
    function = stack.target(mapping, "functionName", tokens.FUNCTION)
    if queue is None or function is None:
        return
    hidden = queue.properties.number("visibilityTimeoutSeconds") or _DEFAULT_VISIBILITY
    timeout = function.properties.number("timeout") or _DEFAULT_FUNCTION_TIMEOUT
    if hidden < timeout * _TIMEOUTS_A_VISIBILITY:
        yield f"{queue.name} hides messages for {hidden:.0f} s, {function.name} may run for {timeout:.0f} s"


@resource_rule(
    Theme.MESSAGING,
    tokens.EVENT_TARGET,
    reason="What EventBridge can not deliver it drops, by default after a day and without a sound.",
    remedy="Set dead_letter_config and retry_policy.",
    severity=Severity.HIGH,
)
def event_targets_have_dead_letters(target: Resource, parameters: Delivery) -> Iterator[str]:
    """Every target of the bus has a dead-letter queue and bounded attempts."""
    yield from _unbounded_delivery(target, parameters, under="")


@resource_rule(
    Theme.MESSAGING,
    tokens.SCHEDULE,
    reason="By default Scheduler tries a run 185 times over a day, long after the next one is due, and then drops it.",
    remedy="Set dead_letter_config and retry_policy of the target.",
    severity=Severity.HIGH,
)
def schedules_have_dead_letters(schedule: Resource, parameters: Delivery) -> Iterator[str]:
    """Every schedule's target has a dead-letter queue and bounded attempts."""
    yield from _unbounded_delivery(schedule, parameters, under="target.")


@resource_rule(
    Theme.MESSAGING,
    tokens.FUNCTION_SOURCE,
    reason="By default a failed batch is repeated whole, and one poison record holds up its shard until it expires.",
    remedy="Set ReportBatchItemFailures; on streams also bisecting, a failure destination and a number of attempts.",
    severity=Severity.HIGH,
)
def consumers_fail_safely(mapping: Resource, parameters: Attempts) -> Iterator[str]:
    """Consumers report partial failures, and a stream's consumer isolates poison and gives up in the end."""
    properties = mapping.properties
    if "ReportBatchItemFailures" not in properties.texts("functionResponseTypes"):
        yield "functionResponseTypes lacks ReportBatchItemFailures"
    # Only streams have a starting position; the source's ARN may not be known yet.
    if not properties.has("startingPosition"):
        return
    if not properties.is_true("bisectBatchOnFunctionError"):
        yield "bisectBatchOnFunctionError is not true"
    if not properties.has("destinationConfig.onFailure.destinationArn"):
        yield "destinationConfig.onFailure is not set"
    attempts = properties.number("maximumRetryAttempts")
    if attempts is None or not 0 <= attempts <= parameters.most_attempts:
        yield f"maximumRetryAttempts is {attempts}: it must be 0 to {parameters.most_attempts}"


@resource_rule(
    Theme.MESSAGING,
    tokens.STATE_MACHINE,
    reason="A task without a time-out waits for ever with money on hold; one without a catch ends the saga half way.",
    remedy="Give each task TimeoutSeconds, Retry with MaxAttempts, and Catch.",
    severity=Severity.HIGH,
)
def state_machine_tasks_are_bounded(machine: Resource, parameters: Steps) -> Iterator[str]:
    """Every task of a state machine ends in time, is retried a bounded number of times, and is caught."""
    for name, state in _tasks(_document(machine.properties.get("definition", "{}"))):
        if not any(key.startswith(("TimeoutSeconds", "HeartbeatSeconds")) for key in state):
            yield f"the task {name!r} has no TimeoutSeconds"
        retries: list[dict[str, Any]] = state.get("Retry") or []
        if not retries:
            yield f"the task {name!r} has no Retry"
        if any(int(retry.get("MaxAttempts", 3)) > parameters.most_attempts for retry in retries):
            yield f"the task {name!r} is retried more than {parameters.most_attempts} times"
        if not state.get("Catch") and f"{machine.properties.text('name')}.{name}" not in parameters.uncaught:
            yield f"the task {name!r} has no Catch"


@stack_rule(
    Theme.MESSAGING,
    tokens.EVENT_TARGET,
    tokens.TOPIC_SUBSCRIPTION,
    reason="The target is accepted, the rule matches, and every delivery is refused.",
    remedy="Add a statement for the service to the queue's policy, bound to the rule's or topic's ARN.",
    severity=Severity.HIGH,
)
def subscribed_queues_let_send(subscriber: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """No subscriber without a queue policy: a queue lets those send that were told to."""
    del parameters
    is_target = subscriber.type == tokens.EVENT_TARGET
    service = "events.amazonaws.com" if is_target else "sns.amazonaws.com"
    paths = ("arn", "deadLetterConfig.arn") if is_target else ("endpoint", "redrivePolicy")
    for path in paths:
        for queue in stack.of_type(tokens.QUEUE):
            named = any(is_identity(text, queue) for text in subscriber.properties.known_texts(path))
            if named and not _lets_send(queue, stack, service):
                yield f"{queue.name} lets {service} send nothing"


def _unbounded_delivery(resource: Resource, parameters: Delivery, *, under: str) -> Iterator[str]:
    properties = resource.properties
    if not properties.has(f"{under}deadLetterConfig.arn"):
        yield f"{under}deadLetterConfig.arn is not set"
    attempts = properties.number(f"{under}retryPolicy.maximumRetryAttempts")
    if attempts is None or attempts > parameters.most_attempts:
        yield f"{under}retryPolicy.maximumRetryAttempts is {attempts}: it must be {parameters.most_attempts} or less"
    age, most = properties.number(f"{under}retryPolicy.maximumEventAgeInSeconds"), parameters.most_age_hours * 3600
    if age is None or age > most:
        yield f"{under}retryPolicy.maximumEventAgeInSeconds is {age}: it must be {most} or less"


def _lets_send(queue: Resource, stack: Stack, service: str) -> bool:
    return any(
        statement.allows
        and service in statement.principals.get("Service", ())
        and any(action.lower() in ("sqs:sendmessage", "sqs:*") for action in statement.actions)
        for statement in statements_about(queue, stack)
    )


def _is_dead_letter_queue(queue: Resource, parameters: DeadLetters) -> bool:
    name = queue.properties.text("name")
    return name.removesuffix(".fifo").endswith(parameters.dead_letter_suffix) or name in parameters.for_people


def _document(found: Any) -> dict[str, Any]:
    return json.loads(found) if isinstance(found, str) else dict(found)


def _tasks(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the tasks at any depth: in branches and in maps too."""
    states: dict[str, dict[str, Any]] = machine.get("States") or {}
    for name, state in states.items():
        if state.get("Type") == "Task":
            yield name, state
        nested = [*state.get("Branches", []), state.get("ItemProcessor") or state.get("Iterator") or {}]
        for part in nested:
            yield from _tasks(part)


RULES: Final = (
    queues_have_dead_letters,
    dead_letters_are_kept,
    dead_letter_queues_exist,
    messages_stay_hidden_while_handled,
    event_targets_have_dead_letters,
    schedules_have_dead_letters,
    consumers_fail_safely,
    state_machine_tasks_are_bounded,
    subscribed_queues_let_send,
)
