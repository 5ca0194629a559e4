"""The document of the entry API: described, validated, protected, and within what API Gateway imports."""

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from components.entry_api import document
from local.recording import Graph
from tests.infrastructure.entry_api.requests import operations


def test_the_document_is_valid_openapi(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        (api,) = graph.of_type("aws:apigateway/restApi:RestApi")
        validate(json.loads(api.inputs["body"]))


def test_every_operation_is_described_validated_integrated_and_protected(body: Mapping[str, Any]) -> None:
    assert body["x-amazon-apigateway-request-validator"] == "all"
    for name, operation in operations(body):
        assert operation["summary"], name
        assert "x-amazon-apigateway-integration" in operation, name
        assert operation.get("security", []) == ([] if name == "GET /v1/health" else [{"accessToken": []}]), name
        failures = [answer for status, answer in operation["responses"].items() if status >= "4"]
        assert failures, name
        assert all(set(answer["content"]) == {"application/problem+json"} for answer in failures), name


def test_models_are_draft_4_and_those_of_requests_are_closed(body: Mapping[str, Any]) -> None:
    schemas = body["components"]["schemas"]
    for name, schema in schemas.items():
        assert re.fullmatch(r"[A-Za-z0-9]+", name)
        jsonschema.Draft4Validator.check_schema(schema)
    requests = [op["requestBody"]["content"] for _, op in operations(body) if "requestBody" in op]
    assert len(requests) == 15
    for content in requests:
        assert set(content) == {"application/json"}
        reference = content["application/json"]["schema"]["$ref"].removeprefix("#/components/schemas/")
        assert schemas[reference]["additionalProperties"] is False


def test_no_model_uses_a_word_that_api_gateway_does_not_know(body: Mapping[str, Any]) -> None:
    text = json.dumps(body["components"]["schemas"])

    for word in ("nullable", "format", "example", "readOnly", "exclusiveMinimum", "discriminator", "oneOf", "const"):
        assert f'"{word}":' not in text


def test_examples_fit_their_models(body: Mapping[str, Any]) -> None:
    for _, operation in operations(body):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None:
            schema = {**content["schema"], "components": body["components"]}
            jsonschema.Draft4Validator(schema).validate(content["example"])


def test_rendering_fills_in_and_changes_nothing_else() -> None:
    values = {name: f"<{name}>" for name in placeholders()}

    rendered = document.render(values)

    assert rendered == document.render(dict(reversed(values.items())))
    assert "${" not in rendered
    assert set(re.findall(r"<([A-Za-z]+)>", rendered)) >= set(values)


def test_rendering_refuses_values_that_do_not_fit_the_template() -> None:
    values = dict.fromkeys(placeholders(), "x")

    with pytest.raises(document.PlaceholderError, match=r"uses \$\{Region\}"):
        document.render({name: value for name, value in values.items() if name != "Region"})
    with pytest.raises(document.PlaceholderError, match="does not use Zone"):
        document.render({**values, "Zone": "a"})


def placeholders() -> set[str]:
    return set(re.findall(r"\$\{([A-Za-z]+)\}", without_comments(document.TEMPLATE.read_text(encoding="utf-8"))))


def without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("# "))
