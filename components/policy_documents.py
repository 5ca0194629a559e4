"""IAM policy documents from typed statements: actions and resources are always named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import pulumi

from components.documents import json_document

Conditions = Mapping[str, Mapping[str, pulumi.Input[str] | Sequence[pulumi.Input[str]]]]
"""Operator → condition key → value or values, as IAM writes them."""

EVERYONE: Final[Mapping[str, Sequence[str]]] = {"AWS": ["*"]}
"""Every principal: for statements that deny, and for the perimeter of a VPC endpoint, never for an Allow elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy; in a resource's policy, `principals` says whom it is about."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    effect: Literal["Allow", "Deny"] = "Allow"
    principals: Mapping[str, Sequence[pulumi.Input[str]]] | None = None
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str]])

    def document(self) -> dict[str, object]:
        """Return the statement as IAM writes it; key policies and others without a resource get `*`."""
        document: dict[str, object] = {"Sid": self.sid, "Effect": self.effect}
        if self.principals is not None:
            document["Principal"] = {kind: list(values) for kind, values in self.principals.items()}
        document["Action"] = list(self.actions)
        document["Resource"] = list(self.resources)
        if self.conditions:
            document["Condition"] = {operator: dict(values) for operator, values in self.conditions.items()}
        return document


def policy_document(*statements: Statement) -> pulumi.Output[str]:
    """Return the JSON text of a policy."""
    return json_document({"Version": "2012-10-17", "Statement": [statement.document() for statement in statements]})


def service_trust(service: str, *, account: str, conditions: Conditions | None = None) -> pulumi.Output[str]:
    """Return the trust policy of a role that one AWS service takes on, for this account's resources only.

    The source account keeps the service from being used by another account's resources (the confused deputy). It is
    left out for services that do not send it: pass them through `service_trust_without_source`.
    """
    statement = {
        "Sid": "TakenOnByTheService",
        "Effect": "Allow",
        "Principal": {"Service": [service]},
        "Action": ["sts:AssumeRole"],
        "Condition": {"StringEquals": {"aws:SourceAccount": account}, **(conditions or {})},
    }
    return json_document({"Version": "2012-10-17", "Statement": [statement]})


def service_trust_without_source(service: str) -> pulumi.Output[str]:
    """Return the trust policy for a service that sends no source account when it takes on a role (Lambda)."""
    statement = {
        "Sid": "TakenOnByTheService",
        "Effect": "Allow",
        "Principal": {"Service": [service]},
        "Action": ["sts:AssumeRole"],
    }
    return json_document({"Version": "2012-10-17", "Statement": [statement]})


def tls_only(action: str, resources: Sequence[pulumi.Input[str]]) -> Statement:
    """Return the statement that refuses every request over a plain connection; `action` is such as `sqs:*`.

    A wildcard here denies: naming the actions would leave room for those that AWS adds.
    """
    return Statement(
        sid="RefusePlainConnections",
        effect="Deny",
        principals=EVERYONE,
        actions=[action],
        resources=resources,
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )
