"""Commit a change of how a SKU is sold, together with the level of stock that it tells."""

from __future__ import annotations

from workloads.checkout.application.changes import Change, ChangeSelling
from workloads.checkout.application.outbox_entries import level_entries
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.allotment import Movement


def commit_selling(ports: Ports, movement: Movement, *others: Change) -> None:
    """Commit; raises ConcurrentWriteError where the allotment is not any more what the decision was made on."""
    cause = f"selling-{movement.after.sku}-{ports.region}-{movement.after.selling.revision}"
    ports.store.commit(
        [ChangeSelling(movement), *others],
        level_entries(ports, [movement], correlation_id=cause, causation_id=cause),
    )
