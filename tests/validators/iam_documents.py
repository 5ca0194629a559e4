"""Checks IAM documents: by parliament, and each action against the service authorization reference.

The reference (policy_sentry's copy) says which actions exist, which types of resource each one supports and which
condition keys it knows. A statement that combines what can not be combined is accepted by IAM and permits nothing.
"""

import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, cast

import parliament
from parliament.statement import GLOBAL_CONDITION_KEYS
from policy_sentry.shared.iam_data import get_service_prefix_data

from local.recording import RecordedResource
from tests.infrastructure.inspection import IDENTITY_POLICIES, POLICY_PROPERTIES, as_list

_TRUST: Final = "aws:iam/role:Role"
# Newer than parliament's copy of the reference; AWS documents them for every action.
_GLOBAL_KEYS: Final = frozenset(key.lower() for key in GLOBAL_CONDITION_KEYS) | {
    "aws:principalaccount",
    "aws:resourceaccount",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:principalisawsservice",
    "aws:principalservicename",
}


# Where the reference is not the whole truth: (action, resource or condition key) and why it is right all the same.
_EXCEPTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("logs:DescribeLogGroups", "log-group:*"): "IAM asks about arn:…:log-group::log-stream:, which is in log-group:*",
    ("kms:DescribeKey", "kms:EncryptionContext:aws:logs:arn"): "CloudWatch Logs documents its key policy like this",
}


class Kind(StrEnum):
    """What a document is attached to decides which elements it has."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    TRUST = "trust"


@dataclass(frozen=True)
class Document:
    """A policy with the resource that carries it."""

    resource: RecordedResource
    kind: Kind
    content: Mapping[str, Any]


def violations(resources: Iterable[RecordedResource]) -> list[str]:
    """Return what is wrong in any policy of these resources."""
    return [
        f"{document.resource.urn} {problem}"
        for document in documents(resources)
        for problem in (*_elements(document), *_lint(document), *_combinations(document))
    ]


def documents(resources: Iterable[RecordedResource]) -> Iterator[Document]:
    """Yield every policy document."""
    for resource in resources:
        text = resource.inputs.get(POLICY_PROPERTIES.get(resource.type, ""))
        if text is None:
            continue
        kind = Kind.RESOURCE
        if resource.type in IDENTITY_POLICIES:
            kind = Kind.IDENTITY
        elif resource.type == _TRUST:
            kind = Kind.TRUST
        yield Document(resource, kind, json.loads(text) if isinstance(text, str) else text)


def _elements(document: Document) -> Iterator[str]:
    """What IAM itself refuses when the document is attached."""
    if document.content.get("Version") != "2012-10-17":
        yield f"Version is {document.content.get('Version')!r}: policy variables need 2012-10-17"
    sids = [statement["Sid"] for statement in document.content["Statement"] if "Sid" in statement]
    for sid in {sid for sid in sids if sids.count(sid) > 1}:
        yield f"{sid}: two statements have this Sid"
    for statement in document.content["Statement"]:
        has_principal = "Principal" in statement or "NotPrincipal" in statement
        has_resource = "Resource" in statement or "NotResource" in statement
        if has_principal == (document.kind is Kind.IDENTITY):
            yield f"{_name(statement)}: {'no' if has_principal else 'a'} Principal belongs in a {document.kind} policy"
        if has_resource == (document.kind is Kind.TRUST):
            yield f"{_name(statement)}: {'no' if has_resource else 'a'} Resource belongs in a {document.kind} policy"


def _lint(document: Document) -> Iterator[str]:
    """What parliament finds; it knows identity policies only, so the others are shown to it as if they were such."""
    shown = {**document.content, "Statement": [_as_identity(statement) for statement in document.content["Statement"]]}
    for finding in parliament.analyze_policy_string(json.dumps(shown)).findings:
        # Who is meant by "*" in any other document is the resource itself, or the trusted role.
        about_resources = finding.issue == "RESOURCE_STAR" and document.kind is not Kind.IDENTITY
        if about_resources or finding.issue in _LEFT_TO_COMBINATIONS:
            continue
        yield f"parliament {finding.issue}: {finding.detail or finding.title}"


# Parliament's copy of the reference is older than policy_sentry's, which answers these.
_LEFT_TO_COMBINATIONS: Final = frozenset(
    {"UNKNOWN_ACTION", "UNKNOWN_PREFIX", "RESOURCE_MISMATCH", "UNKNOWN_CONDITION_FOR_ACTION"}
)


def _as_identity(statement: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in statement.items() if key not in ("Principal", "NotPrincipal")}
    shown.setdefault("Resource", "*")
    if "Condition" in shown:
        # The encryption context of log groups is an ARN; parliament takes every context for a plain text.
        shown["Condition"] = {
            operator: left
            for operator, keys in shown["Condition"].items()
            if (left := {key: value for key, value in keys.items() if not key.startswith("kms:EncryptionContext:")})
        }
    return shown


def _combinations(document: Document) -> Iterator[str]:
    for statement in document.content["Statement"]:
        for action in as_list(statement.get("Action", [])):
            for problem in _combination(document, statement, action):
                yield f"{_name(statement)}: {problem}"
        yield from _unused_resources(document, statement)


def _combination(document: Document, statement: Mapping[str, Any], action: str) -> Iterator[str]:
    meant = _meant(action)
    if not meant:
        yield f"there is no action {action}"
        return
    formats = {arn for one in meant for arn in _resource_formats(*one)}
    # In a key's or a queue's own policy "*" is that key or queue; a role's trust policy has no resource.
    if document.kind is Kind.IDENTITY:
        resources = as_list(statement.get("Resource", []))
        resources = [resource for resource in resources if not _excepted(action, resource)]
        if resources and "*" not in resources and not any(_fits(arn, one) for arn in formats for one in resources):
            supported = ", ".join(sorted(formats)) or "no resource: it needs '*'"
            yield f"{action} does not support {', '.join(resources)}; it supports {supported}"
    for operator, keys in cast("Mapping[str, Mapping[str, Any]]", statement.get("Condition", {})).items():
        for key in keys:
            if not _excepted(action, key) and not any(_knows(*one, key) for one in meant):
                yield f"{action} knows no condition key {key} ({operator})"


def _unused_resources(document: Document, statement: Mapping[str, Any]) -> Iterator[str]:
    if document.kind is not Kind.IDENTITY:
        return
    actions = as_list(statement.get("Action", []))
    formats = {arn for action in actions for one in _meant(action) for arn in _resource_formats(*one)}
    for resource in as_list(statement.get("Resource", [])):
        excepted = any(_excepted(action, resource) for action in actions)
        if resource != "*" and not excepted and not any(_fits(arn, resource) for arn in formats):
            yield f"{_name(statement)}: no action of the statement supports {resource}"


@cache
def _meant(action: str) -> tuple[tuple[str, str], ...]:
    """Return the (service, name) of every action that a text with wildcards stands for."""
    service, _, pattern = action.partition(":")
    try:
        privileges = get_service_prefix_data(service)["privileges"]
    except KeyError:
        return ()
    return tuple((service, name) for name in privileges if fnmatch.fnmatchcase(name.lower(), pattern.lower()))


@cache
def _resource_formats(service: str, action: str) -> frozenset[str]:
    data = get_service_prefix_data(service)
    types = data["privileges"][action]["resource_types"]
    return frozenset(data["resources"][type_]["arn"] for type_ in types if type_ in data["resources"])


def _fits(format_: str, resource: str) -> bool:
    # Placeholders of the reference are what a wildcard is to parliament.
    pattern = "*".join(part.partition("}")[2] if index else part for index, part in enumerate(format_.split("${")))
    return parliament.is_arn_match("object" if ":::*/*" in pattern else "", pattern, resource)


@cache
def _knows(service: str, action: str, key: str) -> bool:
    data = get_service_prefix_data(service)
    supported = data["privileges"][action]["resource_types"]
    keys = {known for type_ in supported.values() for known in type_["condition_keys"]}
    keys |= {known for type_ in supported for known in data["resources"].get(type_, {}).get("condition_keys", [])}
    return key.lower() in _GLOBAL_KEYS or any(_same_key(known, key) for known in keys)


def _same_key(known: str, key: str) -> bool:
    # `kms:EncryptionContext:${EncryptionContextKey}` stands for a family of keys.
    stem, placeholder, _ = known.lower().partition("${")
    return key.lower().startswith(stem) if placeholder else key.lower() == stem


def _excepted(action: str, thing: str) -> bool:
    return any(action == excepted and thing.endswith(end) for excepted, end in _EXCEPTIONS)


def _name(statement: Mapping[str, Any]) -> str:
    return f"statement {statement.get('Sid', '(no Sid)')}"
