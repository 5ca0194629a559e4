"""Access tokens that no cell may accept, each wrong in one way only."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any, cast

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.local.end_to_end.shop import Customer, Shop, eventually

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.type_defs import UpdateUserPoolClientRequestTypeDef

_PASSWORD = "Aa1!only-in-this-test"


def signed_by_another_key(token: str) -> str:
    """Return the same claims under the same key id, signed by a key of our own."""
    header, claims, _ = token.split(".")
    forged = RSAKey.generate_key(2048, {"kid": _decoded(header)["kid"]})
    return jwt.encode({"alg": "RS256", "kid": _decoded(header)["kid"]}, _decoded(claims), forged)


def unsigned(token: str) -> str:
    """Return the same claims with the algorithm `none`; the signature is not empty, so that the shape is right."""
    _, claims, _ = token.split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{claims}.AA"


def tampered(token: str, **claims: object) -> str:
    """Return the token with other claims under the old signature."""
    header, old, signature = token.split(".")
    changed = json.dumps({**_decoded(old), **claims}).encode()
    return f"{header}.{base64.urlsafe_b64encode(changed).rstrip(b'=').decode()}.{signature}"


def of_another_pool(shop: Shop, customer: Customer) -> str:
    """Return a token of a user of the same name in a user pool that is not ours."""
    pool = shop.cognito(customer.home).create_user_pool(PoolName=shop.unique("foreign"))["UserPool"].get("Id", "")
    return _by_new_client(shop, pool, customer.id, customer.home)


def of_another_client(shop: Shop, customer: Customer) -> str:
    """Return a token of our pool, issued to a client that the API does not know."""
    pool = shop.deployment.outputs["global"]["user_pools"][customer.home]["id"]
    return _by_new_client(shop, pool, f"{customer.home}.{shop.unique('c')}", customer.home)


def expired(shop: Shop, customer: Customer) -> str:
    """Return a genuine token after its end: the client's tokens are made to live for a second only, for a moment."""
    outputs = shop.deployment.outputs["global"]["user_pools"][customer.home]
    cognito = shop.cognito(customer.home)
    described = cognito.describe_user_pool_client(UserPoolId=outputs["id"], ClientId=outputs["client_id"])
    # An update replaces all settings: what is not sent falls back to its default. Empty texts can not be sent.
    kept = {
        name: value
        for name, value in described["UserPoolClient"].items()
        if value != "" and name not in {"CreationDate", "LastModifiedDate", "ClientSecret"}
    }
    short = {
        **kept,
        "AccessTokenValidity": 1,
        "TokenValidityUnits": {**cast("dict[str, Any]", kept.get("TokenValidityUnits", {})), "AccessToken": "seconds"},
    }
    cognito.update_user_pool_client(**cast("UpdateUserPoolClientRequestTypeDef", short))
    try:
        token = shop.accounts.sign_in(customer.id, customer.home)["AccessToken"]
    finally:
        cognito.update_user_pool_client(**cast("UpdateUserPoolClientRequestTypeDef", kept))
    end = _decoded(token.split(".")[1])["exp"]
    eventually(time.time, lambda now: now > end)
    return token


def _by_new_client(shop: Shop, pool: str, username: str, region: str) -> str:
    """Make a user and a client, and sign the user in by that client."""
    cognito = shop.cognito(region)
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName=shop.unique("client"), ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"].get("ClientId", "")
    cognito.admin_create_user(UserPoolId=pool, Username=username, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username=username, Password=_PASSWORD, Permanent=True)
    answer = cognito.initiate_auth(
        ClientId=client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": username, "PASSWORD": _PASSWORD},
    )
    return answer["AuthenticationResult"].get("AccessToken", "")


def _decoded(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
