"""Defects that tests of the saga and of the entry API must fail at."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, Final

from tests.infrastructure.planted.planting import AnyDefect, ProgramDefect, always, instead, marked, missing
from tests.policies.planting import Defect, allowing, first_operation, gone, having, new, saying

MACHINE, ROLE_POLICY = "aws:sfn/stateMachine:StateMachine", "aws:iam/rolePolicy:RolePolicy"
API, METHODS = "aws:apigateway/restApi:RestApi", "aws:apigateway/methodSettings:MethodSettings"
INTEGRATION: Final = "x-amazon-apigateway-integration"
_COMMAND: Final = "/v1/commands/place-order"
_REFUSED, _FAILED = "States.QueryEvaluationError", "States.ALL"


def _machine(what: str, edit: Callable[[dict[str, Any]], object]) -> ProgramDefect:
    """Change the saga's states."""

    def change(machine: Any) -> Any:
        changed = copy.deepcopy(machine)
        edit(changed["States"])
        return changed

    return instead(f"a saga {what}", "MACHINE", change)


def _caught(step: str, error: str, then: str) -> Callable[[dict[str, Any]], object]:
    def edit(states: dict[str, Any]) -> None:
        [catch] = [catch for catch in states[step]["Catch"] if catch["ErrorEquals"] == [error]]
        catch.update(Next=then)

    return edit


def _body(what: str, change: Callable[[dict[str, Any]], object]) -> Defect:
    def edit(document: Any) -> Any:
        change(document)
        return document

    return saying(API, "body", edit, what)


def _command(what: str, part: str, old: str, new_: str) -> Defect:
    """Change the text of a part of a direct integration."""

    def change(document: dict[str, Any]) -> None:
        integration = document["paths"][_COMMAND]["post"][INTEGRATION]
        written = json.dumps(integration[part])
        assert old in written, f"{part} has no {old}"
        integration[part] = json.loads(written.replace(old, new_))

    return _body(what, change)


def _bound_of(whose: str, path: str, said: str) -> Defect:
    """Let the document say another bound for the bodies of one operation."""
    return _body(
        f"with another bound for {whose}",
        lambda document: document["paths"][path]["post"]["responses"].update({"413": {"description": said}}),
    )


def _document_that(what: str, render: Callable[..., str]) -> ProgramDefect:
    def change(document: Any) -> Any:
        return SimpleNamespace(render=render, TEMPLATE=document.TEMPLATE, PlaceholderError=document.PlaceholderError)

    return instead(f"a rendering {what}", "document", change)


def _schemas(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    def edit(document: dict[str, Any]) -> None:
        for schema in document["components"]["schemas"].values():
            change(schema)

    return edit


_OPEN: Final = _body("with models that take any field", _schemas(lambda schema: schema.pop("additionalProperties", 0)))


def _unchecked(document: dict[str, Any]) -> None:
    document.pop("x-amazon-apigateway-request-validator")
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("x-amazon-apigateway-request-validator", None)


_NOT_VALIDATED: Final = _body("that validates nothing", _unchecked)

PLANTED: Final[Mapping[str, Sequence[AnyDefect]]] = {
    "test_cell_saga::test_an_order_that_has_its_stock_pays_and_completes_in_two_states": [
        _machine("that ends with the debit", lambda states: states["Debit"].update(Next="Reject")),
    ],
    "test_cell_saga::test_an_order_that_has_no_stock_yet_reserves_pays_and_completes": [
        _machine("that completes without a debit", lambda states: states["Reserve"].update(Next="Complete")),
        _machine("that gives up an order without stock", _caught("Debit", "NothingReservedError", "Release")),
    ],
    "test_cell_saga::test_a_refused_reservation_is_rejected_without_a_release": [
        _machine("that releases what is not held", _caught("Reserve", _REFUSED, "Release")),
    ],
    "test_cell_saga::test_a_refused_debit_releases_and_refunds_nothing": [
        _machine("that refunds what was not debited", _caught("Debit", _REFUSED, "Refund")),
    ],
    "test_cell_saga::test_a_refusal_is_not_asked_for_again": [
        _machine("that retries refusals", lambda states: states["Reserve"]["Retry"].pop(0)),
    ],
    "test_cell_saga::test_a_reservation_that_may_have_happened_is_released": [
        _machine("that leaves stock reserved", _caught("Reserve", _FAILED, "Reject")),
    ],
    "test_cell_saga::test_a_debit_that_may_have_happened_is_refunded_before_the_stock_is_released": [
        _machine("that keeps the money", _caught("Debit", _FAILED, "Release")),
    ],
    "test_cell_saga::test_a_completion_that_can_not_be_reached_is_undone_in_reverse_order": [
        _machine("that keeps the money of an order without an end", _caught("Complete", _FAILED, "Release")),
    ],
    "test_cell_saga::test_a_completion_that_had_happened_is_left_as_it_is": [
        _machine("that parks a completed order", lambda states: states["Release"].update(Next="Park")),
    ],
    "test_cell_saga::test_an_order_that_was_given_up_meanwhile_is_undone": [
        _machine("that rejects and keeps", _caught("Complete", _FAILED, "Reject")),
    ],
    "test_cell_saga::test_an_execution_that_is_started_again_half_way_gives_back_what_is_still_held": [
        _machine("that does not go back", lambda states: [c.update(Next="Park") for c in states["Reject"]["Catch"]]),
    ],
    "test_cell_saga::test_a_lost_answer_is_asked_for_again": [
        _machine("that asks once", lambda states: states["Debit"]["Retry"][1].update(MaxAttempts=1)),
    ],
    "test_cell_saga::test_a_way_back_that_is_blocked_for_hours_is_parked_in_the_repair_queue": [
        _machine("that parks in silence", lambda states: [c.update(Next="Parked") for c in states["Refund"]["Catch"]]),
        _machine("that gives up at once", lambda states: states["Release"]["Retry"][1].update(MaxAttempts=1)),
    ],
    "test_cell_saga::test_an_order_that_is_not_this_regions_ends_the_execution_at_once_and_parks_nothing": [
        _machine("that parks another Region's order", _caught("Debit", "UnknownOrderError", "Park")),
        _machine("that undoes another Region's order", _caught("Release", "UnknownOrderError", "Reject")),
    ],
    "test_cell_saga::test_every_step_is_bounded_and_retried_with_full_jitter": [
        _machine("with too little time for a step", lambda states: states["Debit"].update(TimeoutSeconds=1)),
        _machine("without jitter", lambda states: states["Debit"]["Retry"][1].update(JitterStrategy="NONE")),
    ],
    "test_cell_saga::test_parking_is_bounded_and_tried_again_for_hours": [
        _machine("that parks once", lambda states: states["Park"]["Retry"][0].update(MaxAttempts=1)),
    ],
    "test_cell_saga::test_a_step_is_told_the_order_and_the_customer": [
        _machine("of nobody", lambda states: states["Debit"]["Arguments"]["Payload"].pop("customerId")),
    ],
    "test_cell_saga::test_the_saga_may_send_to_the_repair_queue_only": [
        allowing(ROLE_POLICY, {"Action": ["sqs:SendMessage"], "Resource": ["*"]}, "to any queue", named="saga-policy"),
    ],
    "test_cell_saga::test_the_state_machine_pins_a_published_version_of_its_steps": [
        having("aws:lambda/function:Function", "publish", value=False, named="checkout-saga-steps"),
    ],
    "test_cell_saga::test_the_state_machine_is_standard_logged_traced_and_encrypted": [
        having(MACHINE, "type", "EXPRESS"),
        having(MACHINE, "loggingConfiguration.includeExecutionData", value=True),
    ],
    "test_cell_saga::test_the_saga_may_invoke_its_steps_only": [
        allowing(
            ROLE_POLICY,
            {"Action": ["lambda:InvokeFunction"], "Resource": ["arn:aws:lambda:us-east-1:1:function:other"]},
            "to invoke others",
            named="saga-policy",
        ),
    ],
    "test_cell_saga::test_a_saga_without_an_outcome_raises_an_alarm": [
        having("aws:cloudwatch/metricAlarm:MetricAlarm", "threshold", 5, named="saga-failed"),
    ],
    "entry_api.test_document::test_the_document_is_valid_openapi": [
        _body("without a title", lambda document: document.pop("info")),
    ],
    "entry_api.test_document::test_every_operation_is_described_validated_integrated_and_protected": [
        saying(API, "body", first_operation(lambda post: post.pop("summary")), "without a summary"),
        saying(API, "body", first_operation(lambda post: post.update(security=[])), "open to all"),
    ],
    "entry_api.test_document::test_models_are_draft_4_and_those_of_requests_are_closed": [
        _OPEN,
        _body("with a minimum of a later draft", _schemas(lambda schema: schema.update(exclusiveMinimum=0))),
    ],
    "entry_api.test_document::test_no_model_uses_a_word_that_api_gateway_does_not_know": [
        _body("with a format", _schemas(lambda schema: schema.update(format="uuid"))),
    ],
    "entry_api.test_document::test_examples_fit_their_models": [
        saying(
            API,
            "body",
            first_operation(lambda post: post["requestBody"]["content"]["application/json"].update(example={})),
            "with an empty example",
        ),
    ],
    "entry_api.test_document::test_rendering_fills_in_and_changes_nothing_else": [
        _document_that("that leaves a placeholder", always("${Region}")),
    ],
    "entry_api.test_document::test_rendering_refuses_values_that_do_not_fit_the_template": [
        _document_that("that takes any values", always("")),
    ],
    "entry_api.test_stage::test_a_new_document_is_a_new_deployment": [
        having("aws:apigateway/deployment:Deployment", "triggers.document", "always the same"),
        having("aws:apigateway/deployment:Deployment", "triggers.document", sha256(b"something else").hexdigest()),
        saying(API, "body", lambda document: {**document, "info": {}}, "that its deployment is not of"),
    ],
    "entry_api.test_stage::test_the_stage_is_logged_traced_throttled_and_keeps_bodies_to_itself": [
        having(METHODS, "settings.dataTraceEnabled", value=True),
        having("aws:apigateway/stage:Stage", "xrayTracingEnabled", value=False),
    ],
    "entry_api.test_stage::test_both_logs_of_the_stage_are_kept_for_a_time_and_encrypted": [
        missing("aws:cloudwatch/logGroup:LogGroup", "entry-api-execution-logs"),
    ],
    "entry_api.test_stage::test_the_log_role_is_set_before_the_stage_and_stays_when_the_cell_goes": [
        marked("aws:apigateway/account:Account", "that goes with the cell", retain_on_delete=False),
        marked("aws:apigateway/stage:Stage", "that does not wait", dependencies=()),
    ],
    "entry_api.test_stage::test_a_function_is_invoked_by_its_own_operations_only": [
        new(
            "aws:lambda/permission:Permission",
            function="meridian-checkout-api",
            sourceArn="*",
            qualifier="live",
        ),
        gone("aws:lambda/permission:Permission"),
    ],
    "entry_api.test_stage::test_the_gateway_puts_these_commands_onto_this_bus_and_nothing_else": [
        saying(
            ROLE_POLICY,
            "policy",
            lambda policy: json.loads(json.dumps(policy).replace('"PlaceOrder"', '"PlaceOrder", "BalanceChanged"')),
            "to put events",
            named="entry-api-put-events",
        ),
    ],
    "entry_api.test_calls::test_without_a_bearer_token_nobody_is_asked": [
        saying(API, "body", first_operation(lambda post: post.update(security=[])), "open to all"),
    ],
    "entry_api.test_calls::test_what_the_authorizer_does_not_allow_is_refused": [
        saying(API, "body", first_operation(lambda post: post.update(security=[])), "open to all"),
    ],
    "entry_api.test_calls::test_what_is_no_operation_is_not_found": [
        _body(
            "with one operation more",
            lambda document: document["paths"].update({"/v1/nowhere": document["paths"]["/v1/health"]}),
        ),
    ],
    "entry_api.test_calls::test_an_order_reaches_its_function_with_who_asked": [
        saying(
            API,
            "body",
            lambda document: json.loads(json.dumps(document).replace(":meridian-checkout-api:", ":meridian-other:")),
            "that invokes another function",
        ),
    ],
    "entry_api.test_calls::test_health_is_open_to_all": [
        _body(
            "with a health that is asked for a token",
            lambda document: document["paths"]["/v1/health"]["get"].update(security=[{"accessToken": []}]),
        ),
    ],
    "entry_api.test_calls::test_a_function_that_is_late_is_a_504": [
        _body("with errors of AWS's words", lambda document: document.pop("x-amazon-apigateway-gateway-responses")),
    ],
    "entry_api.test_commands::test_a_command_goes_onto_the_bus_as_a_cloudevent": [
        _command("in another's name", "requestTemplates", "meridian.entry-api", "meridian.checkout"),
    ],
    "entry_api.test_commands::test_a_command_fits_the_published_schemas": [
        _command("with another field", "requestTemplates", "idempotencyKey", "key"),
    ],
    "entry_api.test_commands::test_the_answer_to_a_command_says_where_its_outcome_is_read": [
        _command("that says nowhere", "responses", "/v1/commands/$context", "/v1/outcomes/$context"),
    ],
    "entry_api.test_commands::test_a_text_of_the_token_stays_a_text_within_the_event": [
        _command(
            "that escapes once",
            "requestTemplates",
            "#set($customer = $util.escapeJavaScript($customer)",
            "#set($customer = $customer",
        ),
    ],
    "entry_api.test_commands::test_a_command_that_the_bus_does_not_take_is_a_503": [
        _command("that takes any answer", "responses", "$input.path('$.FailedEntryCount') == 0", "true"),
    ],
    "entry_api.test_commands::test_a_command_that_is_too_large_for_the_bus_is_a_413": [
        _command("that asks to retry", "responses", '"statusCode": "413"', '"statusCode": "503"'),
    ],
    "entry_api.test_commands::test_a_token_that_was_used_sends_no_command_from_the_second_of_its_expiry_on": [
        _command("that asks for no expiry", "requestTemplates", "compareTo($now) > 0", "compareTo($now) != 0"),
        _command("that blames the key", "responses", "compareTo($now) <= 0", "compareTo($now) == 0"),
    ],
    "entry_api.test_commands::test_a_command_is_taken_where_an_authorizer_of_the_first_release_knows_no_expiry": [
        _command("that needs an expiry", "requestTemplates", "!$expiresAt.matches", "$expiresAt.matches"),
    ],
    "entry_api.test_commands::test_what_does_not_fit_is_not_taken_for_an_expired_token": [
        _command("that always blames the token", "responses", "compareTo($now) <= 0", "compareTo($now) >= 0"),
    ],
    "entry_api.test_validation::test_a_key_of_other_characters_is_refused_by_the_direct_integration": [
        _command("that takes any key", "requestTemplates", "{1,128}", "{1,999}"),
    ],
    "entry_api.test_validation::test_a_key_of_the_right_characters_is_taken": [
        _command("that takes short keys", "requestTemplates", "{1,128}", "{1,12}"),
    ],
    "entry_api.test_validation::test_an_order_of_too_few_or_too_many_lines_is_refused_by_the_direct_integration": [
        _command("that takes orders of any length", "requestTemplates", "$count <= 20", "$count <= 999"),
    ],
    "entry_api.test_validation::test_whose_order_it_is_comes_from_the_token": [_OPEN],
    "entry_api.test_validation::test_an_order_that_does_not_fit_its_model_reaches_nobody": [_NOT_VALIDATED],
    "entry_api.test_validation::test_a_command_of_a_system_that_does_not_fit_its_model_is_refused": [_NOT_VALIDATED],
    "entry_api.test_validation::test_a_deposit_of_no_amount_is_refused": [_NOT_VALIDATED],
    "entry_api.test_validation::test_a_write_without_an_idempotency_key_is_refused": [_NOT_VALIDATED],
    "entry_api.test_validation::test_a_body_over_the_gateways_own_bound_is_refused_before_anybody_is_asked": [
        _body(
            "that names another bound",
            lambda document: document["x-amazon-apigateway-gateway-responses"]["REQUEST_TOO_LARGE"].update(
                responseTemplates={"application/json": '{"detail": "At most 16 KiB are read."}'}
            ),
        )
    ],
    "entry_api.test_validation::test_the_document_says_what_size_of_body_a_command_may_have": [
        _bound_of("a command", _COMMAND, "The body is over 16 KiB."),
    ],
    "entry_api.test_validation::test_the_document_says_what_size_of_body_the_functions_read": [
        _bound_of("a function", "/v1/orders", "The body is over 10 MiB."),
    ],
    "entry_api.test_validation::test_a_command_of_another_media_type_is_refused": [
        _body(
            "that passes other media types on",
            lambda document: document["paths"][_COMMAND]["post"][INTEGRATION].update(
                passthroughBehavior="when_no_match"
            ),
        ),
    ],
}
