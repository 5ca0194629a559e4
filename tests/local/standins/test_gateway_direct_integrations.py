"""Integrations without a function: mapping templates towards EventBridge, and mocks."""

import json
from typing import Any

import pytest

from local.standins.gateway.definition import DefinitionError
from tests.local.standins.gateway_setup import INTEGRATION, FakeAws, client_of, put_events

HOSTILE = [
    'a"b',
    "a'b",
    "a\\b",
    'a\\"b',
    "a\\'b",
    "line\nbreak\ttab\u0000\u001f",
    "</script>",
    "$context.requestId ${util} #set($x = 1) #end",
    "ünï\u2028\U0001f984",
    '"}],"Entries":[{"Source":"forged"}]',
    "",
]

TEXT = """
#set($note = $util.escapeJavaScript($input.path('$.note')).replaceAll("\\\\'", "'"))
{"Entries": [{"Source": "shop", "Detail": "{\\"id\\": \\"$context.requestId\\"}", "Note": "$note"}]}
"""
ACCEPTED = {"default": {"statusCode": "202"}}


def render(template: str, body: Any, **request: Any) -> Any:
    aws = FakeAws()
    client = client_of({"/c/{id}": {"post": put_events(template, ACCEPTED)}}, aws, stage={"variables": {"bus": "main"}})
    response = client.post("/c/17?page=2", json=body, **request)
    assert response.status_code == 202, client.report.failures
    return aws.calls[0][1]


@pytest.mark.parametrize("note", HOSTILE)
def test_a_hostile_text_stays_a_text_in_the_document_of_the_template(note: str) -> None:
    [entry] = render(TEXT, {"note": note})["Entries"]

    assert entry["Note"] == note
    assert entry["Source"] == "shop"


@pytest.mark.parametrize("note", HOSTILE)
def test_json_within_a_json_text_survives_hostile_values(note: str) -> None:
    template = """
    #set($whole = $util.escapeJavaScript($input.json('$.nested')).replaceAll("\\\\'", "'"))
    {"Entries": [{"Detail": "$whole"}]}
    """

    [entry] = render(template, {"nested": {"note": note, "n": 1}})["Entries"]

    assert json.loads(entry["Detail"]) == {"note": note, "n": 1}


def test_an_apostrophe_is_escaped_as_java_does_which_json_forbids_unless_turned_back() -> None:
    aws = FakeAws()
    template = '{"Note": "$util.escapeJavaScript($input.path(\'$.note\'))"}'
    client = client_of({"/c": {"post": put_events(template, ACCEPTED)}}, aws)

    client.post("/c", json={"note": "it's"})

    # The back end of the test reads the body as JSON.
    assert "JSONDecodeError" in client.report.failures[0][1][0]


def test_parameters_are_looked_up_in_path_query_and_headers() -> None:
    rendered = render(
        """{"id": "$input.params('id')", "page": "$input.params('page')", "key": "$input.params('Idempotency-Key')",
        "none": "$input.params('none')", "all": "$input.params().header.get('idempotency-key')",
        "path": "$input.params().path.id"}""",
        {},
        headers={"Idempotency-Key": "k-1"},
    )

    assert rendered == {"id": "17", "page": "2", "key": "k-1", "none": "", "all": "k-1", "path": "17"}


def test_values_of_the_body_are_read_by_path() -> None:
    rendered = render(
        """#set($lines = $input.path('$.lines'))
        {"whole": $input.json('$'), "deep": $input.json('$.lines[1].sku'), "all": $input.json('$.lines[*].n'),
        "bracket": "$input.path("$['odd key']")", "missing": $input.json('$.missing'), "gone": "$input.path('$.items')",
        "size": $lines.size(), "true": $input.path('$.yes'),
        "each": [#foreach($line in $lines)"$line.sku"#if($foreach.hasNext),#end#end]}""",
        {"lines": [{"sku": "A", "n": 1}, {"sku": "B", "n": 2}], "odd key": "x", "yes": True},
    )

    assert rendered == {
        "whole": {"lines": [{"sku": "A", "n": 1}, {"sku": "B", "n": 2}], "odd key": "x", "yes": True},
        "deep": "B",
        "all": [1, 2],
        "bracket": "x",
        "missing": "",
        "gone": "",
        "size": 2,
        "true": True,
        "each": ["A", "B"],
    }


@pytest.mark.parametrize(("text", "sign"), [("a", -1), ("ab", -1), ("b", 0), ("ba", 1)])
def test_texts_are_compared_as_java_does(text: str, sign: int) -> None:
    template = '#set($text = $input.path(\'$.text\')){"sign": $text.compareTo("b")}'

    assert render(template, {"text": text}) == {"sign": sign}


def test_utilities_and_variables_are_those_of_api_gateway() -> None:
    rendered = render(
        """{"encoded": "$util.base64Encode('hé')", "decoded": "$util.base64Decode('aMOp')",
        "url": "$util.urlEncode('a b&c/ü')", "back": "$util.urlDecode('a+b%26c')",
        "parsed": "$util.parseJson('{"a": {"b": 7}}').a.b", "stage": "$context.stage", "bus": "$stageVariables.bus",
        "ip": "$context.identity.sourceIp", "nobody": "$context.authorizer.customerId"}""",
        {},
    )

    assert rendered == {
        "encoded": "aMOp",
        "decoded": "hé",
        "url": "a+b%26c%2F%C3%BC",
        "back": "a b&c",
        "parsed": "7",
        "stage": "live",
        "bus": "main",
        "ip": "127.0.0.1",
        "nobody": "",
    }


def test_a_response_is_chosen_by_the_back_ends_status_and_mapped() -> None:
    responses = {
        "default": {
            "statusCode": "202",
            "responseParameters": {
                "method.response.header.X-Back-End": "integration.response.header.X-Back-End",
                "method.response.header.Location": "integration.response.body.Entries[0].EventId",
            },
            "responseTemplates": {
                "application/json": '{"id": "$context.requestId", "n": $input.json("$.FailedEntryCount")}'
            },
        },
        "5\\d{2}": {"statusCode": "503", "responseTemplates": {"application/json": "{}"}},
    }
    aws = FakeAws(bus=lambda _: (200, {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}))
    client = client_of({"/c": {"post": put_events("{}", responses)}}, aws)

    taken = client.post("/c", json={})
    assert taken.status_code == 202
    assert taken.json() == {"id": taken.headers["x-amzn-requestid"], "n": 0}
    assert taken.headers["x-back-end"] == "bus"
    assert taken.headers["location"] == "e-1"
    aws.bus = lambda _: (500, {})
    assert client.post("/c", json={}).status_code == 503


def test_a_response_template_may_override_status_and_headers() -> None:
    template = """#if($input.path('$.FailedEntryCount') > 0)
    #set($context.responseOverride.status = 503)
    #set($context.responseOverride.header.Content-Type = "application/problem+json")
    {"title": "refused"}
    #else
    #set($context.responseOverride.header.Location = "/v1/commands/$context.requestId")
    {}
    #end"""
    aws = FakeAws()
    responses = {"default": {"statusCode": "202", "responseTemplates": {"application/json": template}}}
    client = client_of({"/c": {"post": put_events("{}", responses)}}, aws)

    taken = client.post("/c", json={})
    assert (taken.status_code, taken.headers["location"]) == (202, f"/v1/commands/{taken.headers['x-amzn-requestid']}")
    aws.bus = lambda _: (200, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]})
    refused = client.post("/c", json={})
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert "location" not in refused.headers


def test_only_the_declared_headers_go_to_the_service() -> None:
    aws = FakeAws()
    declared = put_events("{}", ACCEPTED, requestParameters={})
    client_of({"/c": {"post": declared}}, aws).post("/c", json={})

    assert aws.calls[0][0] == "none"


@pytest.mark.parametrize(
    ("passthrough", "content_type", "status"),
    [
        ("never", "application/json", 202),
        ("never", "text/plain", 415),
        ("when_no_templates", "text/plain", 415),
        ("when_no_match", "text/plain", 202),
        ("never", "application/json; charset=utf-8", 202),
    ],
)
def test_a_body_without_a_template_passes_as_declared(passthrough: str, content_type: str, status: int) -> None:
    client = client_of({"/c": {"post": put_events("{}", ACCEPTED, passthroughBehavior=passthrough)}})

    assert client.post("/c", content='{"a": 1}', headers={"Content-Type": content_type}).status_code == status


def test_a_template_that_fails_is_an_internal_error_and_reported() -> None:
    client = client_of({"/c": {"post": put_events("$input.json('$.a b')", ACCEPTED)}})

    assert client.post("/c", json={}).status_code == 500
    assert client.report.failures[0][0] == "gateway POST /c"


def test_a_mapping_to_an_undeclared_header_is_refused_at_the_start_as_by_the_import() -> None:
    responses = {"default": {"statusCode": "202", "responseParameters": {"method.response.header.Etag": "'x'"}}}

    with pytest.raises(DefinitionError, match="declares no header Etag"):
        client_of({"/c": {"post": put_events("{}", responses)}})


def test_a_mock_answers_what_its_template_chooses() -> None:
    mock = {
        "responses": {"200": {"description": ""}, "404": {"description": ""}},
        INTEGRATION: {
            "type": "mock",
            "requestTemplates": {
                "application/json": '#if($input.params("id") == "1"){"statusCode": 200}#else{"statusCode": 404}#end'
            },
            "responses": {
                "200": {
                    "statusCode": "200",
                    "responseTemplates": {"application/json": '{"id": "$input.params("id")"}'},
                },
                "404": {"statusCode": "404"},
            },
        },
    }
    client = client_of({"/c/{id}": {"get": mock}})

    assert client.get("/c/1").json() == {"id": "1"}
    assert client.get("/c/2").status_code == 404
