"""A user pool of our own: signs tokens as Cognito does, and serves its keys."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey

CLIENT = "shop-client"
SYSTEM_CLIENT = "system-client"
PREFIX = "https://api.shop.example"


class Pool:
    """One issuer with its keys. The first key signs unless another is named."""

    def __init__(self, region: str, *key_ids: str) -> None:
        self.issuer = f"https://cognito-idp.{region}.amazonaws.com/{region}_pool"
        self.keys = {key_id: _generate(key_id) for key_id in key_ids or (f"{region}-key",)}
        self.requests = 0
        self.available = True
        self.jwks_url = ""

    def setting(self) -> dict[str, Any]:
        """Return the pool as the authorizer's component writes it."""
        return {"issuer": self.issuer, "jwks_url": self.jwks_url, "client_ids": [CLIENT, SYSTEM_CLIENT]}

    def jwks(self) -> bytes:
        keys = [{**key.as_dict(private=False), "use": "sig", "alg": "RS256"} for key in self.keys.values()]
        return json.dumps({"keys": [*keys, {"kid": "ec", "kty": "EC"}]}).encode()

    def claims(self, *, now: float, **claims: Any) -> dict[str, Any]:
        known = {"iss": self.issuer, "exp": int(now) + 3600, "token_use": "access", "client_id": CLIENT}
        return {name: value for name, value in {**known, **claims}.items() if value is not None}

    def customer_token(self, customer_id: str, *, now: float, **claims: Any) -> str:
        scope = "aws.cognito.signin.user.admin"
        return self.sign(self.claims(now=now, username=customer_id, scope=scope, **claims))

    def system_token(self, *scopes: str, now: float, **claims: Any) -> str:
        scope = " ".join(f"{PREFIX}/{scope}" for scope in scopes)
        return self.sign(self.claims(now=now, client_id=SYSTEM_CLIENT, scope=scope, **claims))

    def sign(self, claims: dict[str, Any], *, key: RSAKey | None = None, kid: str | None = None) -> str:
        first, signing = next(iter(self.keys.items()))
        header = {"alg": "RS256", "kid": kid or first}
        return jws.serialize_compact(header, json.dumps(claims), key or signing, algorithms=["RS256"])

    def unsigned(self, claims: dict[str, Any]) -> str:
        header = {"alg": "none", "kid": next(iter(self.keys))}
        return f"{_part(header)}.{_part(claims)}."

    def confused(self, claims: dict[str, Any]) -> str:
        """Sign with the public key as if it were a shared secret (RFC 8725, section 2.1)."""
        kid, key = next(iter(self.keys.items()))
        signed = f"{_part({'alg': 'HS256', 'kid': kid})}.{_part(claims)}"
        mac = hmac.digest(key.as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@contextmanager
def served(*pools: Pool) -> Generator[None]:
    """Serve the keys of the pools on a port of their own."""
    by_path = {f"/{position}/jwks.json": pool for position, pool in enumerate(pools)}

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pool = by_path[self.path]
            pool.requests += 1
            self.send_response(200 if pool.available else 503)
            self.end_headers()
            self.wfile.write(pool.jwks() if pool.available else b"down")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        for path, pool in by_path.items():
            pool.jwks_url = f"http://127.0.0.1:{server.server_port}{path}"
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _generate(key_id: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": key_id})


def _part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
