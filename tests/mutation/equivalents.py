"""Mutants that nothing can notice, and why; the gate fails where one is noticed or is no mutant any more."""

from collections.abc import Mapping
from typing import Final

EQUIVALENTS: Final[Mapping[str, str]] = {
    "application/begin_checkout.py hold_or_refuse without the guard "
    "`steps.reserve(ports, checkout) is Outcome.RESERVED`": (
        "What holds its units can not be rejected: `reject` answers so and writes nothing, and the saga starts all the "
        "same. The guard saves the question."
    ),
    "application/offers.py _read without the guard `not flagged`": (
        "Where nothing is flagged as sold out, nothing is looked up and every offer stays as it is. The guard saves "
        "the copies."
    ),
}
"""By name."""
