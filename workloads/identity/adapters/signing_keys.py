"""The issuers' public keys (JWKS), read over HTTPS, kept, and served on when a user pool's Region does not answer."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from workloads.runtime.logging import logger

_TIMEOUT: Final = 2
"""Seconds. Another Region's pool may be down: its silence must not eat the time of a caller from elsewhere."""
MAXIMUM_AGE: Final = 3600
"""Seconds after which the keys are read again, so that a withdrawn key does not live for ever."""
REFRESH_INTERVAL: Final = 60
"""Seconds between two reads at least: tokens with invented key ids must not turn into requests."""
FIRST_READ_INTERVAL: Final = 1
"""The same while there is no key at all, and so nobody can be let in."""
_MAXIMUM_BYTES: Final = 64 * 1024

_log: Final = logger("signing-keys")


class UnknownKeyError(LookupError):
    """The issuer has no key of this id."""

    def __init__(self, url: str, key_id: str) -> None:
        super().__init__(f"no key {key_id!r} at {url}")


class KeysUnavailableError(RuntimeError):
    """No key was ever read from here, and none can be read now: nobody can be told from anybody else."""

    def __init__(self, url: str) -> None:
        super().__init__(f"no signing key could be read from {url} yet")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A public RSA key (RFC 7517, RFC 7518 section 6.3.1); keys of other kinds are passed over."""

    kid: str
    kty: str
    n: str = ""
    e: str = ""
    use: str = "sig"


class _KeySet(msgspec.Struct, frozen=True):
    keys: tuple[Key, ...]


class SigningKeys:
    """Keeps the keys behind one URL."""

    def __init__(self, url: str, *, monotonic: Callable[[], float]) -> None:
        self._url = url
        self._monotonic = monotonic
        self._keys: Mapping[str, Key] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")

    def find(self, key_id: str) -> Key:
        """Return a key; raises UnknownKeyError or KeysUnavailableError."""
        now = self._monotonic()
        stale = key_id not in self._keys or now - self._read_at > MAXIMUM_AGE
        pause = REFRESH_INTERVAL if self._keys else FIRST_READ_INTERVAL
        if stale and now - self._tried_at >= pause:
            self._refresh(now)
        if not self._keys:
            raise KeysUnavailableError(self._url)
        if key_id not in self._keys:
            raise UnknownKeyError(self._url, key_id)
        return self._keys[key_id]

    def _refresh(self, now: float) -> None:
        self._tried_at = now
        try:
            found = msgspec.json.decode(_fetch(self._url), type=_KeySet)
        except (OSError, msgspec.MsgspecError):
            # The last known keys are served on: who holds a valid token must not suffer from a pool that is down.
            _log.exception("signing keys could not be read", extra={"url": self._url, "kept": len(self._keys)})
            return
        keys = {key.kid: key for key in found.keys if key.kty == "RSA" and key.use == "sig"}
        if keys:
            self._keys = keys
            self._read_at = now


def _fetch(url: str) -> bytes:
    # The URL is the component's setting, never the caller's.
    with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310
        return answer.read(_MAXIMUM_BYTES)
