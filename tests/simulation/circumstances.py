"""What else a seed draws, whatever the weather: what is hot, what is switched, and how long anything may take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

from tests.simulation.pools import RETENTION

SKUS: Final = ("cd", "book", "print", "free")
PRICES: Final = {"cd": 1099, "book": 2500, "print": 14999, "free": 0}
POOLS: Final = 2
"""Queues of tokens in each Region."""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """Drawn once for a run."""

    hot: frozenset[str] = frozenset()
    """SKUs that are sold by tokens from the start."""
    switched: frozenset[str] = frozenset()
    """SKUs whose way of being sold changes while orders run, hot ones among them."""
    stopped: frozenset[str] = frozenset()
    """SKUs that are taken off sale and put on sale again."""
    reservation_lifetime: timedelta = timedelta(minutes=15)
    """The program's settings allow no less than what a saga may take; runs do, so that reservations expire."""
    token_retention: float = RETENTION
    """Seconds that a queue of tokens keeps a message: minutes in some runs, so that there is something to refill."""
    attempts_of_the_way_back: int | None = None
    """How often a saga tries what it has to undo before it is parked: some hours of it, if nothing is said."""


def circumstances_of(random: Random) -> Circumstances:
    """Draw them. Half of all runs have nothing hot."""
    hot = switched = frozenset[str]()
    if random.random() < 0.5:
        hot = frozenset(sku for sku in SKUS if random.random() < 0.3)
        switched = frozenset(sku for sku in SKUS if random.random() < 0.3)
    return Circumstances(
        hot=hot,
        switched=switched,
        stopped=frozenset({random.choice(SKUS)}) if random.random() < 0.2 else frozenset(),
        reservation_lifetime=timedelta(seconds=random.choice((900, 900, 900, 120, 20))),
        token_retention=random.choice((RETENTION, RETENTION, 90.0)),
        attempts_of_the_way_back=random.choice((None, None, 1)),
    )
