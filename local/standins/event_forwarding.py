"""Carries events to buses in other Regions, which the embedded AWS drops.

The deployer gives each such rule target a queue in its own Region; an event leaves that queue only when the other bus
has taken it, or the target's dead-letter queue has. Retries, their bounds and the attributes of a dead letter follow
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html and eb-rule-dlq.html there.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from local.deployment import DeployedResource, Deployment
from local.standins.emulator import Emulator, EmulatorError, EmulatorTimeoutError, EmulatorUnreachableError
from local.standins.reporting import Report

EVENT_TARGET: Final = "aws:cloudwatch/eventTarget:EventTarget"
EVENT_BUS: Final = "aws:cloudwatch/eventBus:EventBus"

# EventBridge's defaults for a target without a retry policy.
DEFAULT_MAXIMUM_AGE_SECONDS: Final = 24 * 60 * 60
DEFAULT_MAXIMUM_ATTEMPTS: Final = 185
# PutEvents and ReceiveMessage both take ten.
BATCH: Final = 10
LONG_POLL_SECONDS: Final = 20
# Above any time that PutEvents may take, so that no event is sent twice because its first try still runs.
VISIBILITY_SECONDS: Final = 60
FIRST_PAUSE_SECONDS: Final = 1
LONGEST_PAUSE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class ForwardingTarget:
    """A rule's target that is a bus of another Region."""

    rule: str
    rule_arn: str
    region: str
    queue_url: str
    bus_arn: str
    bus_exists: bool
    dead_letter_queue_url: str | None
    maximum_age_seconds: int
    maximum_attempts: int

    @property
    def bus_region(self) -> str:
        """The Region of the bus."""
        return self.bus_arn.split(":")[3]


@dataclass(frozen=True, slots=True)
class _Message:
    receipt_handle: str
    body: str
    attempts: int
    sent_at: float


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: str
    message: str
    retryable: bool = True


_NO_BUS: Final = _Refusal("NO_RESOURCE", "the target bus does not exist", retryable=False)
# What AWS answers to an event that no retry can make acceptable.
_FINAL_CODES: Final = frozenset(
    {"AccessDeniedException", "MalformedDetail", "InvalidArgument", "NotAuthorizedForSource"}
)


def forwarding_targets(deployment: Deployment) -> list[ForwardingTarget]:
    """Every declared target that is a bus in a Region other than its rule's."""
    buses = {(bus.region, bus.inputs.get("name", bus.name)) for bus in deployment.of_type(EVENT_BUS)}
    return [
        _target(deployment, resource, buses)
        for resource in deployment.of_type(EVENT_TARGET)
        if _is_bus_elsewhere(str(resource.inputs["arn"]), resource.region)
    ]


class EventForwarder:
    """Forwards the events of one target."""

    def __init__(
        self,
        target: ForwardingTarget,
        *,
        emulator: Emulator,
        report: Report,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._target = target
        self._emulator = emulator
        self._report = report
        self._clock = clock
        self._jitter = jitter

    async def run(self) -> None:
        """Forward until cancelled."""
        pause = 0.0
        while True:
            try:
                await self.forward_batch()
                pause = 0.0
            except (EmulatorError, EmulatorTimeoutError, EmulatorUnreachableError) as error:
                if not pause:
                    self._report.failure(f"event forwarding of rule {self._target.rule}", [str(error)])
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2 or FIRST_PAUSE_SECONDS)
                await asyncio.sleep(pause)

    async def forward_batch(self, *, wait_seconds: int = LONG_POLL_SECONDS) -> int:
        """Receive once and forward what came; tells how many events that were."""
        messages = await self._receive(wait_seconds)
        if not messages:
            return 0
        outcomes = await self._put(messages)
        await self._settle(messages, outcomes)
        return len(messages)

    async def _receive(self, wait_seconds: int) -> list[_Message]:
        answer = await self._sqs(
            "ReceiveMessage",
            {
                "QueueUrl": self._target.queue_url,
                "MaxNumberOfMessages": BATCH,
                "WaitTimeSeconds": wait_seconds,
                "VisibilityTimeout": VISIBILITY_SECONDS,
                "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"],
            },
            timeout_seconds=wait_seconds + 10,
        )
        return [
            _Message(
                receipt_handle=message["ReceiptHandle"],
                body=message["Body"],
                attempts=int(message["Attributes"]["ApproximateReceiveCount"]),
                sent_at=int(message["Attributes"]["SentTimestamp"]) / 1000,
            )
            for message in answer.get("Messages", ())
        ]

    async def _put(self, messages: list[_Message]) -> list[_Refusal | None]:
        if not self._target.bus_exists:
            # The embedded AWS takes events for a bus that does not exist and loses them; AWS does not retry such a
            # target but hands the event to the dead-letter queue.
            return [_NO_BUS] * len(messages)
        entries = [self._entry(json.loads(message.body)) for message in messages]
        try:
            answer = await self._emulator.call(
                region=self._target.bus_region, service="events", operation="PutEvents", payload={"Entries": entries}
            )
        except EmulatorError as error:
            return [_Refusal(error.code or "SDK_CLIENT_ERROR", str(error), error.code not in _FINAL_CODES)] * len(
                messages
            )
        except (EmulatorTimeoutError, EmulatorUnreachableError) as error:
            return [_Refusal("SDK_CLIENT_ERROR", str(error))] * len(messages)
        return [
            _Refusal(code, str(entry.get("ErrorMessage", "")), code not in _FINAL_CODES)
            if (code := entry.get("ErrorCode"))
            else None
            for entry in answer["Entries"]
        ]

    def _entry(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        # The other bus gives the event a new id, as on AWS: whoever must recognise an event again looks into its
        # detail. The time stays that of the first publication.
        return {
            "EventBusName": self._target.bus_arn.rpartition("/")[2],
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            # Seconds since the epoch are how a time travels in AWS's JSON protocol.
            "Time": datetime.fromisoformat(event["time"]).timestamp(),
            "Resources": event.get("resources", []),
        }

    async def _settle(self, messages: list[_Message], outcomes: list[_Refusal | None]) -> None:
        settled: list[_Message] = []
        for message, refusal in zip(messages, outcomes, strict=True):
            if refusal is None:
                settled.append(message)
            elif exhausted := self._exhausted(message, refusal):
                await self._give_up(message, refusal, exhausted)
                settled.append(message)
            else:
                await self._postpone(message)
        if settled:
            await self._sqs(
                "DeleteMessageBatch",
                {
                    "QueueUrl": self._target.queue_url,
                    "Entries": [
                        {"Id": str(index), "ReceiptHandle": message.receipt_handle}
                        for index, message in enumerate(settled)
                    ],
                },
            )

    def _exhausted(self, message: _Message, refusal: _Refusal) -> str | None:
        if not refusal.retryable:
            return "NotRetryable"
        if self._clock() - message.sent_at >= self._target.maximum_age_seconds:
            return "MaximumEventAgeInSeconds"
        # The first delivery is no retry.
        if message.attempts > self._target.maximum_attempts:
            return "MaximumRetryAttempts"
        return None

    async def _postpone(self, message: _Message) -> None:
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(message.attempts, 10))
        await self._sqs(
            "ChangeMessageVisibility",
            {
                "QueueUrl": self._target.queue_url,
                "ReceiptHandle": message.receipt_handle,
                "VisibilityTimeout": max(1, round(longest * (0.5 + self._jitter() / 2))),
            },
        )

    async def _give_up(self, message: _Message, refusal: _Refusal, exhausted: str) -> None:
        target = self._target
        self._report.failure(
            f"event forwarding of rule {target.rule}", [f"{refusal.code}: {refusal.message}", message.body]
        )
        if target.dead_letter_queue_url is None:
            return
        attributes = {
            "RULE_ARN": target.rule_arn,
            "TARGET_ARN": target.bus_arn,
            "ERROR_CODE": refusal.code,
            "ERROR_MESSAGE": refusal.message,
            "EXHAUSTED_RETRY_CONDITION": exhausted,
            "RETRY_ATTEMPTS": str(message.attempts - 1),
        }
        await self._sqs(
            "SendMessage",
            {
                "QueueUrl": target.dead_letter_queue_url,
                "MessageBody": message.body,
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": value or "-"} for name, value in attributes.items()
                },
            },
        )

    async def _sqs(
        self, operation: str, payload: Mapping[str, Any], *, timeout_seconds: float = 10
    ) -> Mapping[str, Any]:
        return await self._emulator.call(
            region=self._target.region,
            service="sqs",
            operation=operation,
            payload=payload,
            timeout_seconds=timeout_seconds,
        )


def _is_bus_elsewhere(arn: str, region: str) -> bool:
    parts = arn.split(":")
    return parts[2] == "events" and parts[5].startswith("event-bus/") and parts[3] != region


def _target(deployment: Deployment, resource: DeployedResource, buses: set[tuple[str, Any]]) -> ForwardingTarget:
    declared = resource.inputs
    rule, bus = str(declared["rule"]), str(declared.get("eventBusName") or "default")
    bus_arn = str(declared["arn"])
    retry: Mapping[str, Any] = declared.get("retryPolicy") or {}
    dead_letters: Mapping[str, Any] = declared.get("deadLetterConfig") or {}
    dead_letter_arn = dead_letters.get("arn")
    return ForwardingTarget(
        rule=rule,
        rule_arn=f"arn:aws:events:{resource.region}:{deployment.account}:rule/{bus}/{rule}",
        region=resource.region,
        queue_url=str(resource.outputs["forward"]["queueUrl"]),
        bus_arn=bus_arn,
        bus_exists=(bus_arn.split(":")[3], bus_arn.rpartition("/")[2]) in buses,
        dead_letter_queue_url=_queue_url(deployment, dead_letter_arn.split(":")[-1]) if dead_letter_arn else None,
        maximum_age_seconds=int(retry.get("maximumEventAgeInSeconds") or DEFAULT_MAXIMUM_AGE_SECONDS),
        maximum_attempts=int(retry.get("maximumRetryAttempts", DEFAULT_MAXIMUM_ATTEMPTS)),
    )


def _queue_url(deployment: Deployment, name: str) -> str:
    # The embedded AWS's queue URLs name no Region: the credential scope of the call decides it.
    return f"{deployment.emulator_url}/{deployment.account}/{name}"
