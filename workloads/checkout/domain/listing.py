"""A SKU's listing: what a Region tells the entry about its sale there, so that no order is taken in vain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.price import Price
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.token import MAXIMUM_TOKENS
from workloads.contracts.commands import ResumeSelling, StopSelling
from workloads.contracts.events import BackInStock, SoldOut


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What one Region says. Each Region writes its own, and everybody reads all of them."""

    sku: str
    region: str
    sold_out: bool = False
    """Of the Region's own stock, as its events tell it: pushed, and therefore a little late."""
    level_sequence: int = 0
    """The sequence of the event that told it."""
    stopped: bool = False
    """Of all Regions' sale: the newest version counts, wherever it was said."""
    version: int = 0
    """Of `stopped`; 0 where nothing was ever said."""
    by_tokens: bool = False
    """How the Region's own stock is sold."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What an order of a SKU is judged by."""

    price: Price
    stopped: bool = False
    sold_out: bool = False
    """In the customer's home Region."""
    by_tokens: bool = False
    """In the customer's home Region."""


def is_in_demand(offer: Offer) -> bool:
    """Return whether so many may ask for it at once that its items can not be read for each."""
    return offer.by_tokens or offer.sold_out


def is_stopped(listings: Iterable[Listing]) -> bool:
    """Return whether a SKU is not for sale; the Region's name decides between equal versions, alike in every Region."""
    newest = _newest(listings)
    return newest is not None and newest.stopped


def set_selling(
    listings: Iterable[Listing], command: StopSelling | ResumeSelling, *, region: str
) -> Listing | Refusal | None:
    """Decide to sell a SKU or not, or return None where it is so already: a Region's own listing, or why not."""
    stopped = isinstance(command, StopSelling)
    newest = _newest(listings)
    if newest is None or command.version > newest.version:
        return Listing(sku=command.sku, region=region, stopped=stopped, version=command.version)
    if command.version == newest.version and stopped == newest.stopped:
        return None
    return Refusal(
        RefusalKind.SUPERSEDED,
        f"version {command.version} of the sale of {command.sku} does not follow version {newest.version}, which "
        "stands: send it under a higher version",
    )


def told(current: Listing | None, event: SoldOut | BackInStock) -> Listing | None:
    """Return the listing that an event makes; None for an event that came late or twice."""
    before = current or Listing(sku=event.sku, region=event.region)
    if event.sequence <= before.level_sequence:
        return None
    return msgspec.structs.replace(before, sold_out=isinstance(event, SoldOut), level_sequence=event.sequence)


def still_sold_out(skus: Iterable[str], allotments: Mapping[str, Allotment]) -> frozenset[str]:
    """Return which of the SKUs that are listed as sold out are so: nobody is turned away by a flag that is late."""
    return frozenset(sku for sku in skus if sku not in allotments or allotments[sku].is_short_of(1))


def refuse_stopped(offers: Mapping[str, Offer]) -> Refusal | None:
    """Refuse an order for what is not for sale."""
    stopped = sorted(sku for sku, offer in offers.items() if offer.stopped)
    if not stopped:
        return None
    return Refusal(RefusalKind.NOT_FOR_SALE, f"{', '.join(stopped)}: not for sale at present, order without it")


def refuse_sold_out(offers: Mapping[str, Offer], *, region: str) -> Refusal | None:
    """Refuse an order for what the customer's home has sold out."""
    sold_out = sorted(sku for sku, offer in offers.items() if offer.sold_out)
    if not sold_out:
        return None
    return Refusal(
        RefusalKind.SOLD_OUT, f"{', '.join(sold_out)}: sold out in {region}, order it when it is back in stock"
    )


def refuse_too_many_tokens(units: Mapping[str, int], offers: Mapping[str, Offer], *, region: str) -> Refusal | None:
    """Refuse an order for more of what is sold by tokens than one transaction can hold."""
    hot = sorted(sku for sku, offer in offers.items() if offer.by_tokens)
    wanted = sum(units[sku] for sku in hot)
    if wanted <= MAXIMUM_TOKENS:
        return None
    return Refusal(
        RefusalKind.TOO_MANY_UNITS,
        f"{', '.join(hot)}: in great demand in {region}, where one order has {MAXIMUM_TOKENS} units of such items at "
        f"most, and this one asks for {wanted}: order fewer, or in several orders",
    )


def _newest(listings: Iterable[Listing]) -> Listing | None:
    said = (listing for listing in listings if listing.version > 0)
    return max(said, key=lambda listing: (listing.version, listing.region), default=None)
