"""The token bucket of a method.

API Gateway fills it at the stage's rate limit up to the burst limit:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
"""

from __future__ import annotations

import time
from collections.abc import Callable

from local.standins.gateway.definition import Operation, Throttle


class TokenBucket:
    """A bucket that starts full."""

    def __init__(self, throttle: Throttle, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._throttle = throttle
        self._clock = clock
        self._tokens = float(throttle.burst)
        self._filled_at = clock()

    def take(self) -> bool:
        """Whether there was a token for one request."""
        now = self._clock()
        self._tokens = min(self._throttle.burst, self._tokens + (now - self._filled_at) * self._throttle.rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Throttling:
    """One bucket for each method that the stage limits."""

    def __init__(self, operations: tuple[Operation, ...], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets = {
            (operation.resource, operation.method): TokenBucket(operation.throttle, clock=clock)
            for operation in operations
            if operation.throttle is not None
        }

    def admits(self, operation: Operation) -> bool:
        """Whether this request may pass."""
        bucket = self._buckets.get((operation.resource, operation.method))
        return bucket is None or bucket.take()
