"""Lambda authorizer of the entry API (type TOKEN): answers a policy of all that the token's bearer may call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import msgspec

from workloads.identity.adapters.signing_keys import SigningKeys
from workloads.identity.adapters.tokens import TokenVerifier
from workloads.identity.application.authorize import UnprivilegedUserError, authorize
from workloads.identity.domain.claims import Issuer, RejectedTokenError
from workloads.runtime import environment
from workloads.runtime.lifecycle import at_start
from workloads.runtime.logging import logger
from workloads.runtime.principal import to_context

_log: Final = logger("authorizer")


class Unauthorized(Exception):  # noqa: N818 - not a name of ours: see below
    """Makes API Gateway answer 401.

    Only an error whose message is exactly this word does; any other is a 500 (API Gateway Developer Guide, Lambda
    authorizers).
    """

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Authorize the bearer of a token."""
    try:
        authorization = authorize(
            event["authorizationToken"],
            verifier=_verifier(),
            scope_prefix=environment.required("SCOPE_PREFIX"),
            now=time.time,
        )
    except RejectedTokenError as error:
        _log.info("token rejected", extra={"reason": str(error)})
        raise Unauthorized from error
    except UnprivilegedUserError as error:
        _log.info("user without privileges", extra={"reason": str(error)})
        return _policy(error.username, "Deny", [f"{_stage(event['methodArn'])}/*"], {})
    stage = _stage(event["methodArn"])
    resources = [f"{stage}/{call}" for call in authorization.allowed_calls]
    context = to_context(authorization.principal, authorization.expires_at)
    return _policy(authorization.principal.id, "Allow", resources, context)


def _stage(method_arn: str) -> str:
    """Return the ARN of the API's stage: `arn:…:<api>/<stage>` of `arn:…:<api>/<stage>/<method>/<path>`."""
    return "/".join(method_arn.split("/", 2)[:2])


def _policy(principal_id: str, effect: str, resources: Sequence[str], context: dict[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": list(resources)}
    return {
        "principalId": principal_id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }


@cache
def _verifier() -> TokenVerifier:
    issuers = msgspec.json.decode(environment.required("TOKEN_ISSUERS"), type=tuple[Issuer, ...])
    return TokenVerifier(issuers, lambda issuer: SigningKeys(issuer.jwks_url, monotonic=time.monotonic))


at_start(_verifier)
