"""The entry API: nobody unknown, nothing unchecked, nothing unbounded, nothing unlogged."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pulumi_policy import Severity
from pydantic import Field

from policies import tokens
from policies.configuration import Parameters
from policies.resources import Resource, Stack
from policies.rule import Theme, resource_rule, stack_rule

_METHODS: Final = frozenset(
    {"delete", "get", "head", "options", "patch", "post", "put", "x-amazon-apigateway-any-method"}
)
_ACCESS_LOGS: Final[Mapping[str, str]] = {
    tokens.API_STAGE: "accessLogSettings.destinationArn",
    tokens.HTTP_API_STAGE: "accessLogSettings.destinationArn",
}
# What an access log must say so that a request can be found again and an abuse be seen.
_LOGGED: Final = ("$context.requestId", "$context.status")


class OpenOperations(Parameters):
    """What anybody may call."""

    open: dict[str, str] = Field(
        default_factory=dict,
        description="Operations without an authoriser, such as `GET /v1/health`, each with the reason.",
    )


class Throttling(Parameters):
    """What a stage lets through."""

    most_requests_per_second: int = Field(default=10_000, ge=1, description="The account's quota by default.")
    most_burst: int = Field(default=5_000, ge=1, description="The account's quota by default.")


class TokenLifetime(Parameters):
    """How long a token is good."""

    access_minutes: int = Field(default=60, ge=5, description="The longest life of an access token.")


@resource_rule(
    Theme.API,
    tokens.API,
    tokens.API_METHOD,
    tokens.HTTP_API_ROUTE,
    reason="An operation without one is open to the world from the second of its deployment.",
    remedy="Give the operation a security requirement; an open one is named in this rule's configuration.",
    severity=Severity.CRITICAL,
)
def operations_are_authorised(api: Resource, parameters: OpenOperations) -> Iterator[str]:
    """Every operation has an authoriser, or a written exemption."""
    if api.type == tokens.API:
        document = _body(api)
        for name, operation in _operations(document):
            secured = operation.get("security", document.get("security"))
            if not secured and name not in parameters.open:
                yield f"{name} has no security requirement"
        return
    path, name = ("authorization", "httpMethod") if api.type == tokens.API_METHOD else ("authorizationType", "routeKey")
    operation = api.properties.text(name)
    if api.properties.get(path, "NONE") == "NONE" and operation not in ("OPTIONS", *parameters.open):
        yield f"{path} of {operation} is NONE"


@resource_rule(
    Theme.API,
    tokens.API,
    reason="What the gateway refuses costs no invocation and reaches no code.",
    remedy="Set x-amazon-apigateway-request-validator to one that checks body and parameters.",
    severity=Severity.MEDIUM,
)
def operations_check_their_input(api: Resource, parameters: Parameters) -> Iterator[str]:
    """Every operation checks its parameters, and its body where it has one."""
    del parameters
    document = _body(api)
    validators: Mapping[str, Any] = document.get("x-amazon-apigateway-request-validators", {})
    for name, operation in _operations(document):
        used = operation.get(
            "x-amazon-apigateway-request-validator", document.get("x-amazon-apigateway-request-validator")
        )
        validator: Mapping[str, Any] = validators.get(used, {})
        if not validator.get("validateRequestParameters"):
            yield f"{name} does not check its parameters"
        if "requestBody" in operation and not validator.get("validateRequestBody"):
            yield f"{name} does not check its body"


@stack_rule(
    Theme.API,
    tokens.API_STAGE,
    reason="Without a limit one caller uses up the account's, in which all other APIs share.",
    remedy="Add MethodSettings for `*/*` with throttling_rate_limit and throttling_burst_limit.",
    severity=Severity.HIGH,
)
def stages_throttle(stage: Resource, stack: Stack, parameters: Throttling) -> Iterator[str]:
    """Every stage throttles all of its methods."""
    settings = [
        setting.properties
        for setting in stack.referring(tokens.API_METHOD_SETTINGS, "stageName", stage)
        if setting.properties.text("methodPath") == "*/*"
    ]
    if not settings:
        yield "no MethodSettings for */* belong to it"
    for setting in settings:
        for path, most in (
            ("settings.throttlingRateLimit", parameters.most_requests_per_second),
            ("settings.throttlingBurstLimit", parameters.most_burst),
        ):
            limit = setting.number(path)
            if limit is None or not 0 < limit <= most:
                yield f"{path} is {limit}: it must be above 0 and at most {most}"


@resource_rule(
    Theme.API,
    *_ACCESS_LOGS,
    reason="Without them nobody can tell who was refused, or find the request that a customer asks about.",
    remedy="Set access_log_settings with a log group and a format.",
    severity=Severity.MEDIUM,
)
def stages_write_access_logs(stage: Resource, parameters: Parameters) -> Iterator[str]:
    """Every stage writes access logs with the request's id and status."""
    del parameters
    if not stage.properties.has(_ACCESS_LOGS[stage.type]):
        yield f"{_ACCESS_LOGS[stage.type]} is not set"
        return
    missing = [field for field in _LOGGED if field not in stage.properties.text("accessLogSettings.format")]
    if missing:
        yield f"accessLogSettings.format lacks {', '.join(missing)}"


@resource_rule(
    Theme.API,
    tokens.USER_POOL,
    reason="A user's name carries the home Region and the wallet: who could choose it could choose whose wallet to be.",
    remedy="Set password_policy, mfa_configuration and admin_create_user_config.",
    severity=Severity.HIGH,
)
def user_pools_are_strict(pool: Resource, parameters: Parameters) -> Iterator[str]:
    """Customers choose good passwords, may use a second factor, and only the shop makes users."""
    del parameters
    properties = pool.properties
    if (properties.number("passwordPolicy.minimumLength") or 0) < 12:
        yield "passwordPolicy.minimumLength is below 12"
    if properties.get("mfaConfiguration", "OFF") == "OFF":
        yield "mfaConfiguration is OFF"
    if not properties.is_true("adminCreateUserConfig.allowAdminCreateUserOnly"):
        yield "adminCreateUserConfig.allowAdminCreateUserOnly is not true"


@resource_rule(
    Theme.API,
    tokens.USER_POOL_CLIENT,
    reason="Cells accept a token without asking its pool: it is good until it ends. A sign-in that says `no such user` "
    "is a list of customers.",
    remedy="Set access_token_validity, enable_token_revocation; prevent_user_existence_errors where users sign in.",
    severity=Severity.MEDIUM,
)
def tokens_are_short_lived(client: Resource, parameters: TokenLifetime) -> Iterator[str]:
    """Access tokens are short-lived and can be revoked; the sign-in does not tell who exists."""
    properties = client.properties
    # Without a unit Cognito counts hours.
    minutes = {"seconds": 1 / 60, "minutes": 1, "hours": 60, "days": 1440}
    unit = properties.get("tokenValidityUnits.accessToken", "hours")
    lifetime = (properties.number("accessTokenValidity") or 1) * minutes[unit]
    if lifetime > parameters.access_minutes:
        yield f"access tokens live {lifetime:g} minutes: {parameters.access_minutes} are allowed"
    if properties.get("enableTokenRevocation", True) is False:
        yield "enableTokenRevocation is false"
    signs_in = [flow for flow in properties.texts("explicitAuthFlows") if flow != "ALLOW_REFRESH_TOKEN_AUTH"]
    if signs_in and properties.get("preventUserExistenceErrors") != "ENABLED":
        yield "preventUserExistenceErrors is not ENABLED"


def _body(api: Resource) -> Mapping[str, Any]:
    found = api.properties.get("body", "{}")
    return json.loads(found) if isinstance(found, str) else found


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            # A preflight request carries no credentials, by its specification.
            if method in _METHODS and method != "options":
                yield f"{method.upper()} {path}", operation


RULES: Final = (
    operations_are_authorised,
    operations_check_their_input,
    stages_throttle,
    stages_write_access_logs,
    user_pools_are_strict,
    tokens_are_short_lived,
)
