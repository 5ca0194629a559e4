"""Defects in what those who run a cell rely on: its settings' files, stock's alarms, runbooks, the README's costs."""

from collections.abc import Mapping, Sequence
from typing import Final

from tests.infrastructure.planted.planting import AnyDefect, always, ignoring, instead, missing
from tests.policies.planting import CELL, Defect, allowing, new, saying

ALARM, QUEUE = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:sqs/queue:Queue"

PLANTED: Final[Mapping[str, Sequence[AnyDefect]]] = {
    "test_settings::test_a_file_that_is_no_yaml_is_named": [
        ignoring("build_settings", "settings that read no other cell's file"),
    ],
    "test_settings::test_a_reservation_outlives_its_sagas_longest_way_forward": [
        instead("a saga that takes longer", "LONGEST_WAY_FORWARD_SECONDS", lambda seconds: seconds + 1),
    ],
    "test_cell_event_bus::test_a_level_of_this_regions_stock_goes_to_what_follows_it": [
        saying(
            "aws:cloudwatch/eventRule:EventRule",
            "eventPattern",
            lambda pattern: {**pattern, "detail-type": ["SoldOut"]},
            "for one level of stock only",
            named="checkout-availability",
        ),
    ],
    "test_cell_workloads::test_what_follows_the_stock_writes_listings_only": [
        allowing(
            "aws:iam/rolePolicy:RolePolicy",
            {
                "Action": ["dynamodb:UpdateItem"],
                "Resource": ["arn:aws:dynamodb:us-east-1:123456789012:table/meridian-checkout"],
            },
            "to write anything",
            named="checkout-availability",
        ),
    ],
    "test_stock_watch::test_idle_stock_beside_low_stock_raises_an_alarm_in_every_cell": [
        Defect(
            what="no MetricAlarm on idle stock",
            stack=CELL,
            plant=lambda resources: [r for r in resources if r.inputs.get("metricName") != "IdleStockElsewhere"],
        ),
    ],
    "test_cost_at_rest::test_the_readme_counts_what_a_cell_costs_at_rest": [
        new(ALARM, CELL, name="meridian-one-more", metricName="Errors"),
    ],
    "test_runbooks::test_every_command_of_a_runbook_is_one_of_its_service_with_all_that_it_needs": [
        instead(
            "a line that SQS does not know", "commands", lambda _: always([("sqs", "receive-messages", set[str]())])
        ),
        instead("a line without its queue", "commands", lambda _: always([("sqs", "receive-message", set[str]())])),
    ],
    "test_runbooks::test_runbooks_name_queues_functions_logs_and_tables_that_there_are": [
        missing(QUEUE, "checkout-repair"),
    ],
}
