"""The list price of a SKU: set by the catalogue's system of record, newest version wins in every Region."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import SetPrice
from workloads.contracts.money import Money


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one Region was told last about the price of a SKU."""

    sku: str
    region: str
    """The Region that wrote it: each Region writes its own item, so that no write overwrites another Region's."""
    amount: Money
    version: int


def newest(prices: Iterable[Price]) -> Price | None:
    """Return the price that counts; the Region's name decides between equal versions, alike in every Region."""
    return max(prices, key=lambda price: (price.version, price.region), default=None)


def set_price(current: Price | None, command: SetPrice, *, region: str) -> Price | Refusal:
    """Decide on a price that the system of record sets: the current one itself when it says the same."""
    if current is None or command.version > current.version:
        return Price(sku=command.sku, region=region, amount=command.price, version=command.version)
    if command.version == current.version and command.price == current.amount:
        return current
    return Refusal(
        RefusalKind.SUPERSEDED,
        f"version {command.version} of the price of {command.sku} does not follow version {current.version}, "
        "which stands: send the price under a higher version",
    )
