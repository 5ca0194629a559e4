"""From an access token's claims to the principal: who calls is known from here only, never from a body or a path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from workloads.contracts.identifiers import CUSTOMER_ID_PATTERN
from workloads.runtime.principal import Principal, PrincipalType

OPERATORS: Final = "operators"
"""The group of the people who run the shop."""
ACCESS: Final = "access"


class RejectedTokenError(Exception):
    """The token does not prove who calls. The message is for our log: the caller learns 401, not why."""


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """A user pool whose tokens are accepted, and the clients that may have got them."""

    issuer: str
    jwks_url: str
    client_ids: tuple[str, ...]


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token of Cognito says, as far as it matters here (Cognito Developer Guide, access token)."""

    iss: str
    exp: int
    token_use: str
    client_id: str = ""
    username: str = ""
    """Absent in tokens of client credentials: those act for no user."""
    scope: str = ""
    groups: Annotated[tuple[str, ...], msgspec.Meta(description="cognito:groups")] = msgspec.field(
        default=(), name="cognito:groups"
    )


def check(claims: Claims, issuer: Issuer, *, now: float) -> None:
    """Check what a valid signature does not say; raises RejectedTokenError."""
    if claims.iss != issuer.issuer:
        message = f"issuer {claims.iss!r} is not {issuer.issuer!r}"
        raise RejectedTokenError(message)
    if claims.exp <= now:
        message = f"expired {now - claims.exp:.0f} s ago"
        raise RejectedTokenError(message)
    if claims.token_use != ACCESS:
        message = f"token_use is {claims.token_use!r}: only access tokens are accepted"
        raise RejectedTokenError(message)
    if claims.client_id not in issuer.client_ids:
        message = f"client {claims.client_id!r} is none of {issuer.issuer}"
        raise RejectedTokenError(message)


def principal_of(claims: Claims, scope_prefix: str) -> Principal | None:
    """Return who calls, or None for a user who is neither a customer nor an operator and so may do nothing.

    Scopes count for systems only: a user's token never deposits or sets prices, whatever scopes its client may ask for.
    """
    if not claims.username:
        return Principal(
            type=PrincipalType.SYSTEM,
            client_id=claims.client_id,
            scopes=_own_scopes(claims.scope.split(), scope_prefix),
        )
    if OPERATORS in claims.groups:
        return Principal(type=PrincipalType.OPERATOR, client_id=claims.client_id, operator=claims.username)
    if re.fullmatch(CUSTOMER_ID_PATTERN, claims.username):
        return Principal(type=PrincipalType.CUSTOMER, client_id=claims.client_id, customer_id=claims.username)
    return None


def _own_scopes(scopes: Sequence[str], prefix: str) -> frozenset[str]:
    """Return the scopes of our API without its name, which differs between environments."""
    own = f"{prefix}/"
    return frozenset(scope.removeprefix(own) for scope in scopes if scope.startswith(own))
