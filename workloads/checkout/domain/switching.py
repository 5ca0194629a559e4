"""Decide on a switch between the plain counter and tokens, which the stock's system of record asks for."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from workloads.checkout.domain.allotment import Allotment, Movement, change_selling
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.selling import MAXIMUM_UNITS, Selling, switch_to_hot, switch_to_plain
from workloads.contracts.commands import RequestedSellingMode, SetSellingMode


class Pools(msgspec.Struct, frozen=True):
    """The queues of tokens that a Region has, and the SKU of each that is in use."""

    number: int
    owners: Mapping[int, str]

    def free(self) -> int | None:
        """Return the first that nobody uses."""
        return next((pool for pool in range(self.number) if pool not in self.owners), None)


class Switch(msgspec.Struct, frozen=True):
    """The allotment under its new way of selling, and the pool that it needs from now on."""

    movement: Movement
    assigned_pool: int | None = None


def switch(
    allotment: Allotment | None, command: SetSellingMode, *, region: str, pools: Pools
) -> Switch | Refusal | None:
    """Return what changes, or None where the command was carried out before."""
    if allotment is None:
        return Refusal(
            RefusalKind.UNKNOWN_SKU, f"{region} has no allotment of {command.sku}: set one before it is sold in any way"
        )
    selling = allotment.selling
    if command.version < selling.version or (command.version == selling.version and not _asked_for(selling, command)):
        return Refusal(
            RefusalKind.SUPERSEDED,
            f"version {command.version} of how {command.sku} is sold in {region} does not follow version "
            f"{selling.version}, which stands: send it under a higher version",
        )
    if command.version == selling.version:
        return None
    if command.mode is RequestedSellingMode.PLAIN:
        return Switch(change_selling(allotment, switch_to_plain(selling, version=command.version)))
    if not selling.is_plain():
        return Switch(change_selling(allotment, switch_to_hot(selling, version=command.version, pool=selling.pool)))
    return _begin(allotment, command, pools)


def _begin(allotment: Allotment, command: SetSellingMode, pools: Pools) -> Switch | Refusal:
    if allotment.free > MAXIMUM_UNITS:
        return Refusal(
            RefusalKind.AMOUNT_TOO_LARGE,
            f"{allotment.free} units of {command.sku} are free, and a SKU can become hot with {MAXIMUM_UNITS} at most: "
            "sell or move some first",
        )
    pool = pools.free()
    if pool is None:
        return Refusal(
            RefusalKind.NO_TOKEN_QUEUE,
            f"all {pools.number} token queues of the Region are in use, by {', '.join(sorted(pools.owners.values()))}: "
            "let one of these be sold plainly first, or deploy more queues (meridian:hotItemQueues)",
        )
    selling = switch_to_hot(allotment.selling, version=command.version, pool=pool)
    return Switch(change_selling(allotment, selling), assigned_pool=pool)


def _asked_for(selling: Selling, command: SetSellingMode) -> bool:
    return selling.is_hot() == (command.mode is RequestedSellingMode.HOT)
