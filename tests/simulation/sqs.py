"""SQS as its clients see it: queues by their names, which are their URLs here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.simulation.faults import CrashError, Weather
from tests.simulation.pools import Pool
from tests.simulation.queues import Queue
from tests.simulation.scheduler import Scheduler

T = TypeVar("T")

_GIVES_UP_AFTER: Final = 5.0
"""Seconds: the read time-out of the functions' clients (`workloads.runtime.aws`)."""


class SqsClient:
    """SQS in one Region: queues that functions work off, and pools that workers ask."""

    def __init__(
        self, scheduler: Scheduler, queues: Mapping[str, Queue], pools: Mapping[str, Pool], weather: Weather
    ) -> None:
        self.weather = weather
        self._scheduler = scheduler
        self._random = scheduler.random.random
        self._queues = queues
        self._pools = pools

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:  # noqa: N803 - the names of the API
        """Answer SendMessageBatch, in which any entry may fail by itself."""
        if QueueUrl in self._pools:
            return self._call(lambda: self._send(self._pools[QueueUrl].send, Entries))
        return self._send(self._queues[QueueUrl].send, Entries)

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, Any]:  # noqa: N803
        """Answer SendMessage."""
        self._queues[QueueUrl].send(MessageBody)
        return {}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> dict[str, Any]:  # noqa: N803
        """Answer GetQueueAttributes: the first attribute counts all messages, and the others none."""
        pool = self._pools.get(QueueUrl)
        count = self._queues[QueueUrl].waiting if pool is None else len(pool.bodies())
        return {"Attributes": {name: str(count if at == 0 else 0) for at, name in enumerate(AttributeNames)}}

    def receive_message(self, *, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int) -> dict[str, Any]:  # noqa: N803
        """Answer ReceiveMessage, after a while if there is nothing at first."""
        pool = self._pools[QueueUrl]

        def receive() -> dict[str, Any]:
            found = pool.receive(MaxNumberOfMessages)
            if not found:
                self._scheduler.sleep(WaitTimeSeconds)
                found = pool.receive(MaxNumberOfMessages)
            return {"Messages": [{"ReceiptHandle": receipt, "Body": body} for receipt, body in found]}

        return self._call(receive)

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:  # noqa: N803
        """Answer DeleteMessageBatch."""
        pool = self._pools[QueueUrl]

        def delete() -> dict[str, Any]:
            for entry in Entries:
                pool.delete(entry["ReceiptHandle"])
            return {"Failed": []}

        return self._call(delete)

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Answer ChangeMessageVisibilityBatch."""
        pool = self._pools[QueueUrl]

        def change() -> dict[str, Any]:
            for entry in Entries:
                pool.hide(entry["ReceiptHandle"], entry["VisibilityTimeout"])
            return {"Failed": []}

        return self._call(change)

    def _send(self, send: Callable[[str], None], entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        failed: list[dict[str, str]] = []
        for entry in entries:
            if self._random() < self.weather.error_before:
                failed.append({"Id": entry["Id"], "Code": "InternalError"})
            else:
                send(entry["MessageBody"])
        return {"Failed": failed}

    def _call(self, carry_out: Callable[[], T]) -> T:
        """Carry out a worker's call, unless something comes in between."""
        weather, draw = self.weather, self._random()
        self._scheduler.sleep(weather.latency * 2 * self._random())
        if self._scheduler.is_late:
            raise CrashError
        if draw < weather.error_before:
            raise EndpointConnectionError(endpoint_url="sqs")
        draw -= weather.error_before
        if draw < weather.lost_answer:
            carry_out()
            self._scheduler.sleep(_GIVES_UP_AFTER)
            raise ReadTimeoutError(endpoint_url="sqs")
        draw -= weather.lost_answer
        if draw < weather.crash:
            if self._random() < 0.5:
                carry_out()
            raise CrashError
        return carry_out()
