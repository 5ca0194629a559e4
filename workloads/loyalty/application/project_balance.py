"""Brings a customer's balance up to what the streams of all Regions say, and tells it from the home Region."""

from __future__ import annotations

from collections.abc import Sequence

from workloads.loyalty.application.ports import BalanceMovedError, Balances, Publisher, StoredBalance, Streams
from workloads.loyalty.application.retrying import ATTEMPTS, ContentionError, Pause, jitter
from workloads.loyalty.domain.accounts import Balance, balance_changed, contiguous, fold, home_region, merge


def project_balance(
    customer_id: str,
    *,
    region: str,
    regions: Sequence[str],
    streams: Streams,
    balances: Balances,
    publisher: Publisher,
    pause: Pause = jitter,
) -> Balance:
    """Read on from the stored positions, store the new balance and publish it if this is the account's home.

    Publishing comes before marking: who is stopped in between publishes the same event again, and never none.
    Raises MalformedEventError, ContentionError, or what the adapters raise; a repeat goes on from what was stored.
    """
    stored = _read_on(customer_id, regions=regions, streams=streams, balances=balances, pause=pause)
    balance = stored.balance
    if balance.latest and stored.published_version < balance.version and home_region(customer_id) == region:
        publisher.publish([balance_changed(balance, balance.latest, region=region)])
        balances.mark_published(customer_id, balance.version)
    return balance


def rebuild_balance(
    customer_id: str,
    *,
    region: str,
    regions: Sequence[str],
    streams: Streams,
    balances: Balances,
    publisher: Publisher,
    pause: Pause = jitter,
) -> Balance:
    """Forget the stored balance and make it anew from the streams' beginning; stopped in between, a hint makes it."""
    balances.forget(customer_id)
    return project_balance(
        customer_id,
        region=region,
        regions=regions,
        streams=streams,
        balances=balances,
        publisher=publisher,
        pause=pause,
    )


def _read_on(
    customer_id: str, *, regions: Sequence[str], streams: Streams, balances: Balances, pause: Pause
) -> StoredBalance:
    for attempt in range(ATTEMPTS):
        stored = balances.load(customer_id)
        before = stored.balance
        unread = [
            contiguous(streams.read_on(customer_id, name, after=before.position(name)), after=before.position(name))
            for name in regions
        ]
        after = fold(before, merge(unread))
        if after.version == before.version:
            return stored
        try:
            balances.save(after, expected_version=before.version)
        except BalanceMovedError:
            pause(attempt)
            continue
        return StoredBalance(balance=after, published_version=stored.published_version)
    raise ContentionError(f"balance of {customer_id}")
