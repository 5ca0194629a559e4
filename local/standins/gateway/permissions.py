"""Whether the gateway may invoke a function, by the declared `aws:lambda:Permission` resources.

The embedded AWS does not enforce them; on AWS a forgotten one is a 500 on every request of that operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.standins.gateway.call import GatewayError
from local.standins.gateway.iam_policy import matches
from local.standins.reporting import Report

GATEWAY_PRINCIPAL: Final = "apigateway.amazonaws.com"
INVOKE_ACTIONS: Final = frozenset({"lambda:InvokeFunction", "lambda:*", "*"})
PARTS_OF_A_FUNCTION_ARN: Final = 7


@dataclass(frozen=True, slots=True)
class _Grant:
    function: str
    qualifier: str
    source_arn: str


class Permissions:
    """All grants to API Gateway in one Region."""

    def __init__(self, declared: Iterable[Mapping[str, Any]], report: Report) -> None:
        self._report = report
        self._granted: dict[tuple[str, str], bool] = {}
        self._grants = [
            _Grant(
                function=_name(str(permission["function"])),
                qualifier=str(permission.get("qualifier") or ""),
                source_arn=str(permission.get("sourceArn") or "*"),
            )
            for permission in declared
            if permission.get("principal") == GATEWAY_PRINCIPAL and permission.get("action") in INVOKE_ACTIONS
        ]

    def check(self, function_arn: str, source_arn: str) -> None:
        """Raise a 500 where no permission lets `source_arn` invoke the function."""
        key = (function_arn, source_arn)
        granted = self._granted.get(key)
        if granted is None:
            granted = any(
                grant.function == _name(function_arn)
                and grant.qualifier == _qualifier(function_arn)
                and matches(grant.source_arn, source_arn)
                for grant in self._grants
            )
            self._granted[key] = granted
        if not granted:
            self._report.failure(
                "gateway",
                [f"{function_arn} has no Permission for {GATEWAY_PRINCIPAL} from {source_arn}: AWS answers 500 here"],
            )
            raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error")


def _name(function: str) -> str:
    parts = function.split(":")
    return parts[6] if len(parts) >= PARTS_OF_A_FUNCTION_ARN else parts[0]


def _qualifier(function_arn: str) -> str:
    parts = function_arn.split(":")
    return parts[7] if len(parts) > PARTS_OF_A_FUNCTION_ARN else ""
