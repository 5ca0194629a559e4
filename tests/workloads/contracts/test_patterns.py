"""A pattern is for the whole text, in every place that checks it: here, in JSON Schemas, in API Gateway's models."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from components.entry_api import document
from workloads.contracts import identifiers, money
from workloads.contracts.identifiers import END, CustomerId, IdempotencyKey, Sku
from workloads.contracts.money import Currency

SCHEMAS = Path(identifiers.__file__).with_name("schemas")
VALID = {
    identifiers.REGION_PATTERN: "us-east-1",
    identifiers.CUSTOMER_ID_PATTERN: "us-east-1.c-00042",
    identifiers.IDEMPOTENCY_KEY_PATTERN: "k-1",
    identifiers.SKU_PATTERN: "CD-1099",
    money.CURRENCY_PATTERN: "USD",
}
LINE_ENDS = ("\n", "\r\n", "\r", "\u0085", "\u2028", "\n\n")


def patterns(node: Any) -> Iterator[str]:
    match node:
        case {"pattern": str(pattern), **rest}:
            yield pattern
            yield from patterns(rest)
        case dict():
            for part in node.values():
                yield from patterns(part)
        case list():
            for part in node:
                yield from patterns(part)
        case _:
            return


def published() -> set[str]:
    documents: list[Any] = [json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json")]
    return {pattern for schema in documents for pattern in patterns(schema)}


@pytest.mark.parametrize("pattern", VALID)
@pytest.mark.parametrize("end", LINE_ENDS)
def test_a_text_with_a_line_end_does_not_fit(pattern: str, end: str) -> None:
    jsonschema.validate(VALID[pattern], {"pattern": pattern})

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(VALID[pattern] + end, {"pattern": pattern})


@pytest.mark.parametrize(
    ("type_", "valid"), [(CustomerId, "us-east-1.c-7"), (IdempotencyKey, "k"), (Sku, "CD-1"), (Currency, "USD")]
)
def test_a_body_with_a_line_end_in_an_identifier_is_refused(type_: Any, valid: str) -> None:
    assert msgspec.json.decode(json.dumps(valid), type=type_) == valid

    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(f"{valid}\n"), type=type_)


def test_every_published_pattern_is_for_the_whole_text() -> None:
    of_the_api = set(patterns(yaml.safe_load(document.TEMPLATE.read_text(encoding="utf-8"))))

    assert published() >= {identifiers.CUSTOMER_ID_PATTERN, identifiers.SKU_PATTERN}
    assert of_the_api >= {identifiers.IDEMPOTENCY_KEY_PATTERN, identifiers.SKU_PATTERN, money.CURRENCY_PATTERN}
    open_ended = {p for p in published() | of_the_api if not (p.startswith("^") and p.endswith(END))}
    assert open_ended == set(), "end them by contracts.identifiers.END: `$` lets a line's end through"
    assert all(re.compile(pattern) for pattern in of_the_api)
