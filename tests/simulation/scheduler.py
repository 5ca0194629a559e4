"""Who runs when: actors as greenlets in virtual time, in an order that a seed decides and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

from greenlet import getcurrent, greenlet

START: Final = 1_795_000_000.0
"""The virtual time at which every run starts, in seconds since 1970: Cyber Monday is near."""


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
        self._hub = getcurrent()

    def at(self, delay: float, action: Callable[[], object]) -> None:
        """Let something happen after so many seconds; what is due at one time happens in the order of its asking."""
        self.steps += 1
        heappush(self._due, (self.now + delay, self.steps, action))

    def spawn(self, work: Callable[[], object], delay: float = 0.0) -> None:
        """Let an actor start after so many seconds."""
        self.at(delay, Actor(work, self._hub).switch)

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

    def run(self, until: float = float("inf")) -> None:
        """Let everything happen that is due before a time, or all there is."""
        due = self._due
        while due and due[0][0] <= until:
            self.now, _, action = heappop(due)
            action()
