"""A standard queue that workers ask for messages: hidden for a while, at least once, in no order, not for ever."""

from __future__ import annotations

from typing import Final

from tests.simulation.faults import Weather
from tests.simulation.scheduler import Scheduler

VISIBILITY: Final = 5.0
"""Seconds: as `components.token_queue` declares it."""
RETENTION: Final = 14 * 24 * 3600.0


class _Message:
    __slots__ = ("body", "sent_at", "visible_at")

    def __init__(self, body: str, now: float) -> None:
        self.body = body
        self.sent_at = self.visible_at = now


class Pool:
    """A queue of tokens. A receipt is the message's number here, whoever received it last."""

    def __init__(self, name: str, scheduler: Scheduler, weather: Weather, *, retention: float = RETENTION) -> None:
        self.name = name
        self.weather = weather
        self._scheduler = scheduler
        self._retention = retention
        self._messages: dict[str, _Message] = {}
        self._sent = 0

    def send(self, body: str) -> None:
        """Take a message, perhaps twice."""
        for _ in range(2 if self._is_repeated() else 1):
            self._sent += 1
            self._messages[str(self._sent)] = _Message(body, self._scheduler.now)

    def receive(self, at_most: int) -> list[tuple[str, str]]:
        """Return receipts and bodies of some messages, and hide them; now and then others have them as well."""
        self._forget_the_old()
        now, found = self._scheduler.now, list[tuple[str, str]]()
        ready = [number for number, message in self._messages.items() if message.visible_at <= now]
        for number in self._scheduler.random.sample(ready, min(at_most, len(ready))):
            message = self._messages[number]
            found.append((number, message.body))
            if not self._is_repeated():
                message.visible_at = now + VISIBILITY
        return found

    def delete(self, receipt: str) -> None:
        """Remove a message, unless one of the servers that keep it does not notice."""
        if not self._is_repeated():
            self._messages.pop(receipt, None)

    def hide(self, receipt: str, seconds: float) -> None:
        """Let a message be visible after so many seconds from now on."""
        message = self._messages.get(receipt)
        if message is not None:
            message.visible_at = self._scheduler.now + seconds

    def bodies(self) -> list[str]:
        """Return all messages, those included that are hidden."""
        self._forget_the_old()
        return [message.body for message in self._messages.values()]

    def keep_for(self, seconds: float) -> None:
        """Keep messages for so long from now on; what is forgotten already does not come back."""
        self._forget_the_old()
        self._retention = seconds

    def _forget_the_old(self) -> None:
        oldest = self._scheduler.now - self._retention
        # Messages lie in the order of their sending.
        while self._messages:
            first = next(iter(self._messages))
            if self._messages[first].sent_at >= oldest:
                return
            del self._messages[first]

    def _is_repeated(self) -> bool:
        return self._scheduler.random.random() < self.weather.duplicate
