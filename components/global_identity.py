"""Who calls: a Cognito user pool in every Region, the customers' and the systems' clients, and the scopes of the API.

Every cell accepts the tokens of every pool. Authorization is the entry API's; this is what tokens may say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.global_outputs import UserPool
from components.naming import Placement, resource_name

_COMPONENT: Final = "GlobalIdentity"
OPERATORS: Final = "operators"

# What systems of record may do, and nobody else.
_SYSTEM_SCOPES: Final[Mapping[str, str]] = {
    "wallets.deposit": "Deposit money to a customer's wallet",
    "catalogue.write": "Set the price of a title, stop and resume its sale",
    "stock.write": "Set a Region's allotment of a title and how it is sold, transfer stock",
}


@dataclass(frozen=True, kw_only=True)
class GlobalIdentityArgs:
    """The pools of all Regions."""

    placements: Sequence[Placement]
    domain: str
    ephemeral: bool


class GlobalIdentity(pulumi.ComponentResource):
    """A user pool with its clients in each Region."""

    user_pools: Mapping[str, UserPool]

    def __init__(self, name: str, args: GlobalIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:identity:GlobalIdentity", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.user_pools = {placement.region: self._region(placement) for placement in args.placements}
        self.register_outputs({})

    def _region(self, placement: Placement) -> UserPool:
        pool = self._pool(placement)
        name = f"{self._name}-{placement.region}"
        aws.cognito.UserGroup(
            f"{name}-{OPERATORS}",
            region=placement.region,
            name=OPERATORS,
            description="People who run the shop: they read every order and view",
            user_pool_id=pool.id,
            opts=self._child,
        )
        prefix = f"{resource_name(placement.account)}-{placement.region}"
        aws.cognito.UserPoolDomain(
            f"{name}-domain",
            region=placement.region,
            # Prefixes are shared by all accounts of a Region: the account's id makes it ours.
            domain=prefix,
            user_pool_id=pool.id,
            opts=self._child,
        )
        return UserPool(
            id=pool.id,
            arn=pool.arn,
            issuer=pulumi.Output.concat("https://", placement.endpoint("cognito-idp"), "/", pool.id),
            client_id=self._shop_client(placement, pool).id,
            system_client_id=self._system_client(placement, pool).id,
            domain=pulumi.Output.from_input(f"{prefix}.auth.{placement.region}.amazoncognito.com"),
        )

    def _pool(self, placement: Placement) -> aws.cognito.UserPool:
        return aws.cognito.UserPool(
            f"{self._name}-{placement.region}",
            region=placement.region,
            name=resource_name("customers"),
            user_pool_tier="ESSENTIALS",
            # A user's name is the customer's id, which carries the home Region: who could choose it could choose
            # whose wallet to be. The shop's registration makes users; customers do not.
            admin_create_user_config=aws.cognito.UserPoolAdminCreateUserConfigArgs(allow_admin_create_user_only=True),
            username_configuration=aws.cognito.UserPoolUsernameConfigurationArgs(case_sensitive=True),
            password_policy=aws.cognito.UserPoolPasswordPolicyArgs(
                minimum_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_numbers=True,
                require_symbols=True,
                temporary_password_validity_days=1,
            ),
            mfa_configuration="OPTIONAL",
            software_token_mfa_configuration=aws.cognito.UserPoolSoftwareTokenMfaConfigurationArgs(enabled=True),
            # The pool holds no address that a recovery message could go to.
            account_recovery_setting=aws.cognito.UserPoolAccountRecoverySettingArgs(
                recovery_mechanisms=[
                    aws.cognito.UserPoolAccountRecoverySettingRecoveryMechanismArgs(name="admin_only", priority=1)
                ]
            ),
            deletion_protection="INACTIVE" if self._args.ephemeral else "ACTIVE",
            tags=placement.tags(_COMPONENT),
            opts=pulumi.ResourceOptions(parent=self, protect=not self._args.ephemeral),
        )

    def _shop_client(self, placement: Placement, pool: aws.cognito.UserPool) -> aws.cognito.UserPoolClient:
        """Make the client of the shop's applications: public, so without a secret; its tokens are a customer's."""
        return aws.cognito.UserPoolClient(
            f"{self._name}-{placement.region}-shop",
            region=placement.region,
            name="shop",
            user_pool_id=pool.id,
            generate_secret=False,
            explicit_auth_flows=["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            access_token_validity=60,
            id_token_validity=60,
            refresh_token_validity=30,
            token_validity_units=aws.cognito.UserPoolClientTokenValidityUnitsArgs(
                access_token="minutes",  # noqa: S106
                id_token="minutes",  # noqa: S106
                refresh_token="days",  # noqa: S106
            ),
            opts=self._child,
        )

    def _system_client(self, placement: Placement, pool: aws.cognito.UserPool) -> aws.cognito.UserPoolClient:
        """Make the client of the systems of record, which prove themselves by a secret and act for no customer."""
        server = aws.cognito.ResourceServer(
            f"{self._name}-{placement.region}-api",
            region=placement.region,
            name="entry-api",
            identifier=f"https://api.{self._args.domain}",
            user_pool_id=pool.id,
            scopes=[
                aws.cognito.ResourceServerScopeArgs(scope_name=scope, scope_description=description)
                for scope, description in _SYSTEM_SCOPES.items()
            ],
            opts=self._child,
        )
        return aws.cognito.UserPoolClient(
            f"{self._name}-{placement.region}-systems",
            region=placement.region,
            name="systems-of-record",
            user_pool_id=pool.id,
            generate_secret=True,
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_flows=["client_credentials"],
            # From the server's own output: the client is refused before its scopes exist.
            allowed_oauth_scopes=server.scope_identifiers,
            explicit_auth_flows=[],
            enable_token_revocation=True,
            access_token_validity=60,
            token_validity_units=aws.cognito.UserPoolClientTokenValidityUnitsArgs(access_token="minutes"),  # noqa: S106
            opts=self._child,
        )
