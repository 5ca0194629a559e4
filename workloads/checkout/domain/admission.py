"""Who may place an order now: a token bucket a customer, and a bound on the orders that wait to begin.

Neither is a refusal for good: what is postponed may be asked for again, and nothing was written.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

import msgspec

from workloads.checkout.domain.refusal import Refusal, RefusalKind

_SECOND: Final = 1_000_000
"""In microseconds, the unit of all times here: integers, because a sum of binary fractions drifts."""
_LONGEST_RETRY: Final = 900
"""Seconds. Beyond a quarter of an hour, a forecast of a queue's length is a guess."""


class OrderRate(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's token bucket: how many orders at once, and how fast it fills again."""

    burst: int = 50
    per_minute: int = 300

    @property
    def interval(self) -> int:
        """Return the microseconds after which one more order is allowed."""
        return 60 * _SECOND // self.per_minute


class SagaCapacity(msgspec.Struct, frozen=True, kw_only=True):
    """How fast orders begin, and how long the last one in the queue may have to wait for that."""

    starts_per_second: int = 300
    """Orders, of which each starts a saga at most; what is sold out is rejected in about the same time. StartExecution
    of Standard workflows: 300 a second by default in the largest Regions, 150 in the others (Step Functions Developer
    Guide, service quotas)."""
    longest_wait: int = 10
    """Seconds."""


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """What a cell lets in."""

    rate: OrderRate = OrderRate()
    capacity: SagaCapacity = SagaCapacity()


class Postponed(msgspec.Struct, frozen=True):
    """Not now: the same request may be carried out later."""

    refusal: Refusal
    """What to tell whoever will not ask again."""
    retry_after: int
    """Seconds."""


def draw(bucket: int | None, rate: OrderRate, now: datetime) -> int | Postponed:
    """Take one order out of a customer's bucket: return the bucket after it, or when to ask again.

    The bucket is the theoretical arrival time of the generic cell rate algorithm (ITU-T I.371, annex A), one number
    instead of a level and a time: the moment at which the bucket is full again. None is a full bucket.
    """
    moment = _microseconds(now)
    # A clock that was ahead when it wrote must not lock the customer out for longer than an empty bucket does.
    full_at = min(max(bucket or 0, moment), moment + rate.burst * rate.interval)
    allowed_at = full_at - (rate.burst - 1) * rate.interval
    if allowed_at <= moment:
        return full_at + rate.interval
    retry_after = math.ceil((allowed_at - moment) / _SECOND)
    detail = (
        f"a customer places {rate.burst} orders at once and {rate.per_minute} a minute; nothing was written: "
        f"retry with the same Idempotency-Key after {retry_after} s"
    )
    return Postponed(Refusal(RefusalKind.TOO_MANY_ORDERS, detail), retry_after)


def relieve(waiting: int, capacity: SagaCapacity) -> Postponed | None:
    """Return when to ask again while more orders wait than can begin in time; None while there is room."""
    if waiting <= capacity.starts_per_second * capacity.longest_wait:
        return None
    retry_after = min(math.ceil(waiting / capacity.starts_per_second), _LONGEST_RETRY)
    detail = (
        f"about {waiting} orders wait for their checkout, of which {capacity.starts_per_second} begin a second; "
        f"nothing was written: retry with the same Idempotency-Key after {retry_after} s"
    )
    return Postponed(Refusal(RefusalKind.OVERLOADED, detail), retry_after)


def _microseconds(moment: datetime) -> int:
    # Not timestamp() * 1e6: a double has no room for microseconds of this century beyond rounding.
    return int(moment.timestamp()) * _SECOND + moment.microsecond
