"""Who calls: what the authorizer read from the access token's claims, never what a body or a path says."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class PrincipalType(StrEnum):
    """What kind of caller it is."""

    CUSTOMER = "customer"
    OPERATOR = "operator"
    SYSTEM = "system"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of a request."""

    type: PrincipalType
    client_id: str
    customer_id: str = ""
    """Empty for systems of record and for operators."""
    operator: str = ""
    """The name of the operator; empty for everybody else."""
    scopes: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """Return what a record may keep as its owner: the customer's id, the operator's name, or the client's id."""
        return self.customer_id or self.operator or self.client_id

    def may_see(self, customer_id: str) -> bool:
        """Tell whether the caller may see what belongs to this customer."""
        return self.type is PrincipalType.OPERATOR or (bool(customer_id) and self.customer_id == customer_id)


def to_context(principal: Principal, expires_at: int) -> dict[str, str]:
    """Return the authorizer's context: flat strings, as API Gateway asks; the token ends at `expires_at`, in epoch
    seconds, however long the gateway remembers the context."""
    return {
        "principalType": principal.type.value,
        "customerId": principal.customer_id,
        "operator": principal.operator,
        "clientId": principal.client_id,
        "scopes": " ".join(sorted(principal.scopes)),
        "expiresAt": str(expires_at),
    }


def from_context(context: dict[str, Any]) -> Principal:
    """Return the principal that `to_context` wrote; raises KeyError or ValueError where the authorizer did not run."""
    return Principal(
        type=PrincipalType(context["principalType"]),
        customer_id=context["customerId"],
        # Absent from what an authorizer of the first release said, which the gateway remembers for minutes.
        operator=context.get("operator", ""),
        client_id=context["clientId"],
        scopes=frozenset(context["scopes"].split()),
    )


def expiry_in(context: Mapping[str, Any]) -> int | None:
    """Return when the caller's token expires, in epoch seconds; None for who needs no token.

    Absent also from what an authorizer of the first release said, which the gateway remembers for minutes.
    """
    expires_at = context.get("expiresAt")
    return None if expires_at is None else int(expires_at)
