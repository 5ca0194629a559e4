"""SQS and its pollers: at least once, in no order, again after the visibility time-out, then a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.simulation.faults import CrashError, Weather
from tests.simulation.scheduler import Scheduler

MAXIMUM_RECEIVES: Final = 5
_BATCH: Final = 10

Handler = Callable[[dict[str, Any]], dict[str, Any]]


class Message:
    """A message in a queue."""

    __slots__ = ("body", "id", "receives")

    def __init__(self, identifier: str, body: str) -> None:
        self.id = identifier
        self.body = body
        self.receives = 0


class Queue:
    """A queue that a function works off."""

    def __init__(
        self, name: str, scheduler: Scheduler, weather: Weather, *, visibility: float = 180.0, handler: Handler
    ) -> None:
        self.name = name
        self.weather = weather
        self.dead_letters: list[Message] = []
        self.waiting = 0
        self._scheduler = scheduler
        self._visibility = visibility
        self._handler = handler
        self._visible: list[Message] = []
        self._count = 0
        self._polling = False

    def send(self, body: str) -> None:
        """Take a message; it may be delivered more than once."""
        copies = 2 if self._scheduler.random.random() < self.weather.duplicate else 1
        for _ in range(copies):
            self._count += 1
            self.waiting += 1
            message = Message(f"{self.name}-{self._count}", body)
            self._scheduler.at(self._delay(), lambda message=message: self._appears(message))

    def redrive(self) -> None:
        """Let every dead letter be delivered again, as an operator does."""
        dead, self.dead_letters = self.dead_letters, []
        for message in dead:
            message.receives = 0
            self.waiting += 1
            self._appears(message)

    def _appears(self, message: Message) -> None:
        self._visible.append(message)
        if not self._polling:
            self._polling = True
            self._scheduler.spawn(self._poll, self._delay())

    def _poll(self) -> None:
        self._polling = False
        batch, self._visible = self._visible[:_BATCH], self._visible[_BATCH:]
        if self._visible:
            self._polling = True
            self._scheduler.spawn(self._poll, self._delay())
        self._deliver(batch)

    def _deliver(self, batch: Sequence[Message]) -> None:
        for message in batch:
            message.receives += 1
        records = [
            {
                "messageId": message.id,
                "body": message.body,
                "attributes": {"ApproximateReceiveCount": str(message.receives)},
            }
            for message in batch
        ]
        try:
            answer = self._handler({"Records": records})
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        except CrashError:
            failed = {message.id for message in batch}
        if self._scheduler.random.random() < self.weather.duplicate:
            # The messages were handled, but not deleted in time.
            failed = {message.id for message in batch}
        for message in batch:
            if message.id not in failed:
                self.waiting -= 1
            elif message.receives >= MAXIMUM_RECEIVES:
                self.waiting -= 1
                self.dead_letters.append(message)
            else:
                self._scheduler.at(self._visibility, lambda message=message: self._appears(message))

    def _delay(self) -> float:
        return self._scheduler.random.random() * 5 * self.weather.latency
