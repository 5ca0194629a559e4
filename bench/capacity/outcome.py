"""What came of the event in one Region: answers, ends, units, and what was met on the way."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Answer(StrEnum):
    """What a request is answered with."""

    PLACED = "201"
    HANDED_OVER = "202"
    SOLD_OUT = "409"
    TOO_MANY = "429"
    OVERLOADED = "503"


class End(StrEnum):
    """How an order ends."""

    COMPLETED = "completed"
    SOLD_OUT = "rejected: sold out"
    FAILED = "rejected: technical failure"


@dataclass
class Outcome:
    """What happened in one Region."""

    answers: Counter[Answer] = field(default_factory=Counter[Answer])
    throttled_by_gateway: int = 0
    ends: Counter[End] = field(default_factory=Counter[End])
    units: int = 0
    stock: int = 0
    timed_out: int = 0
    timed_out_after_push: int = 0
    sold_out_at: float | None = None
    pushed_at: float | None = None
    slowest: float = 0.0
    """Seconds from placing to the end, of the slowest order that ended."""
    deepest: int = 0
    """The most orders that waited in the queue."""
    executions: int = 0
    transitions: int = 0
    """States that the executions entered, retries included."""
    refused_starts: int = 0
    """Calls of StartExecution that were throttled."""
    conflicts: int = 0
    throttled_writes: int = 0
    most_in_flight: int = 0

    @property
    def requests(self) -> int:
        """Return how many requests were answered."""
        return sum(self.answers.values())

    @property
    def oversold(self) -> int:
        """Return how many units were sold that there were not."""
        return max(0, self.units - self.stock)
