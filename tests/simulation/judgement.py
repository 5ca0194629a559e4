"""What must hold when a run has come to rest, whatever happened in it."""

from __future__ import annotations

from typing import Final

from tests.simulation.shoppers import Shoppers
from tests.simulation.state_machine import Failure
from tests.simulation.world import World
from tests.workloads.checkout.invariants import check, tokens_of
from tests.workloads.checkout.state import State
from tests.workloads.regions import REGIONS
from workloads.checkout.adapters.items import read_listing
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.command_record import CommandOutcome
from workloads.checkout.domain.listing import is_stopped
from workloads.checkout.domain.order import OrderState, OrderStatus
from workloads.checkout.domain.reservation import ReservationState
from workloads.checkout.domain.selling import refill_is_due
from workloads.contracts.clock import moment

LONGEST_SAGA: Final = 6 * 3600
"""Seconds within which an order ends in the simulated weather, repetitions included: it bounds what is seen, not what
the state machine allows: the retries of a single state of the way back may take over six hours before it parks."""


ENDS: Final = {
    OrderStatus.COMPLETED: ("PurchaseCompleted",),
    OrderStatus.REFUNDED: ("PurchaseCompleted", "PurchaseRefunded"),
    OrderStatus.REJECTED: ("PurchaseRejected",),
    OrderStatus.CANCELLED: ("PurchaseCancelled",),
}
"""What is told of each end. There is none for an order that has not ended."""


def judge(world: World, shoppers: Shoppers) -> State:
    """Check everything, and return what is stored; raises AssertionError."""
    replicas_agree(world)
    state = world.state()
    check(state)
    every_order_has_ended(world, state)
    nothing_is_held(state)
    every_end_was_told_once(world, state)
    promises_were_kept(state, shoppers)
    cancellations_and_refunds_came_true(state, shoppers)
    deposits_arrived_once(state, shoppers)
    every_failed_saga_was_parked(world)
    every_transfer_has_arrived(state)
    every_redrive_is_in_the_trail(world, state)
    every_pool_has_its_owner(state)
    every_free_token_can_be_had(world, state)
    flags_agree_with_stock(state)
    the_sale_is_what_was_said_last(state, shoppers)
    nothing_was_set_aside(world)
    return state


def replicas_agree(world: World) -> None:
    """Every Region has come to the same items."""
    first, *others = [world.images(region) for region in REGIONS]
    for other in others:
        different = [key for key in first.keys() | other.keys() if first.get(key) != other.get(key)]
        assert not different, f"the replicas differ in {different[:3]}"


def every_order_has_ended(world: World, state: State) -> None:
    """No order is left pending, and none took longer than its saga may."""
    pending = [order.id for order in state.orders.values() if order.state is OrderState.PENDING]
    assert not pending, f"{len(pending)} orders never ended, such as {pending[0]}"
    for region, cell in world.cells.items():
        for execution in cell.executions.all.values():
            assert execution.ended is not None
            assert execution.ended - execution.started < LONGEST_SAGA, execution.name
            order = state.orders[execution.name.split(".")[0]]
            assert order.home.region == region, f"{order.id} was carried out away from home"
            assert execution.started >= moment(order.placed_at).timestamp() - 60


def nothing_is_held(state: State) -> None:
    """When all orders have ended, no unit is held any more: it is sold or free."""
    held = [r.order_id for r in state.reservations.values() if r.state is ReservationState.HELD]
    assert not held, f"{len(held)} orders still hold units, such as {held[0]}"


def every_end_was_told_once(world: World, state: State) -> None:
    """The other contexts have learned of each end and of each refund, by one event, however often it came."""
    for order in state.orders.values():
        told = sorted(event.split(" ")[0] for event in world.ends.get(order.id, ()))
        assert told == sorted(ENDS[order.status]), f"{order.id} is {order.status}, and the others were told {told}"
    assert len(world.ends) == len(state.orders)


def promises_were_kept(state: State, shoppers: Shoppers) -> None:
    """Each order that somebody was told of exists, or was refused by its home under the command that brought it."""
    for order_id, told in shoppers.promised.items():
        if order_id in state.orders:
            continue
        handovers = [handover for (subject, _), handover in state.handovers.items() if subject == order_id]
        assert handovers, f"{order_id} was promised as {told} and is gone"
        for handover in handovers:
            record = state.commands.get(handover.command_id)
            assert record is not None, f"the command {handover.command_id} of {order_id} was lost"
            assert record.outcome is CommandOutcome.REFUSED


def cancellations_and_refunds_came_true(state: State, shoppers: Shoppers) -> None:
    """Whoever was told that an order is being called off or is refunded finds it so in the end."""
    for order_id, status in shoppers.told_of_the_end.items():
        expected = OrderStatus.CANCELLED if status is OrderStatus.CANCELLING else status
        assert state.orders[order_id].status is expected, f"{order_id} was told {status}"


def deposits_arrived_once(state: State, shoppers: Shoppers) -> None:
    """What was paid in is in the ledger, once and in full."""
    for deposit_id, amount in shoppers.deposited.items():
        assert deposit_id in state.deposits, f"the deposit {deposit_id} is lost"
        assert state.deposits[deposit_id].amount.minor_units == amount


def every_failed_saga_was_parked(world: World) -> None:
    """No saga fails but in the state that follows its message to the repair queue."""
    for cell in world.cells.values():
        failures = [e for e in cell.executions.all.values() if isinstance(e.end, Failure)]
        assert all(isinstance(e.end, Failure) and e.end.error == "Parked" for e in failures), failures[0].end
        for execution in failures:
            assert any(f"arn:{execution.name}" in body for body in cell.parked), f"nobody was told of {execution.name}"


def every_transfer_has_arrived(state: State) -> None:
    """No unit is on its way between Regions any more."""
    under_way = state.transfers.keys() - state.receipts.keys()
    assert not under_way, f"{len(under_way)} transfers never arrived, such as {next(iter(under_way))}"


def every_redrive_is_in_the_trail(world: World, state: State) -> None:
    """What an operator was answered is kept for good."""
    for region, operators in world.operators.items():
        for identity in operators.acted:
            assert (f"OPERATION#{identity}", region) in state.others, f"the operation {identity} left no trail"


def every_pool_has_its_owner(state: State) -> None:
    """A SKU that is not sold plainly has its queue of tokens for itself, and nobody is still on the way back."""
    owners = {key[0]: item["sku"] for key, item in state.others.items() if key[1] == "POOL" and item["sku"]}
    hot = {
        f"POOL#{region}#{allotment.selling.pool}": sku
        for (sku, region), allotment in state.allotments.items()
        if not allotment.selling.is_plain()
    }
    assert owners == hot
    draining = [key for key, allotment in state.allotments.items() if allotment.selling.is_draining()]
    assert not draining, f"{draining[0]} never got back to its counter"


def every_free_token_can_be_had(world: World, state: State) -> None:
    """Each unit of a hot SKU that nobody has is a token, and the queue has a message for it, or a refill is not due."""
    for (sku, region), allotment in state.allotments.items():
        selling = allotment.selling
        if selling.is_hot():
            free, messages = free_tokens(state, allotment), world.cells[region].pools[selling.pool].bodies()
            assert allotment.free <= 0, f"{allotment.free} units of {sku} in {region} never became tokens"
            assert selling.announced == selling.issued
            assert not refill_is_due(free=free, messages=len(messages), age_seconds=0, longest_age_seconds=1), (
                f"{free} tokens of {sku} in {region} are free, and the queue has {len(messages)} messages"
            )


def free_tokens(state: State, allotment: Allotment) -> int:
    """Return how many tokens of the present generation nobody has."""
    selling = allotment.selling
    records = tokens_of(state, allotment.sku, allotment.region)
    decided = sum(r.token.generation == selling.generation and not r.is_open() for r in records)
    return selling.issued - decided


def flags_agree_with_stock(state: State) -> None:
    """The entry takes a SKU for sold out where nothing of it is left, and nowhere else."""
    listings = {
        (item["sku"], item["region"]): read_listing(item)
        for key, item in state.others.items()
        if key[0].startswith("LISTING#")
    }
    for key, allotment in state.allotments.items():
        left = allotment.free + (free_tokens(state, allotment) if allotment.selling.is_hot() else 0)
        flagged = key in listings and listings[key].sold_out
        assert flagged == (left <= 0), f"{key} has {left} units left, and its flag says sold out: {flagged}"
        by_tokens = key in listings and listings[key].by_tokens
        assert by_tokens == allotment.selling.is_hot()


def the_sale_is_what_was_said_last(state: State, shoppers: Shoppers) -> None:
    """Every command of a SKU's sale that was carried out counts, and the newest one decides."""
    for sku, version in shoppers.sale_versions.items():
        said = [read_listing(item) for key, item in state.others.items() if key[0] == f"LISTING#{sku}"]
        newest = max(listing.version for listing in said)
        assert newest >= version, f"version {version} of the sale of {sku} is lost"
        assert is_stopped(said) == (newest == 1), f"the sale of {sku} is not what version {newest} says"


def nothing_was_set_aside(world: World) -> None:
    """No event had to be kept for a person to look at."""
    for cell in world.cells.values():
        assert not cell.unpublished.reasons, cell.unpublished.reasons[0]
