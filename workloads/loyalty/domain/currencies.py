"""How many minor units make a whole unit of a currency (ISO 4217:2015, list one)."""

from __future__ import annotations

from typing import Final

from workloads.contracts.money import Money

_USUAL_EXPONENT: Final = 2

_BY_EXPONENT: Final[dict[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""The currencies that do not have two decimals."""

_EXPONENTS: Final = {currency: exponent for exponent, names in _BY_EXPONENT.items() for currency in names.split()}


def whole_units(amount: Money) -> int:
    """Return how many whole units an amount holds, rounded down.

    >>> whole_units(Money(2933, "USD")), whole_units(Money(2933, "JPY"))
    (29, 2933)
    """
    return amount.minor_units // 10 ** _EXPONENTS.get(amount.currency, _USUAL_EXPONENT)
