"""The rows in memory."""

from __future__ import annotations

from workloads.singleview.application.ports import View
from workloads.singleview.domain.facts import Fact, Order, Points, Wallet


class MemoryRows:
    """Keeps the newest fact about each thing."""

    def __init__(self) -> None:
        self.facts: dict[tuple[str, str], Fact] = {}
        self.origins: set[str] = set()

    def record(self, fact: Fact, *, origin_region: str) -> bool:
        key = (fact.customer_id, fact.order_id if isinstance(fact, Order) else type(fact).__name__)
        if key in self.facts and self.facts[key].sequence >= fact.sequence:
            return False
        self.facts[key] = fact
        self.origins.add(origin_region)
        return True

    def read(self, customer_id: str, *, page_token: str | None) -> View:
        assert page_token is None
        own = [fact for (owner, _), fact in self.facts.items() if owner == customer_id]
        return View(
            wallet=next((fact for fact in own if isinstance(fact, Wallet)), None),
            points=next((fact for fact in own if isinstance(fact, Points)), None),
            orders=tuple(fact for fact in own if isinstance(fact, Order)),
        )
