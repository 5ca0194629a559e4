"""Reads JSON Web Tokens and verifies their signature: RS256 only, with a key of the issuer that the token names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from workloads.identity.adapters.signing_keys import SigningKeys, UnknownKeyError
from workloads.identity.domain.claims import Claims, Issuer, RejectedTokenError

ALGORITHMS: Final = ["RS256"]
"""What Cognito signs with. The token does not choose: neither `none` nor a symmetric algorithm is ever tried."""
_MAXIMUM_LENGTH: Final = 8 * 1024


class _Unverified(msgspec.Struct, frozen=True):
    """What must be read of a token before its signature can be checked: whose keys to use."""

    iss: str


class TokenVerifier:
    """Verifies the access tokens of several issuers."""

    def __init__(self, issuers: Sequence[Issuer], keys: Callable[[Issuer], SigningKeys]) -> None:
        self._issuers: Mapping[str, tuple[Issuer, SigningKeys]] = {
            issuer.issuer: (issuer, keys(issuer)) for issuer in issuers
        }

    def verify(self, token: str) -> tuple[Claims, Issuer]:
        """Return the claims whose signature is right, and the issuer who signed them; raises RejectedTokenError."""
        if len(token) > _MAXIMUM_LENGTH:
            message = f"the token has {len(token)} characters, more than any of ours"
            raise RejectedTokenError(message)
        try:
            unverified = jws.extract_compact(token.encode())
            named = msgspec.json.decode(unverified.payload, type=_Unverified).iss
            issuer, keys = self._issuers[named]
            key = keys.find(_key_id(unverified.headers()))
            verified = jws.deserialize_compact(
                token, RSAKey.import_key({"kty": key.kty, "n": key.n, "e": key.e}), algorithms=ALGORITHMS
            )
            return msgspec.json.decode(verified.payload, type=Claims), issuer
        except KeyError as error:
            message = f"issuer {error} is none of ours"
            raise RejectedTokenError(message) from error
        except (JoseError, UnknownKeyError, ValueError) as error:
            message = f"{type(error).__name__}: {error}"
            raise RejectedTokenError(message) from error


def _key_id(header: Mapping[str, Any]) -> str:
    return str(header.get("kid", ""))
