"""Lambda authorizers: invoked through the embedded AWS, their answers kept for the declared time.

The cached answer is a policy for the token, evaluated again for each method:
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from local.standins.emulator import Emulator, EmulatorTimeoutError, EmulatorUnreachableError
from local.standins.gateway import iam_policy
from local.standins.gateway.call import Call, GatewayError, Principal
from local.standins.gateway.definition import Authorizer, AuthorizerType
from local.standins.gateway.permissions import Permissions
from local.standins.gateway.proxy_event import request_fields
from local.standins.reporting import Report

# API Gateway's maximum for the authorizer's function.
AUTHORIZER_TIMEOUT_SECONDS: Final = 29.0
MOST_CACHED_ANSWERS: Final = 20_000

CacheKey: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    principal: Principal
    policy: object
    expires_at: float


class Authorizers:
    """All authorizers of one stage, with their cache."""

    def __init__(
        self,
        emulator: Emulator,
        permissions: Permissions,
        report: Report,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._emulator = emulator
        self._permissions = permissions
        self._report = report
        self._clock = clock
        self._cache: dict[CacheKey, _Answer] = {}

    async def authorize(self, call: Call, authorizer: Authorizer) -> Principal:
        """Who calls; raises UNAUTHORIZED, ACCESS_DENIED or an authorizer's failure."""
        values = [call.parameter(source) for source in authorizer.identity_sources]
        # Without a cache a REQUEST authorizer is asked even where an identity source is absent.
        if (authorizer.kind is AuthorizerType.TOKEN or authorizer.result_ttl_seconds) and not all(values):
            raise GatewayError("UNAUTHORIZED", "Unauthorized")
        identity = tuple(value or "" for value in values)
        expression = authorizer.validation_expression
        if expression is not None and re.fullmatch(expression, identity[0]) is None:
            raise GatewayError("UNAUTHORIZED", "Unauthorized")

        key = (authorizer.name, *identity)
        answer = self._cache.get(key)
        if answer is None or answer.expires_at <= self._clock():
            answer = await self._ask(call, authorizer, identity)
            self._keep(key, answer, authorizer)
        self._decide(call, authorizer, answer)
        return answer.principal

    def _keep(self, key: CacheKey, answer: _Answer, authorizer: Authorizer) -> None:
        if not authorizer.result_ttl_seconds:
            return
        if len(self._cache) >= MOST_CACHED_ANSWERS:
            now = self._clock()
            self._cache = {key: answer for key, answer in self._cache.items() if answer.expires_at > now}
        if len(self._cache) < MOST_CACHED_ANSWERS:
            self._cache[key] = answer

    async def _ask(self, call: Call, authorizer: Authorizer, identity: tuple[str, ...]) -> _Answer:
        self._permissions.check(authorizer.function_arn, call.api.authorizer_arn(authorizer.name))
        if authorizer.kind is AuthorizerType.TOKEN:
            event: dict[str, Any] = {"type": "TOKEN", "authorizationToken": identity[0], "methodArn": call.method_arn}
        else:
            event = {"type": "REQUEST", "methodArn": call.method_arn, **request_fields(call)}
        started = time.perf_counter()
        try:
            response = await self._emulator.invoke(
                region=call.api.region,
                function_arn=authorizer.function_arn,
                payload=json.dumps(event).encode(),
                timeout_seconds=AUTHORIZER_TIMEOUT_SECONDS,
            )
        except (EmulatorTimeoutError, EmulatorUnreachableError) as error:
            raise self._failure(authorizer, "AUTHORIZER_FAILURE", str(error)) from error
        latency_ms = int((time.perf_counter() - started) * 1000)
        text = response.body.decode(errors="replace")
        if response.status != 200:
            raise self._failure(authorizer, "AUTHORIZER_CONFIGURATION_ERROR", f"{response.status} {text}")
        if "x-amz-function-error" in response.headers:
            if _error_message(text) == "Unauthorized":
                raise GatewayError("UNAUTHORIZED", "Unauthorized")
            raise self._failure(authorizer, "AUTHORIZER_FAILURE", text)
        try:
            principal, policy = _read(json.loads(text), latency_ms)
        except (iam_policy.PolicyError, ValueError) as error:
            raise self._failure(authorizer, "AUTHORIZER_CONFIGURATION_ERROR", str(error)) from error
        return _Answer(principal, policy, self._clock() + authorizer.result_ttl_seconds)

    def _decide(self, call: Call, authorizer: Authorizer, answer: _Answer) -> None:
        try:
            decision = iam_policy.evaluate(answer.policy, call.method_arn)
        except iam_policy.PolicyError as error:
            raise self._failure(authorizer, "AUTHORIZER_CONFIGURATION_ERROR", str(error)) from error
        match decision:
            case iam_policy.Decision.ALLOWED:
                return
            case iam_policy.Decision.EXPLICITLY_DENIED:
                message = "User is not authorized to access this resource with an explicit deny"
            case iam_policy.Decision.DENIED:
                message = "User is not authorized to access this resource"
        raise GatewayError("ACCESS_DENIED", message)

    def _failure(self, authorizer: Authorizer, response_type: str, reason: str) -> GatewayError:
        self._report.failure(f"authorizer {authorizer.name}", [reason])
        return GatewayError(response_type)


def _error_message(text: str) -> str | None:
    try:
        return cast("Mapping[str, Any]", json.loads(text)).get("errorMessage")
    except (ValueError, AttributeError):
        return None


def _read(answer: object, latency_ms: int) -> tuple[Principal, object]:
    if not isinstance(answer, Mapping):
        raise iam_policy.PolicyError(f"an authorizer answers an object, not {answer!r}")
    fields = cast("Mapping[str, Any]", answer)
    if not isinstance(fields.get("principalId"), str):
        raise iam_policy.PolicyError(f"principalId must be text, not {fields.get('principalId')!r}")
    context = fields.get("context") or {}
    for name, value in context.items():
        if isinstance(value, (list, dict)) or value is None:
            raise iam_policy.PolicyError(f"context.{name} must be text, a number or a boolean, not {value!r}")
    return Principal(
        principal_id=fields["principalId"],
        context={name: value if isinstance(value, str) else json.dumps(value) for name, value in context.items()},
        latency_ms=latency_ms,
    ), fields.get("policyDocument")
