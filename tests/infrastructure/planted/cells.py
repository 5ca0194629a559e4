"""Defects that tests of a cell's network, bus, queues, alarms and workloads must fail at."""

import json
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

from tests.infrastructure.planted.planting import (
    AnyDefect,
    always,
    instead,
    marked,
    missing,
    recording,
    twice,
)
from tests.policies.planting import (
    CELL,
    Defect,
    allowing,
    containers_with,
    gone,
    having,
    new,
    saying,
    without,
)

SUBNET, ENDPOINT = "aws:ec2/subnet:Subnet", "aws:ec2/vpcEndpoint:VpcEndpoint"
QUEUE, ALARM, BUS = "aws:sqs/queue:Queue", "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/eventBus:EventBus"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"
MAPPING, ROLE_POLICY = "aws:lambda/eventSourceMapping:EventSourceMapping", "aws:iam/rolePolicy:RolePolicy"
TASK, SERVICE = "aws:ecs/taskDefinition:TaskDefinition", "aws:ecs/service:Service"
SCALING, SCALER = "aws:appautoscaling/target:Target", "aws:appautoscaling/policy:Policy"
METHODS, STAGE = "aws:apigateway/methodSettings:MethodSettings", "aws:apigateway/stage:Stage"
REDRIVE, GROUP = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_TABLES: Final = "arn:aws:dynamodb:us-east-1:123456789012:table"


def _pattern(what: str, named: str, **changes: Any) -> Defect:
    def change(pattern: Any) -> Any:
        return {key: value for key, value in {**pattern, **changes}.items() if value is not None}

    return saying(RULE, "eventPattern", change, what, named=named)


def _container(what: str, **changes: Any) -> Defect:
    return saying(TASK, "containerDefinitions", containers_with(**changes), what)


def _statements(what: str, named: str, change: Callable[[dict[str, Any]], object]) -> Defect:
    def edit(policy: Any) -> Any:
        for statement in policy["Statement"]:
            change(statement)
        return policy

    return saying(ROLE_POLICY, "policy", edit, what, named=named)


def _leading_keys(what: str, named: str, key: str) -> Defect:
    def change(statement: dict[str, Any]) -> None:
        keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        if keys is not None:
            keys.append(key)

    return _statements(what, named, change)


def _controls(**table: Any) -> Any:
    return SimpleNamespace(read=always(SimpleNamespace(**table)))


PLANTED: Final[Mapping[str, Sequence[AnyDefect]]] = {
    "test_network::test_private_subnets_lie_in_three_zones_and_do_not_overlap": [
        having(SUBNET, "availabilityZone", "us-east-1c"),
        having(SUBNET, "cidrBlock", "10.16.0.0/16"),
    ],
    "test_network::test_a_subnet_stays_in_its_zone_when_the_region_gets_another": [
        marked(SUBNET, "that follows the list of zones", ignore_changes=()),
    ],
    "test_network::test_there_is_no_way_to_the_internet": [new("aws:ec2/internetGateway:InternetGateway")],
    "test_network::test_s3_and_dynamodb_are_reached_through_gateways_from_every_subnet": [
        missing(ENDPOINT, "endpoints-s3"),
        missing("aws:ec2/routeTableAssociation:RouteTableAssociation", "private-b"),
    ],
    "test_network::test_a_task_finds_everything_that_it_needs_in_every_zone": [
        missing(ENDPOINT, "ecr-dkr"),
        having(ENDPOINT, "privateDnsEnabled", value=False, named="endpoints-sqs"),
    ],
    "test_network::test_security_groups_admit_https_from_tasks_to_endpoints_and_nothing_else": [
        having(INGRESS, "toPort", 65535),
        having(GROUP, "ingress", [{"protocol": "-1"}]),
    ],
    "test_network::test_all_traffic_is_logged": [having("aws:ec2/flowLog:FlowLog", "trafficType", "REJECT")],
    "test_queues_and_alarms::test_every_work_queue_gives_up_after_five_attempts_to_its_own_dead_letter_queue": [
        without(QUEUE, "redrivePolicy", named="checkout-commands-queue"),
    ],
    "test_queues_and_alarms::test_a_dead_letter_queue_takes_messages_of_its_own_queue_only": [
        having(REDRIVE, "redriveAllowPolicy", json.dumps({"redrivePermission": "allowAll"})),
        gone(REDRIVE),
    ],
    "test_queues_and_alarms::test_what_the_bus_can_not_encrypt_or_decrypt_is_kept": [without(BUS, "deadLetterConfig")],
    "test_queues_and_alarms::test_messages_stay_for_fourteen_days": [having(QUEUE, "messageRetentionSeconds", 345_600)],
    "test_queues_and_alarms::test_a_queue_hides_a_message_for_six_attempts_of_its_function": [
        having(QUEUE, "visibilityTimeoutSeconds", 30, named="checkout-commands-queue"),
    ],
    "test_queues_and_alarms::test_each_dead_letter_queue_is_watched_for_depth_and_age": [
        missing(ALARM, "loyalty-purchases-dead-letters-soon-dropped"),
        missing(ALARM, "event-target-dead-letters-not-empty"),
    ],
    "test_queues_and_alarms::test_each_regions_replicas_are_watched": [
        missing(ALARM, "data-checkout-lag-to"),
        missing(ALARM, "data-single-view-throttled"),
    ],
    "test_queues_and_alarms::test_an_object_in_the_bucket_of_unpublished_events_raises_an_alarm": [
        missing(ALARM, "unpublished-events-not-empty"),
    ],
    "test_queues_and_alarms::test_every_alarm_calls_the_cells_one_topic_and_says_what_to_do": [
        having(ALARM, "alarmActions", []),
        having(ALARM, "alarmDescription", "Errors"),
    ],
    "test_queues_and_alarms::test_tokens_come_again_until_somebody_keeps_them_and_too_many_in_flight_raise_an_alarm": [
        missing(QUEUE, "tokens"),
    ],
    "test_checkout_audit::test_every_kind_of_finding_raises_an_alarm_of_its_own": [
        Defect(
            what="no MetricAlarm on a finding",
            stack=CELL,
            plant=lambda resources: [r for r in resources if "Kind" not in (r.inputs.get("dimensions") or {})],
        ),
        having(ALARM, "threshold", 1_000_000, named="checkout-audit-"),
        having(ALARM, "statistic", "SampleCount", named="checkout-audit-"),
        having(ALARM, "namespace", "Meridian/Audit", named="checkout-audit-"),
        having(ALARM, "period", 60, named="checkout-audit-"),
    ],
    "test_runbooks::test_every_alarm_of_checkout_is_in_its_runbook": [
        new(ALARM, CELL, name="meridian-checkout-surprise"),
    ],
    "test_runbooks::test_every_other_alarm_is_in_the_runbook_of_points_and_views": [
        new(ALARM, CELL, name="meridian-loyalty-surprise"),
    ],
    "test_cell_workloads::test_only_what_sells_by_tokens_and_gives_them_back_writes_them": [
        _leading_keys("to tokens", "checkout-api", "TOKEN#*"),
    ],
    "test_network::test_every_zone_gets_a_nat_gateway_where_one_is_configured": [
        recording(gone("aws:ec2/natGateway:NatGateway")),
    ],
    "test_controls::test_every_control_of_these_services_was_looked_at": [
        instead("a standard with a control more", "STANDARD", lambda standard: {**standard, "SQS": (1, 3, 99)}),
    ],
    "test_controls::test_a_new_type_is_found_missing": [
        instead("a look at the table that misses no type", "types_without_an_entry", lambda _: always(set[str]())),
    ],
    "test_controls::test_the_page_is_up_to_date": [
        instead("a page of before", "controls", lambda real: SimpleNamespace(PAGE=real.PAGE, page=always(""))),
    ],
    "test_controls::test_a_type_has_controls_or_says_why_it_has_none": [
        instead("a table with an empty entry", "controls", lambda _: _controls(types={"aws:sqs/queue:Queue": {}})),
    ],
    "test_controls::test_controls_are_held_by_rules_that_look_at_the_type_or_its_surroundings": [
        instead("a pack without rules", "RULES", lambda _: ()),
    ],
    "test_controls::test_controls_are_held_by_tests_that_exist": [
        instead("a tree without tests", "ROOT", lambda root: root / "docs"),
    ],
    "test_controls::test_a_control_without_an_answer_is_refused": [
        instead("a table that takes any control", "controls", lambda _: SimpleNamespace(Control=always(None))),
    ],
    "test_queues_and_alarms::test_alarm_names_are_unique_in_a_region": [
        twice(ALARM),
    ],
    "test_controls::test_the_gateway_logs_failed_executions": [having(METHODS, "settings.loggingLevel", "OFF")],
    "test_controls::test_the_gateway_caches_no_answer": [having(STAGE, "cacheClusterEnabled", value=True)],
    "test_controls::test_services_run_on_the_latest_platform": [having(SERVICE, "platformVersion", "1.3.0")],
    "test_controls::test_every_container_writes_its_logs": [
        _container("that logs elsewhere", logConfiguration={"logDriver": "none", "options": {}}),
    ],
    "test_cell_event_bus::test_a_command_for_this_region_goes_to_checkout": [
        _pattern("for one command only", "checkout-commands", **{"detail-type": ["PlaceOrder"]}),
    ],
    "test_cell_event_bus::test_a_command_for_the_other_region_goes_onto_its_bus_and_nowhere_else": [
        _pattern("for commands of all Regions", "checkout-commands", detail=None),
    ],
    "test_cell_event_bus::test_what_was_forwarded_here_is_not_forwarded_again": [
        _pattern("that forwards what was forwarded", "forward-to", detail=None),
    ],
    "test_cell_event_bus::test_completed_purchases_of_this_region_go_to_loyalty_and_the_single_view": [
        _pattern("for another type", "loyalty-purchases", **{"detail-type": ["OrderPlaced"]}),
    ],
    "test_cell_event_bus::test_nobody_but_checkout_can_say_that_a_purchase_earns_points": [
        _pattern("of any source", "loyalty-purchases", source=None),
    ],
    "test_cell_event_bus::test_what_changes_a_customers_row_goes_to_the_single_view": [
        _pattern("for orders only", "single-view-updates", **{"detail-type": ["OrderPlaced"]}),
    ],
    "test_cell_event_bus::test_events_of_the_other_region_reach_no_consumer_here": [
        _pattern("of all Regions", "single-view-updates", detail=None),
    ],
    "test_cell_event_bus::test_every_rule_has_one_target_that_retries_and_keeps_what_it_can_not_deliver": [
        having(TARGET, "retryPolicy.maximumRetryAttempts", 185),
        missing(TARGET, "loyalty-purchases"),
    ],
    "test_cell_event_bus::test_every_target_has_an_alarm": [missing(ALARM, "bus-checkout-commands-undelivered")],
    "test_cell_event_bus::test_a_queue_takes_messages_of_its_own_rule_only": [
        allowing(
            QUEUE,
            {
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Condition": {"ArnLike": {"aws:SourceArn": ["arn:aws:sns:us-east-1:1:t"]}},
            },
            "for a topic",
            named="checkout-commands-queue",
        ),
    ],
    "test_cell_event_bus::test_the_forwarding_role_reaches_the_other_buses_only": [
        _statements("onto any bus", "bus-forwarding", lambda statement: statement.update(Resource=["*"])),
    ],
    "test_cell_event_bus::test_bus_and_archive_are_encrypted_and_the_archive_ends": [
        having("aws:cloudwatch/eventArchive:EventArchive", "retentionDays", 0),
        without(BUS, "kmsKeyIdentifier"),
    ],
    "test_cell_event_bus::test_queues_that_no_rule_feeds_are_fed_by_nobody_from_outside": [
        allowing(
            QUEUE,
            {"Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"},
            "that rules may feed",
            named="saga-start-queue",
        ),
    ],
    "test_cell_workloads::test_the_functions_are_these_and_begin_there": [
        having(FUNCTION, "imageConfig.commands", ["workloads.checkout.main"]),
    ],
    "test_cell_workloads::test_every_function_runs_an_image_by_digest_from_its_own_region": [
        having(FUNCTION, "imageUri", "1.dkr.ecr.eu-west-1.amazonaws.com/meridian/checkout@sha256:" + "0" * 64),
        having(FUNCTION, "architectures", ["x86_64"]),
    ],
    "test_cell_workloads::test_every_function_is_published_and_called_by_its_alias": [
        having(FUNCTION, "publish", value=False),
        having(ALIAS, "functionVersion", "$LATEST"),
    ],
    "test_cell_workloads::test_every_function_is_traced_and_logs_json_into_a_group_that_ends": [
        having(FUNCTION, "tracingConfig.mode", "PassThrough"),
        having(FUNCTION, "loggingConfig.logFormat", "Text"),
    ],
    "test_cell_workloads::test_every_function_has_a_role_of_its_own_in_the_name_of_its_region": [
        having(FUNCTION, "role", "arn:aws:iam::123456789012:role/shared"),
    ],
    "test_cell_workloads::test_a_function_may_work_only_after_its_role_may": [
        marked(FUNCTION, "that waits for nothing", dependencies=()),
    ],
    "test_cell_workloads::test_errors_and_throttles_of_every_function_raise_alarms": [
        missing(ALARM, "checkout-api-throttles"),
    ],
    "test_cell_workloads::test_functions_are_woken_by_what_is_theirs": [
        missing(MAPPING, "loyalty-awards"),
        having(MAPPING, "functionName", "arn:aws:lambda:us-east-1:1:function:other:live", named="loyalty-awards"),
    ],
    "test_cell_workloads::test_a_stream_has_one_consumer": [
        Defect(
            what="a second EventSourceMapping of a stream",
            stack=CELL,
            plant=lambda resources: [
                *resources,
                *new(
                    MAPPING,
                    eventSourceArn=next(r for r in resources if r.type == MAPPING).inputs["eventSourceArn"],
                ).plant([]),
            ],
        ),
    ],
    "test_cell_workloads::test_every_consumer_reports_what_failed_of_its_batch": [
        having(MAPPING, "functionResponseTypes", []),
    ],
    "test_cell_workloads::test_a_stream_consumer_isolates_poison_and_keeps_it": [
        having(MAPPING, "startingPosition", "LATEST", named="checkout-outbox"),
    ],
    "test_cell_workloads::test_poison_that_was_kept_raises_an_alarm": [
        missing(ALARM, "checkout-outbox-unpublished"),
        without(MAPPING, "metricsConfig", named="loyalty-outbox"),
    ],
    "test_cell_workloads::test_the_outbox_is_published_where_it_was_written": [
        having(MAPPING, "filterCriteria.filters.0.pattern", '{"eventName": ["INSERT"]}', named="checkout-outbox"),
    ],
    "test_cell_workloads::test_loyalty_hears_of_events_of_all_regions_and_of_no_guard": [
        having(MAPPING, "filterCriteria.filters.0.pattern", '{"eventName": ["INSERT"]}', named="loyalty-outbox"),
    ],
    "test_cell_workloads::test_keys_are_used_through_services_only": [
        allowing(ROLE_POLICY, {"Action": "kms:Decrypt", "Resource": "arn:aws:kms:us-east-1:1:key/1"}, "directly"),
    ],
    "test_cell_workloads::test_the_steps_write_orders_wallets_and_stock_but_no_price": [
        _leading_keys("to prices", "checkout-saga-steps", "PRICE#*"),
    ],
    "test_cell_workloads::test_the_starter_holds_units_and_pays_nothing": [
        _leading_keys("to wallets", "checkout-saga-starter", "WALLET#*"),
    ],
    "test_cell_workloads::test_the_api_writes_neither_prices_nor_stock": [
        _leading_keys("to prices", "checkout-api", "PRICE#*"),
    ],
    "test_cell_workloads::test_what_finds_items_by_an_index_may_query_that_index_only": [
        allowing(
            ROLE_POLICY,
            {"Action": ["dynamodb:Query"], "Resource": [f"{_TABLES}/meridian-checkout/index/*"]},
            "to query every index",
            named="checkout-api",
        ),
    ],
    "test_cell_workloads::test_queries_write_nothing": [
        allowing(
            ROLE_POLICY,
            {"Action": ["dynamodb:PutItem"], "Resource": [f"{_TABLES}/meridian-single-view"]},
            "to the Single View",
            named="singleview-api",
        ),
    ],
    "test_cell_workloads::test_nothing_deletes_an_item_of_a_replicated_table": [
        allowing(
            ROLE_POLICY,
            {"Action": ["dynamodb:DeleteItem"], "Resource": [f"{_TABLES}/meridian-checkout"]},
            "to delete",
        ),
    ],
    "test_cell_workloads::test_a_context_publishes_in_its_own_name": [
        _statements("in any name", "loyalty-outbox", lambda statement: statement.pop("Condition", None)),
    ],
    "test_cell_workloads::test_the_authorizer_knows_the_issuers_of_all_regions": [
        having(FUNCTION, "environment.variables.TOKEN_ISSUERS", "[]", named="identity-authorizer"),
    ],
    "test_cell_workloads::test_the_projector_runs_unprivileged_and_writes_to_tmp_only": [
        _container("as root", user="0"),
        _container("that may be written to", readonlyRootFilesystem=False),
    ],
    "test_cell_workloads::test_the_projector_is_started_and_watched_by_what_its_image_holds": [
        _container("that starts what is not there", command=["-m", "workloads.loyalty.projector"]),
    ],
    "test_cell_workloads::test_a_bad_version_of_the_projector_is_taken_back": [
        without(SERVICE, "deploymentCircuitBreaker"),
        marked(SERVICE, "that undoes its scaling", ignore_changes=()),
    ],
    "test_cell_workloads::test_the_projector_grows_with_its_queue": [
        having(SCALING, "maxCapacity", 2),
        gone(SCALER),
    ],
}
