"""Who runs when: actors as greenlets in virtual time, in an order that a seed decides and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

from greenlet import getcurrent, greenlet

START: Final = 1_795_000_000.0
"""The virtual time at which every run starts, in seconds since 1970: Cyber Monday is near."""


_RUSH: Final = 900.0
_LONGEST: Final = 2 * 24 * 3600.0


class RestlessError(AssertionError):
    """Somebody is still busy after days: it goes round in circles."""

    def __init__(self) -> None:
        super().__init__(f"{_LONGEST / 3600:.0f} hours have passed, and something is still going on")


class Actor(greenlet):
    """Somebody who acts, and perhaps only up to a time."""

    deadline = float("inf")


class Scheduler:
    """Runs what is due, one thing at a time; an actor gives way only where it sleeps."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.now = START
        self.steps = 0
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._ticks = 0
        """How much of what is due is a clock that strikes: by itself it keeps nobody waiting."""
        self._hub = getcurrent()

    def at(self, delay: float, action: Callable[[], object]) -> None:
        """Let something happen after so many seconds; what is due at one time happens in the order of its asking."""
        self.steps += 1
        heappush(self._due, (self.now + delay, self.steps, action))

    def spawn(self, work: Callable[[], object], delay: float = 0.0) -> None:
        """Let an actor start after so many seconds."""
        self.at(delay, Actor(work, self._hub).switch)

    def every(self, seconds: float, work: Callable[[], object]) -> None:
        """Let actors start at this interval, for as long as there is anything else to wait for.

        After a quarter of an hour it is ten times as long: otherwise their own messages, some of which come again and
        again, would never let anything come to rest.
        """

        def strike() -> None:
            self._ticks -= 1
            self.spawn(work)
            self.every(seconds, work)

        self._ticks += 1
        self.at(seconds if self.now < START + _RUSH else 10 * seconds, strike)

    def sleep(self, seconds: float) -> None:
        """Let everybody else go on for so many seconds. For actors only."""
        self.at(seconds, getcurrent().switch)
        self._hub.switch()

    def limit(self, seconds: float) -> None:
        """Give the present actor so many seconds from now on."""
        actor = getcurrent()
        if isinstance(actor, Actor):
            actor.deadline = self.now + seconds

    @property
    def is_late(self) -> bool:
        """Tell whether the present actor's time is over."""
        actor = getcurrent()
        return isinstance(actor, Actor) and actor.deadline < self.now

    def run(self) -> None:
        """Let everything happen until only clocks would go on."""
        due, latest = self._due, self.now + _LONGEST
        while len(due) > self._ticks:
            self.now, _, action = heappop(due)
            action()
            if self.now > latest:
                raise RestlessError

    def run_for(self, seconds: float) -> None:
        """Let so much time pass, and then everything happen until only clocks would go on."""
        due, until = self._due, self.now + seconds
        while due and due[0][0] <= until:
            self.now, _, action = heappop(due)
            action()
        self.run()
