"""The home of a customer: the one Region that writes the customer's wallet and orders."""

from __future__ import annotations

import msgspec

from workloads.contracts.identifiers import region_of_birth


class Home(msgspec.Struct, frozen=True):
    """Where a customer is at home, and how often the home was moved: each move counts the epoch up by one.

    Every write that belongs to the home is conditioned on both, so that a former home can write no more.
    """

    region: str
    epoch: int = 0


def birth_home(customer_id: str) -> Home:
    """Return the home of a customer who was never moved."""
    return Home(region_of_birth(customer_id))
