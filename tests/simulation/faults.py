"""What goes wrong, and how often: drawn for each run, so that some are calm and some are storms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.simulation.scheduler import Scheduler


class CrashError(BaseException):
    """A function is killed between two of its calls. No `except Exception` of the code under test gets to see it."""


@dataclass(frozen=True)
class Weather:
    """Probabilities a call, and times in seconds."""

    error_before: float = 0.0
    """The request never arrives."""
    lost_answer: float = 0.0
    """The request is carried out, and nobody learns of it."""
    late: float = 0.0
    """The request arrives when its sender has long given up."""
    crash: float = 0.0
    """The process is killed, before the call or after it."""
    slow_transaction: float = 0.0
    """A transaction stays under way for a while, and others conflict with it."""
    duplicate: float = 0.0
    """A message, an event or an invocation comes twice."""
    latency: float = 0.01
    replication: float = 1.0
    """Seconds until a change is in the other Region, on average."""
    clock_skew: float = 0.0
    partitions: int = 0
    """How often the Regions lose each other."""
    outages: int = 0
    """How often a Region's DynamoDB answers next to nothing for minutes."""

    @property
    def kind(self) -> str:
        """Return what this weather is called in the figures."""
        return next((name for name, weather in KINDS.items() if weather == self), "other")


CALM: Final = Weather()
KINDS: Final = {
    "calm": CALM,
    "duplicates and conflicts": Weather(duplicate=0.05, slow_transaction=0.02, clock_skew=0.5),
    "lost and late answers": Weather(
        error_before=0.01, lost_answer=0.01, late=0.01, duplicate=0.02, slow_transaction=0.02, clock_skew=2.0
    ),
    "crashes and partitions": Weather(
        crash=0.01, lost_answer=0.005, duplicate=0.05, latency=0.05, replication=5.0, clock_skew=1.0, partitions=1
    ),
    "outages": Weather(error_before=0.01, lost_answer=0.02, late=0.02, duplicate=0.1, clock_skew=1.0, outages=3),
    "all at once": Weather(
        error_before=0.03,
        lost_answer=0.03,
        late=0.02,
        crash=0.02,
        slow_transaction=0.05,
        duplicate=0.1,
        latency=0.1,
        replication=10.0,
        clock_skew=5.0,
        partitions=2,
        outages=1,
    ),
}


def weather_of(scheduler: Scheduler) -> Weather:
    """Draw the weather of a run."""
    return scheduler.random.choice(list(KINDS.values()))
