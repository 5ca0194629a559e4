"""The function of identity: the entry API's authorizer."""

import json
from collections.abc import Sequence

from components.cell_functions.rows import FunctionRow, Surroundings
from components.global_outputs import TokenIssuer
from components.settings import Context


def functions(around: Surroundings) -> Sequence[FunctionRow]:
    """Return identity's functions."""
    return (
        FunctionRow(
            function="identity-authorizer",
            context=Context.IDENTITY,
            entrypoint="authorizer",
            timeout_seconds=10,
            environment={
                "TOKEN_ISSUERS": around.shared.token_issuers.apply(_issuers),
                "SCOPE_PREFIX": f"https://api.{around.settings.domain}",
            },
            statements=[],
        ),
    )


def _issuers(issuers: Sequence[TokenIssuer]) -> str:
    return json.dumps(
        [
            {
                "issuer": issuer.issuer,
                "jwks_url": f"{issuer.issuer}/.well-known/jwks.json",
                "client_ids": list(issuer.client_ids),
            }
            for issuer in issuers
        ]
    )
