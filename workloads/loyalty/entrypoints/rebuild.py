"""Makes balances anew from the events: `python -m workloads.loyalty.entrypoints.rebuild <customer id> …`.

A one-off task of the projector's own task definition, for when the projection is in doubt.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from workloads.loyalty.application.project_balance import rebuild_balance
from workloads.loyalty.entrypoints.wiring import wired
from workloads.runtime.logging import logger

_LOG: Final = logger("loyalty-rebuild")


def main(customer_ids: Sequence[str]) -> int:
    """Rebuild each customer's balance; return the exit code."""
    if not customer_ids:
        sys.stderr.write("which customers? usage: python -m workloads.loyalty.entrypoints.rebuild <customer id> …\n")
        return 2
    rebuild = wired(rebuild_balance)
    for customer_id in customer_ids:
        balance = rebuild(customer_id)
        _LOG.info("rebuilt", extra={"customer_id": customer_id, "version": balance.version})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
