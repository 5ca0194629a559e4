"""One run: everything that a seed decides, from the opening of the shop to the judgement."""

from __future__ import annotations

import hashlib
from collections import Counter

import msgspec

from tests.simulation.circumstances import Circumstances
from tests.simulation.faults import Weather
from tests.simulation.judgement import judge
from tests.simulation.shoppers import Shoppers
from tests.simulation.state_machine import Failure
from tests.simulation.world import World, repeatable
from tests.workloads.checkout.state import State
from tests.workloads.regions import REGIONS

REPLAY = "replay it by: PYTHONHASHSEED=0 .venv/bin/python -m tests.simulation --first {seed} --seeds 1 --checkouts {n}"


class Figures(msgspec.Struct):
    """What a run did."""

    weather: str = ""
    checkouts: int = 0
    ends: dict[str, int] = {}
    calls: int = 0
    steps: int = 0
    virtual_seconds: float = 0.0
    longest_saga: float = 0.0
    by_tokens: int = 0
    """Orders that got units of a hot SKU."""
    expired: int = 0
    """Reservations that were swept."""
    parked: int = 0
    """Sagas that ended in the repair queue."""
    redrives: int = 0


class FailedSeedError(AssertionError):
    """A run broke an invariant."""

    def __init__(self, seed: int, checkouts: int, cause: BaseException) -> None:
        super().__init__(f"seed {seed}: {type(cause).__name__}: {cause}\n{REPLAY.format(seed=seed, n=checkouts)}")
        self.seed = seed


def simulate(
    seed: int,
    checkouts: int = 100,
    weather: Weather | None = None,
    circumstances: Circumstances | None = None,
) -> Figures:
    """Run a seed and judge it; raises FailedSeedError."""
    with repeatable(seed):
        world = World(seed, weather, circumstances)
        shoppers = Shoppers(world, checkouts)
        try:
            shoppers.open_the_shop()
            world.expose()
            start = world.scheduler.now
            shoppers.come()
            world.come_to_rest()
            state = judge(world, shoppers)
        except Exception as error:
            raise FailedSeedError(seed, checkouts, error) from error
    return _figures(world, state, start)


def digest(seed: int, checkouts: int, weather: Weather | None = None) -> str:
    """Return a fingerprint of all that a run has left: equal for equal seeds."""
    with repeatable(seed):
        world = World(seed, weather)
        shoppers = Shoppers(world, checkouts)
        shoppers.open_the_shop()
        world.expose()
        shoppers.come()
        world.come_to_rest()
    images = sorted(world.images(REGIONS[0]).items(), key=lambda entry: str(entry[0]))
    return hashlib.sha256(repr((images, world.scheduler.steps)).encode()).hexdigest()


def _figures(world: World, state: State, start: float) -> Figures:
    executions = [execution for cell in world.cells.values() for execution in cell.executions.all.values()]
    return Figures(
        weather=world.weather.kind,
        checkouts=len(state.orders),
        ends=dict(Counter((order.reason or order.cancelled or order.status).value for order in state.orders.values())),
        calls=sum(cell.network.calls for cell in world.cells.values()),
        steps=world.scheduler.steps,
        virtual_seconds=world.scheduler.now - start,
        by_tokens=sum(bool(reservation.tokens) for reservation in state.reservations.values()),
        expired=sum(reservation.expired_at is not None for reservation in state.reservations.values()),
        parked=sum(isinstance(execution.end, Failure) for execution in executions),
        redrives=sum(len(operators.acted) for operators in world.operators.values()),
        longest_saga=max((e.ended - e.started for e in executions if e.ended is not None), default=0.0),
    )
