"""Money as integer minor units of one ISO 4217 currency. Not for points, which are plain integers."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from workloads.contracts.identifiers import END

MAXIMUM_MINOR_UNITS: Final = 10**15
"""The largest amount that any sum may reach: exact in a JSON number (RFC 8259, section 6: 2**53) with room to spare."""

CURRENCY_PATTERN: Final = "^[A-Z]{3}" + END

MinorUnits = Annotated[int, msgspec.Meta(ge=0, le=MAXIMUM_MINOR_UNITS)]
Currency = Annotated[str, msgspec.Meta(pattern=CURRENCY_PATTERN, description="ISO 4217 alphabetic code")]


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies were combined."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right} can not be combined: convert one of them first")
        self.left = left
        self.right = right


class AmountOutOfBoundsError(ValueError):
    """A sum or product left the range of 0 to MAXIMUM_MINOR_UNITS."""

    def __init__(self, minor_units: int) -> None:
        super().__init__(f"{minor_units} minor units are outside 0 to {MAXIMUM_MINOR_UNITS}")
        self.minor_units = minor_units


class Money(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An amount that is never negative.

    >>> Money(1999, "USD").times(2).plus(Money(2, "USD"))
    Money(minor_units=4000, currency='USD')
    """

    minor_units: MinorUnits
    currency: Currency

    def plus(self, other: Money) -> Money:
        """Return the sum; raises CurrencyMismatchError or AmountOutOfBoundsError."""
        if self.currency != other.currency:
            raise CurrencyMismatchError(self.currency, other.currency)
        return _bounded(self.minor_units + other.minor_units, self.currency)

    def times(self, quantity: int) -> Money:
        """Return the product; raises AmountOutOfBoundsError."""
        return _bounded(self.minor_units * quantity, self.currency)


def _bounded(minor_units: int, currency: str) -> Money:
    if not 0 <= minor_units <= MAXIMUM_MINOR_UNITS:
        raise AmountOutOfBoundsError(minor_units)
    return Money(minor_units, currency)
