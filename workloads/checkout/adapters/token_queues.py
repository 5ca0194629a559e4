"""The pools of tokens as standard SQS queues: at least once, in any order, and nobody waits for anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from workloads.checkout.application.hot_items.ports import NoTokenQueuesError, TokenMessage
from workloads.checkout.domain.token import Token
from workloads.contracts.clock import Clock
from workloads.runtime.logging import logger
from workloads.runtime.queues import MAXIMUM_ENTRIES, QueueSender

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_log: Final = logger("token-queues")

_WAIT_SECONDS: Final = 1
"""A long poll asks all of SQS's servers, a short one samples them and often finds nothing where there is something."""
_SENDERS: Final = 8
_WAKES_APART: Final = timedelta(milliseconds=200)
"""Nobody counts more often than that: a worker asks for no more."""


class HotItemCare(msgspec.Struct, frozen=True, kw_only=True):
    """The message that asks for somebody to look after a hot SKU."""

    sku: str
    refill: bool = False
    """Whether lost messages are looked for too: that reads every token of the SKU."""


class SqsTokenQueues:
    """Implements `TokenQueues`.

    What fails after a decision was committed is logged and left: the message comes back and finds its number decided.
    """

    def __init__(
        self, make_client: Callable[[], SQSClient], *, urls: Sequence[str], care_url: str, clock: Clock
    ) -> None:
        self._make_client = make_client
        self._urls = urls
        self._care_url = care_url
        self._clock = clock
        self._woken: dict[str, datetime] = {}

    @cached_property
    def _client(self) -> SQSClient:
        """Made where a hot SKU is met first: most functions never meet one, and would start later for nothing."""
        return self._make_client()

    @property
    def pools(self) -> int:
        """How many there are."""
        return len(self._urls)

    def receive(self, pool: int, at_most: int) -> Sequence[TokenMessage]:
        """Return some messages; hidden from others for the queue's visibility time-out."""
        answer = self._client.receive_message(
            QueueUrl=self._url(pool), MaxNumberOfMessages=at_most, WaitTimeSeconds=_WAIT_SECONDS
        )
        return [
            TokenMessage(msgspec.json.decode(message["Body"], type=Token), message["ReceiptHandle"])
            for message in answer.get("Messages", [])
            if "Body" in message and "ReceiptHandle" in message
        ]

    def remove(self, pool: int, messages: Sequence[TokenMessage]) -> None:
        """Remove messages whose numbers are decided."""
        for group in _groups(messages):
            entries: list[Any] = [{"Id": str(at), "ReceiptHandle": message.receipt} for at, message in group]
            self._try("remove", partial(self._client.delete_message_batch, QueueUrl=self._url(pool), Entries=entries))

    def give_back(self, pool: int, messages: Sequence[TokenMessage]) -> None:
        """Let others have messages now."""
        for group in _groups(messages):
            entries: list[Any] = [
                {"Id": str(at), "ReceiptHandle": message.receipt, "VisibilityTimeout": 0} for at, message in group
            ]
            hidden_no_more = partial(self._client.change_message_visibility_batch, QueueUrl=self._url(pool))
            self._try("give back", partial(hidden_no_more, Entries=entries))

    def put(self, pool: int, tokens: Sequence[Token]) -> None:
        """Send a message for each; raises QueueRefusedError when any was not taken."""
        sender = QueueSender(self._client, self._url(pool))
        bodies = [msgspec.json.encode(token).decode() for token in tokens]
        groups = [bodies[start : start + MAXIMUM_ENTRIES] for start in range(0, len(bodies), MAXIMUM_ENTRIES)]
        if len(groups) == 1:
            sender.send(groups[0])
            return
        with ThreadPoolExecutor(_SENDERS) as senders:
            list(senders.map(sender.send, groups))

    def depth(self, pool: int) -> int:
        """Return about how many messages there are, those included that are hidden."""
        answer = self._client.get_queue_attributes(
            QueueUrl=self._url(pool),
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ],
        )
        return sum(int(number) for number in answer.get("Attributes", {}).values())

    def wake(self, sku: str) -> None:
        """Ask for somebody to look after a hot SKU, a few times a second at most."""
        now = self._clock.now()
        if now - self._woken.get(sku, datetime.min.replace(tzinfo=now.tzinfo)) < _WAKES_APART:
            return
        self._woken[sku] = now
        self._try("wake", partial(self.ask_for_care, HotItemCare(sku=sku)))

    def ask_for_care(self, care: HotItemCare) -> None:
        """Send the message; raises QueueRefusedError."""
        QueueSender(self._client, self._care_url).send([msgspec.json.encode(care).decode()])

    def _url(self, pool: int) -> str:
        if pool >= len(self._urls):
            # A deployment that takes queues away must first see their SKUs sold plainly.
            raise NoTokenQueuesError
        return self._urls[pool]

    def _try(self, what: str, call: Callable[[], object]) -> None:
        try:
            answer = call()
        except Exception:  # noqa: BLE001 - whatever fails heals by the queue's own time-out, and is logged
            _log.exception("a message was left to come back", extra={"action": what})
            return
        failed = cast("Mapping[str, Any]", answer or {}).get("Failed")
        if failed:
            _log.warning("messages were left to come back", extra={"action": what, "messages": len(failed)})


def _groups(messages: Sequence[TokenMessage]) -> Iterator[list[tuple[int, TokenMessage]]]:
    numbered = list(enumerate(messages))
    for start in range(0, len(numbered), MAXIMUM_ENTRIES):
        yield numbered[start : start + MAXIMUM_ENTRIES]
