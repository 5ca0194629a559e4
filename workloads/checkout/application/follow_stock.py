"""Follow what is told of the stock's level: flag it for the entry, and find stock that lies idle beside low stock."""

from __future__ import annotations

from typing import Final, Protocol

from workloads.checkout.application.changes import FlagSoldOut
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.allotment import Allotment, LevelEvent, idle_beside_low
from workloads.checkout.domain.listing import told
from workloads.contracts.events import BackInStock, SoldOut

FLAGGED: Final = (SoldOut, BackInStock)
"""What changes the flag; that stock runs low or recovers stops no order."""


class StockWatch(Protocol):
    """Tells people about stock."""

    def idle_beside_low(self, idle: Allotment) -> None:
        """Tell that so much lies idle in one Region, while another one has hardly any left."""
        ...


def follow_level(ports: Ports, event: LevelEvent, watch: StockWatch) -> None:
    """Do what an event of this Region's stock calls for; events may come twice and in any order."""
    if isinstance(event, FLAGGED):
        decide(ports, lambda: _flag(ports, event))
    found = (ports.store.allotments([event.sku], region).get(event.sku) for region in ports.regions)
    for idle in idle_beside_low([allotment for allotment in found if allotment is not None]):
        watch.idle_beside_low(idle)


def _flag(ports: Ports, event: SoldOut | BackInStock) -> None:
    present = {listing.region: listing for listing in ports.store.listings(event.sku)}
    listing = told(present.get(event.region), event)
    if listing is not None:
        ports.store.commit([FlagSoldOut(listing)])
