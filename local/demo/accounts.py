"""Who the demo calls as: customers in their home Region's user pool, and in each an operator and a system of record."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3
import httpx
from botocore.config import Config

from local.deployment import TEST_CREDENTIALS, Deployment
from local.errors import UserFacingError

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

THREADS: Final = 8
OPERATORS: Final = "operators"
"""The group of the user pools for those who run the shop."""


class SignInError(UserFacingError):
    """A user pool gave no access token."""


@dataclass(frozen=True)
class UserPool:
    """What a sign-in needs of a Region's user pool, as the global stack exports it."""

    region: str
    id: str
    client_id: str
    system_client_id: str

    @classmethod
    def of(cls, deployment: Deployment, region: str) -> "UserPool":
        """Read the outputs of the global stack."""
        pool: Mapping[str, Any] = deployment.outputs["global"]["user_pools"][region]
        return cls(
            region=region,
            id=str(pool["id"]),
            client_id=str(pool["client_id"]),
            system_client_id=str(pool["system_client_id"]),
        )


class Accounts:
    """Opens accounts and signs in; blocking, for `in_threads` to call."""

    def __init__(self, deployment: Deployment) -> None:
        self._emulator_url = deployment.emulator_url
        self._pools = {region: UserPool.of(deployment, region) for region in deployment.regions}
        self._clients = {region: _cognito(deployment, region) for region in deployment.regions}
        # The passwords of one run: nobody else ever needs them.
        self._password = f"Aa1!{secrets.token_urlsafe(24)}"

    def open(self, customer_id: str, home: str) -> str:
        """Create a customer in the home Region's pool and return an access token."""
        pool, client = self._pools[home], self._clients[home]
        client.admin_create_user(UserPoolId=pool.id, Username=customer_id, MessageAction="SUPPRESS")
        client.admin_set_user_password(
            UserPoolId=pool.id, Username=customer_id, Password=self._password, Permanent=True
        )
        return self.sign_in(customer_id, home)["AccessToken"]

    def open_operator(self, region: str) -> str:
        """Create one of those who run the shop in a Region's pool and return an access token."""
        name = f"operator-{secrets.token_hex(4)}"
        pool, client = self._pools[region], self._clients[region]
        client.admin_create_user(UserPoolId=pool.id, Username=name, MessageAction="SUPPRESS")
        client.admin_set_user_password(UserPoolId=pool.id, Username=name, Password=self._password, Permanent=True)
        client.admin_add_user_to_group(UserPoolId=pool.id, Username=name, GroupName=OPERATORS)
        return self.sign_in(name, region)["AccessToken"]

    def sign_in(self, customer_id: str, home: str) -> Mapping[str, str]:
        """Return the tokens of a customer or an operator created here."""
        answer = self._clients[home].initiate_auth(
            ClientId=self._pools[home].client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": customer_id, "PASSWORD": self._password},
        )
        result = answer.get("AuthenticationResult", {})
        if "AccessToken" not in result or "IdToken" not in result:
            message = (
                f"the user pool of {home} asks {customer_id} for {answer.get('ChallengeName')!r} instead of a token"
            )
            raise SignInError(message)
        return {"AccessToken": result["AccessToken"], "IdToken": result["IdToken"]}

    def system_of_record(self, region: str) -> str:
        """Return an access token of the system of record, by client credentials.

        On AWS the token endpoint is under the pool's own domain; the embedded AWS serves that of all pools in one place
        and knows the pool by the client.
        """
        pool = self._pools[region]
        described = self._clients[region].describe_user_pool_client(UserPoolId=pool.id, ClientId=pool.system_client_id)
        secret = described["UserPoolClient"].get("ClientSecret", "")
        answer = httpx.post(
            f"{self._emulator_url}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(pool.system_client_id, secret),
            timeout=30.0,
            trust_env=False,
        )
        if not answer.is_success:
            message = (
                f"the token endpoint of {region} answered {answer.status_code} to its system of record: {answer.text}"
            )
            raise SignInError(message)
        return str(answer.json()["access_token"])


async def in_threads(call: Callable[..., str], arguments: Iterable[tuple[str, ...]]) -> list[str]:
    """Call a blocking function for each tuple of arguments, several at a time, and return the results in order."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(THREADS) as pool:
        return await asyncio.gather(*(loop.run_in_executor(pool, call, *each) for each in arguments))


def _cognito(deployment: Deployment, region: str) -> "CognitoIdentityProviderClient":
    return boto3.client(
        "cognito-idp",
        region_name=region,
        endpoint_url=deployment.emulator_url,
        aws_access_key_id=TEST_CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=TEST_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(max_pool_connections=THREADS, retries={"mode": "standard", "max_attempts": 3}),
    )
