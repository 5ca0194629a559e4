"""Stock: each Region sells a SKU from an allotment of its own, which no other Region writes."""

from __future__ import annotations

import msgspec

from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import SetAllotment


class Allotment(msgspec.Struct, frozen=True, kw_only=True):
    """What a Region may sell of a SKU. `allotted - free` is held or sold."""

    sku: str
    region: str
    allotted: int
    free: int
    """Below zero where the allotment was cut under what is already held or sold: nothing is sold then."""
    version: int


def set_allotment(current: Allotment | None, command: SetAllotment, *, region: str) -> Allotment | Refusal:
    """Decide on a Region's allotment that the system of record sets: what is held or sold stays counted against it."""
    if current is None:
        return Allotment(
            sku=command.sku, region=region, allotted=command.units, free=command.units, version=command.version
        )
    if command.version > current.version:
        used = current.allotted - current.free
        return msgspec.structs.replace(
            current, allotted=command.units, free=command.units - used, version=command.version
        )
    if command.version == current.version and command.units == current.allotted:
        return current
    return Refusal(
        RefusalKind.SUPERSEDED,
        f"version {command.version} of the allotment of {command.sku} in {region} does not follow version "
        f"{current.version}, which stands: send the allotment under a higher version",
    )
