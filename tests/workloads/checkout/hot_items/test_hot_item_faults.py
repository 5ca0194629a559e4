"""Hot items when calls fail and processes end: at each of their calls, before it and after it, in memory.

Real processes are ended by SIGKILL in `test_hot_item_kills`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workloads.checkout import sagas
from tests.workloads.checkout.builders import CD, CUSTOMER, allot, command, list_price, place, request, usd
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.token_pools import MemoryPools, with_pools
from tests.workloads.checkout.token_pools import tend_all as tend_all_of
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.hot_items.refilling import refill
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.set_selling_mode import set_selling_mode
from workloads.contracts.commands import ReceiveTransfer, RequestedSellingMode, SetSellingMode, TransferAllotment

HOT, PLAIN = RequestedSellingMode.HOT, RequestedSellingMode.PLAIN
UNITS = 7
PLENTIFUL = 1000
"""Units of the other Region."""
_MINUTE = timedelta(minutes=1)


class DiedError(RuntimeError):
    """The process ended here."""


class World:
    """A cell in memory whose processes can be ended at any of their calls."""

    def __init__(self) -> None:
        self.cells = MemoryCells()
        self.pools = MemoryPools()
        self.pools.before = self._count
        client = self.cells.aws.dynamodb(network=self._network)
        self.ports = with_pools(self.cells, self.pools, self.cells.ports(client=client))
        self.calls = 0
        self.dies_at = -1
        self.after_the_write = False
        self.version = 0
        self._on_their_way: list[Callable[[Ports], object]] = []
        self.units = UNITS
        """Which orders can have, as soon as those that were sent here have arrived."""
        self.meanwhile: Callable[[], object] | None = None
        """What somebody else does right before the next commit."""
        list_price(self.ports, price=usd(0))
        allot(self.ports, units=UNITS)
        allot(self.cells.ports(THERE), units=PLENTIFUL)

    def act(self, what: Callable[[Ports], object], *, dies_at: int = -1, after_the_write: bool = False) -> bool:
        """Let a process do something; it dies at one of its calls, before the call's effect or after it."""
        self.calls, self.dies_at, self.after_the_write = 0, dies_at, after_the_write
        try:
            what(self.ports)
        except (DiedError, UndecidedError):
            return False
        else:
            return True
        finally:
            self.dies_at = -1
            self.ports.hot_items.remembered.forget(CD)

    def mode(self, mode: RequestedSellingMode) -> Callable[[Ports], object]:
        self.version += 1
        asked = SetSellingMode(sku=CD, mode=mode, version=self.version)
        return lambda ports: set_selling_mode(ports, asked, request(f"mode-{asked.version}"))

    def send(self, transfer_id: str, units: int = 3) -> Callable[[Ports], object]:
        """Send units here from another Region; return what takes them in."""
        there = self.cells.ports(THERE)
        sent = TransferAllotment(transfer_id=transfer_id, sku=CD, units=units, to_region=HERE)
        carry_out(there, sent, command(f"send-{transfer_id}"))
        self.units += units
        received = ReceiveTransfer(transfer_id=transfer_id, sku=CD, units=units, from_region=THERE)
        self._on_their_way.append(lambda ports: carry_out(ports, received, command(f"receive-{transfer_id}")))
        return self._on_their_way[-1]

    def pass_time(self, minutes: int = 2) -> None:
        self.cells.clock.moment += minutes * _MINUTE
        self.pools.time_out()

    def heal(self) -> None:
        """What happens by itself within a minute or two: messages come back, and the clock has the SKU looked after."""
        for arrival in self._on_their_way:
            self.act(arrival)
        for _ in range(2):
            self.pass_time()
            self.act(tend_all)
            self.act(lambda ports: refill(ports, CD))

    def check(self) -> None:
        check(self.cells.state())

    def _count(self, _call: str) -> None:
        self.calls += 1
        if 0 <= self.dies_at < self.calls:
            raise DiedError

    def _network(
        self, operation: str, _request: Mapping[str, Any], carry_out: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        if operation == "TransactWriteItems" and (meanwhile := self.meanwhile) is not None:
            self.meanwhile = None
            meanwhile()
        self.calls += 1
        # The dead do nothing more, whatever their code would still try; perhaps the last call had its effect.
        is_last = self.calls == self.dies_at + 1
        if 0 <= self.dies_at < self.calls and not (is_last and self.after_the_write):
            raise DiedError
        answer = carry_out()
        if self.dies_at >= 0 and is_last:
            raise DiedError
        return answer


def tend_all(ports: Ports) -> None:
    tend_all_of(ports, CD)


def order(world: World, number: int, quantity: int = 1) -> str:
    return place(world.ports, (CD, quantity), customer=f"{CUSTOMER}-{number}")


def reserve(order_id: str) -> Callable[[Ports], object]:
    return lambda ports: sagas.reserve(ports, order_id)


def release(order_id: str) -> Callable[[Ports], object]:
    return lambda ports: sagas.release(ports, order_id)


def sold_by_and_by(world: World) -> int:
    """Sell whatever is left, one by one, and return how many units orders have in the end."""
    for number in range(1000, 1000 + world.units + 1):
        world.heal()
        world.act(reserve(order(world, number)))
    state = world.cells.state()
    return sum(sum(held.all_units().values()) for held in state.reservations.values() if held.state == "Held")


def hot_world() -> World:
    world = World()
    assert world.act(world.mode(HOT))
    assert world.act(tend_all)
    return world


def an_order_is_reserved(world: World) -> Callable[[Ports], object]:
    return reserve(order(world, 1, 2))


def an_order_is_released(world: World) -> Callable[[Ports], object]:
    order_id = order(world, 1, 2)
    assert world.act(reserve(order_id))
    return release(order_id)


def it_becomes_hot(world: World) -> Callable[[Ports], object]:
    assert world.act(world.mode(PLAIN))
    assert world.act(tend_all)
    return world.mode(HOT)


def it_is_filled(world: World) -> Callable[[Ports], object]:
    assert world.act(it_becomes_hot(world))
    return tend_all


def it_is_drained(world: World) -> Callable[[Ports], object]:
    assert world.act(reserve(order(world, 2, 3)))
    assert world.act(world.mode(PLAIN))
    return tend_all


def units_arrive(world: World) -> Callable[[Ports], object]:
    return world.send("t-1")


def what_arrived_is_filled_in(world: World) -> Callable[[Ports], object]:
    assert world.act(world.send("t-1"))
    return tend_all


def units_arrive_while_it_drains(world: World) -> Callable[[Ports], object]:
    assert world.act(world.mode(PLAIN))
    return world.send("t-1")


def it_is_refilled(world: World) -> Callable[[Ports], object]:
    world.pools.lose()
    world.pass_time()
    return lambda ports: refill(ports, CD)


@pytest.mark.parametrize("after_the_write", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "scene",
    [
        an_order_is_reserved,
        an_order_is_released,
        it_becomes_hot,
        it_is_filled,
        it_is_drained,
        it_is_refilled,
        units_arrive,
        what_arrived_is_filled_in,
        units_arrive_while_it_drains,
    ],
    ids=lambda scene: scene.__name__,
)
def test_a_process_that_dies_at_any_of_its_calls_loses_and_doubles_nothing(
    scene: Callable[[World], Callable[[Ports], object]], *, after_the_write: bool
) -> None:
    for call in range(100):
        world = hot_world()
        survived = world.act(scene(world), dies_at=call, after_the_write=after_the_write)
        world.check()
        if survived:
            break

        assert sold_by_and_by(world) == world.units
        world.check()
    else:
        pytest.fail("it never got through")
    assert call > 0


@pytest.mark.parametrize(
    "scene", [it_is_filled, it_is_drained, it_is_refilled, it_becomes_hot, units_arrive, what_arrived_is_filled_in]
)
def test_two_who_look_after_a_sku_at_once_do_it_once(scene: Callable[[World], Callable[[Ports], object]]) -> None:
    world = hot_world()
    what = scene(world)
    world.meanwhile = lambda: what(world.ports)

    assert world.act(what)

    world.check()
    assert world.meanwhile is None
    assert sold_by_and_by(world) == world.units
    world.check()


def test_a_switch_back_while_it_drains_is_not_undone_by_who_drains_it() -> None:
    world = hot_world()
    assert world.act(world.mode(PLAIN))
    world.meanwhile = lambda: world.act(world.mode(HOT))

    assert world.act(tend_all)

    world.check()
    assert world.cells.state().allotments[CD, world.ports.region].selling.is_hot()
    assert sold_by_and_by(world) == world.units


ACTIONS = ("order", "order two", "release", "hot", "plain", "tend", "refill", "lose", "repeat", "wait", "allot", "send")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(-6, 14), st.booleans()), max_size=40))
def test_whatever_happens_in_whatever_order_every_unit_is_somewhere(history: list[tuple[str, int, bool]]) -> None:
    world = World()
    orders: list[str] = []
    for number, (action, dies_at, after_the_write) in enumerate(history):
        what = _step(world, orders, action, number)
        if what is not None:
            world.act(what, dies_at=max(dies_at, -1), after_the_write=after_the_write)
        world.check()

    world.heal()
    assert world.act(world.mode(PLAIN))
    world.heal()
    world.check()
    allotment = world.cells.state().allotments[CD, world.ports.region]
    held = sum(
        sum(reservation.all_units().values())
        for reservation in world.cells.state().reservations.values()
        if reservation.state == "Held"
    )
    assert allotment.selling.is_plain()
    assert allotment.free + held == allotment.units


def _step(world: World, orders: list[str], action: str, number: int) -> Callable[[Ports], object] | None:  # noqa: PLR0911
    match action:
        case "order" | "order two":
            orders.append(order(world, number, 2 if action == "order two" else 1))
            return reserve(orders[-1])
        case "release":
            return release(orders[number % len(orders)]) if orders else None
        case "hot" | "plain":
            return world.mode(HOT if action == "hot" else PLAIN)
        case "tend":
            return tend_all
        case "refill":
            return lambda ports: refill(ports, CD)
        case "lose":
            world.pools.lose(0.5)
        case "repeat":
            world.pools.repeat()
        case "wait":
            world.pass_time()
        case "send":
            return world.send(f"t-{number}")
        case _:
            return lambda ports: allot(ports, units=5 + number % 5, version=100 + number)
    return None
