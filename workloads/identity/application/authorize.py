"""Authorize a call: from a token to what its bearer may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from workloads.identity.domain.claims import Claims, Issuer, RejectedTokenError, check, principal_of
from workloads.identity.domain.permissions import allowed_calls
from workloads.runtime.principal import Principal


class Verifier(Protocol):
    """Checks signatures."""

    def verify(self, token: str) -> tuple[Claims, Issuer]:
        """Return the signed claims and who signed them; raises RejectedTokenError."""
        ...


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, what they may call, and until when."""

    principal: Principal
    allowed_calls: tuple[str, ...]
    expires_at: int
    """Epoch seconds."""


class UnprivilegedUserError(Exception):
    """A user of ours who is neither a customer nor an operator: known, but allowed nothing."""

    def __init__(self, username: str) -> None:
        super().__init__(f"user {username!r} is no customer and in no group: nothing is allowed")
        self.username = username


def authorize(header: str, *, verifier: Verifier, scope_prefix: str, now: Callable[[], float]) -> Authorization:
    """Return what the bearer of an Authorization header may do; raises RejectedTokenError or UnprivilegedUserError."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        message = "the Authorization header is not `Bearer <access token>`"
        raise RejectedTokenError(message)
    claims, issuer = verifier.verify(token)
    check(claims, issuer, now=now())
    principal = principal_of(claims, scope_prefix)
    if principal is None:
        raise UnprivilegedUserError(claims.username)
    return Authorization(principal=principal, allowed_calls=allowed_calls(principal), expires_at=claims.exp)
