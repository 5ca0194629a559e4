"""What each kind of principal may call: the table that the entry API's access policy is made from.

A path in it is a resource of the OpenAPI document; `{own}` is the caller's own customer id, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workloads.runtime.principal import Principal, PrincipalType

_ANYONE: Final = ("GET/v1/commands/*",)
"""Whoever is known may ask for a command; whose it is decides checkout."""
_TRANSFER: Final = "POST/v1/commands/transfer-allotment"
_SELLING: Final = ("POST/v1/commands/stop-selling", "POST/v1/commands/resume-selling")
_BY_TYPE: Final[Mapping[PrincipalType, tuple[str, ...]]] = {
    PrincipalType.CUSTOMER: (
        "POST/v1/orders",
        "GET/v1/orders",
        "GET/v1/orders/*",
        "POST/v1/orders/*/cancellation",
        "POST/v1/commands/place-order",
        "GET/v1/wallets/{own}/deposits/*",
        "GET/v1/wallets/{own}/ledger",
        "GET/v1/customers/{own}/view",
    ),
    PrincipalType.OPERATOR: (
        "GET/v1/orders",
        "GET/v1/orders/*",
        "POST/v1/orders/*/cancellation",
        "GET/v1/wallets/*/deposits/*",
        "GET/v1/wallets/*/ledger",
        "GET/v1/customers/*/view",
        "POST/v1/operations/*",
        "GET/v1/operations/*",
    ),
    PrincipalType.SYSTEM: (),
}
_BY_SCOPE: Final[Mapping[str, tuple[str, ...]]] = {
    "wallets.deposit": ("POST/v1/wallets/*/deposits", "GET/v1/wallets/*/deposits/*"),
    "catalogue.write": ("POST/v1/commands/set-price", *_SELLING),
    "stock.write": ("POST/v1/commands/set-allotment", "POST/v1/commands/set-selling-mode", _TRANSFER),
}


def allowed_calls(principal: Principal) -> tuple[str, ...]:
    """Return everything that a principal may call: the gateway caches the answer for all of the token's requests."""
    by_scope = (call for scope in sorted(principal.scopes) for call in _BY_SCOPE.get(scope, ()))
    by_type = (call.replace("{own}", principal.customer_id) for call in _BY_TYPE[principal.type])
    return (*by_type, *by_scope, *_ANYONE)
