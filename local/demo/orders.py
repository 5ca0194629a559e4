"""The real orders that the demo replays: the first weeks of the CDNOW sample, which the `lifetimes` wheel carries.

The package is a carrier of data only: its code is never imported.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from local.errors import UserFacingError

PACKAGE: Final = "lifetimes"
FILE: Final = "CDNOW_sample.txt"
SHA256: Final = "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a"
FIRST_DAY: Final = date(1997, 1, 1)
WEEKS: Final = 5
"""The fewest whole weeks that hold 1,000 orders."""
CURRENCY: Final = "USD"


class OrderFileError(UserFacingError):
    """The file of orders is absent, is another one, or has a row that can not be read."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One row of the file. Its number of discs is not replayed: a row is one unit of a title at the row's amount."""

    row: int
    """Counted from 1, as an editor does."""
    customer: str
    day: date
    cents: int

    @property
    def sku(self) -> str:
        """Return the title: one for each amount, so that popular amounts make popular titles."""
        return f"cdnow-{self.cents}"

    @property
    def idempotency_key(self) -> str:
        """Return the row's identity. The file repeats rows, so their content would not do."""
        return f"{SHA256}-{self.row:05d}"


def first_weeks(weeks: int = WEEKS) -> tuple[Purchase, ...]:
    """Return the purchases of the first weeks in order of their day, then of their place in the file."""
    end = FIRST_DAY + timedelta(weeks=weeks)
    purchases = (purchase for purchase in read(_installed_file()) if purchase.day < end)
    return tuple(sorted(purchases, key=lambda purchase: (purchase.day, purchase.row)))


def read(path: Path) -> tuple[Purchase, ...]:
    """Return all rows of the file; raises OrderFileError where it is not the one that the demo was made for."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        message = f"{path} has the SHA-256 {found}, not {SHA256}: reinstall {PACKAGE} as uv.lock pins it"
        raise OrderFileError(message)
    return tuple(parse_row(number, line) for number, line in enumerate(content.decode("ascii").splitlines(), start=1))


def parse_row(number: int, line: str) -> Purchase:
    """Read one row: id in the master file, id in the sample, day, number of discs, US dollars."""
    try:
        _, customer, day, _, dollars = line.split()
        cents = Decimal(dollars) * 100
        if cents != cents.to_integral_value() or cents < 0:
            message = f"{dollars!r} is no amount of whole cents"
            raise ValueError(message)
        return Purchase(row=number, customer=customer, day=datetime.strptime(day, "%Y%m%d").date(), cents=int(cents))
    except (ValueError, InvalidOperation) as error:
        message = f"row {number} of {FILE}, {line!r}, is not (master id, sample id, day, discs, dollars): {error}"
        raise OrderFileError(message) from error


def _installed_file() -> Path:
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        message = f"the package {PACKAGE} is not installed: make demo installs it; by hand, uv sync --group local"
        raise OrderFileError(message) from error
    for file in files:
        if file.name == FILE:
            return Path(str(file.locate()))
    message = f"the installed package {PACKAGE} has no {FILE}: reinstall it as uv.lock pins it"
    raise OrderFileError(message)
