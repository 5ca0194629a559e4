"""Checks event patterns against the published language: every message, from everybody, from and to every Region.

What a rule should match stands here, as a table; examples are made of the published schemas. A pattern fails that
matches anything else as well as one that matches too little.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import jsonschema

from local.recording import RecordedResource
from tests.infrastructure.event_patterns import matches
from workloads.contracts.envelope import MESSAGES
from workloads.contracts.events import Source
from workloads.contracts.generate_schemas import FOLDER

RULE: Final = "aws:cloudwatch/eventRule:EventRule"
COMMANDS: Final = frozenset(
    {
        "PlaceOrder",
        "DepositToWallet",
        "SetPrice",
        "SetAllotment",
        "SetSellingMode",
        "CancelOrder",
        "RefundPurchase",
        "TransferAllotment",
        "ReceiveTransfer",
        "StopSelling",
        "ResumeSelling",
    }
)
_STOCK_LEVELS: Final = frozenset({"SoldOut", "BackInStock", "StockRanLow", "StockRecovered"})
_SINGLE_VIEW: Final = frozenset(
    {
        "OrderPlaced",
        "PurchaseCompleted",
        "PurchaseRejected",
        "PurchaseCancelled",
        "PurchaseRefunded",
        "WalletCredited",
        "WalletDebited",
        "WalletRefunded",
        "BalanceChanged",
    }
)
_FORWARD: Final = "meridian-forward-to-"
# A source that is none of ours: the bus also takes what comes from outside.
STRANGER: Final = "example.stranger"


class NoExampleError(Exception):
    """A schema uses a word that this module can not make an example of."""


def violations(resources: Iterable[RecordedResource]) -> list[str]:
    """Return which rule matches what it should not, or the reverse."""
    rules = [resource for resource in resources if resource.type == RULE]
    regions = sorted({region for rule in rules for region in _regions(rule)})
    return [problem for rule in rules for problem in _problems(rule, regions)]


def _regions(rule: RecordedResource) -> set[str]:
    name = str(rule.inputs["name"])
    return {rule.region} | ({name.removeprefix(_FORWARD)} if name.startswith(_FORWARD) else set())


def _problems(rule: RecordedResource, regions: list[str]) -> Iterator[str]:
    pattern = json.loads(rule.inputs["eventPattern"])
    if (malformed := _malformed(pattern)) is not None:
        yield f"{rule.urn} {malformed}: a pattern's values are lists of values"
        return
    for event in examples(regions):
        detail = event["detail"]
        should = wanted(str(rule.inputs["name"]), rule.region, event)
        if should is None:
            yield f"{rule.urn} nobody has said what the rule {rule.inputs['name']} should match"
            return
        if matches(pattern, event) != should:
            way = f"{detail['originregion']} to {detail.get('destinationregion', 'nowhere')}"
            yield f"{rule.urn} {'misses' if should else 'matches'} {event['detail-type']} of {event['source']}, {way}"


def wanted(rule: str, region: str, event: Mapping[str, Any]) -> bool | None:
    """Tell whether a rule of a cell should match an event; None for a rule that the design does not know."""
    kind, source, detail = event["detail-type"], event["source"], event["detail"]
    here, destination = detail["originregion"] == region, detail.get("destinationregion")
    match rule:
        case "meridian-checkout-commands":
            return kind in COMMANDS and destination == region
        case "meridian-checkout-availability":
            return kind in _STOCK_LEVELS and source == Source.CHECKOUT and here
        case "meridian-loyalty-purchases":
            return kind == "PurchaseCompleted" and source == Source.CHECKOUT and here
        case "meridian-single-view-updates":
            return kind in _SINGLE_VIEW and source in {Source.CHECKOUT, Source.LOYALTY} and here
        case _ if rule.startswith(_FORWARD):
            return here and destination == rule.removeprefix(_FORWARD)
        case _:
            return None


def _malformed(pattern: Mapping[str, Any], path: str = "") -> str | None:
    for key, value in pattern.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            if (found := _malformed(value, here)) is not None:
                return found
        elif not isinstance(value, list) or not value:
            return here
    return None


def examples(regions: list[str]) -> Iterator[dict[str, Any]]:
    """Yield an event of the bus for every message, source, origin and destination."""
    sources = [*(source.value for source in Source), STRANGER]
    for (kind, message), source, origin, destination in itertools.product(
        MESSAGES.items(), sources, regions, [*regions, None]
    ):
        schema = f"{kind}.{message.VERSION}"
        detail = dict(_example(schema, kind, source, origin))
        if destination is not None:
            detail["destinationregion"] = destination
        yield {"source": source, "detail-type": kind, "detail": detail}


@cache
def _example(schema: str, kind: str, source: str, origin: str) -> Mapping[str, Any]:
    envelope = _valid_example("CloudEvent") | {"type": kind, "source": source, "originregion": origin}
    envelope.pop("destinationregion", None)
    return envelope | {"data": _valid_example(schema)}


@cache
def _valid_example(schema: str) -> dict[str, Any]:
    document = json.loads((FOLDER / f"{schema}.json").read_text(encoding="utf-8"))
    example = _of(document, document["$defs"])
    jsonschema.Draft202012Validator(document).validate(example)
    return example


def _of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _of(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in schema:
        return _of(schema["anyOf"][0], definitions)
    return schema["enum"][0] if "enum" in schema else _of_type(schema, definitions)


def _of_type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "object":
            return {name: _of(schema["properties"][name], definitions) for name in schema.get("required", [])}
        case "array":
            return [_of(schema["items"], definitions)] * max(1, schema.get("minItems", 0))
        case "integer":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "string":
            return _text(schema)
        case other:
            # Without a type anything goes: the envelope's data.
            if other is None and not schema.keys() - {"title", "description"}:
                return {}
            raise NoExampleError(json.dumps(schema))


def _text(schema: Mapping[str, Any]) -> str:
    for text in ("us-east-1.c-00042", "us-east-1", "USD", "CD-1099", "2026-11-27T00:00:00Z"):
        if jsonschema.Draft202012Validator(dict(schema)).is_valid(text):
            return text
    raise NoExampleError(json.dumps(schema))
