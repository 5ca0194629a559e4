"""The limits that the simulation keeps, each with its source; the pages were read in November 2026."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

_DYNAMODB: Final = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
_LAMBDA: Final = "https://docs.aws.amazon.com/lambda/latest/dg"
_SQS: Final = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide"
_STATES: Final = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
_EVENTS: Final = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"
_GATEWAY: Final = "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one account may do in one Region, a second unless it says otherwise."""

    # What no request changes.
    partition_write_units: int = 1_000
    partition_read_units: int = 3_000
    write_units_of_a_transactional_kilobyte: int = 2
    in_flight_messages: int = 120_000
    """A standard queue's; more by request, but no need for it shows here."""
    requests_an_environment: int = 10
    """Of Lambda: an environment serves at most ten requests a second, so that rate needs concurrency too."""
    environments_a_function_in_ten_seconds: int = 1_000
    """How fast Lambda scales a function; provisioned concurrency stands ready before."""
    pollers_at_first: int = 5
    """Batches that Lambda takes off a queue at once when messages come (in its standard mode)."""
    pollers_a_minute: int = 300
    """So many more each minute."""

    # Quotas: these are the defaults of us-east-1 and eu-west-1.
    gateway_requests: int = 10_000
    gateway_burst: int = 5_000
    lambda_concurrency: int = 1_000
    provisioned_concurrency: int = 0
    table_read_units: int = 40_000
    table_write_units: int = 40_000
    warm_write_units: int = 4_000
    """What a new on-demand table serves at once, and so how many partitions it has."""
    start_executions: int = 300
    start_executions_burst: int = 1_300
    state_transitions: int = 5_000
    put_events: int = 10_000
    rule_invocations: int = 18_750

    @property
    def partitions(self) -> int:
        """Return how many partitions a warm table has."""
        return max(1, self.warm_write_units // self.partition_write_units)


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A limit as the report shows it."""

    name: str
    """The field of Limits."""
    what: str
    source: str
    adjustable: bool = True


QUOTAS: Final[Sequence[Quota]] = (
    Quota(
        name="partition_write_units",
        what="DynamoDB, write units a second of a partition",
        source=f"{_DYNAMODB}/bp-partition-key-design.html",
        adjustable=False,
    ),
    Quota(
        name="partition_read_units",
        what="DynamoDB, read units a second of a partition",
        source=f"{_DYNAMODB}/bp-partition-key-design.html",
        adjustable=False,
    ),
    Quota(
        name="write_units_of_a_transactional_kilobyte",
        what="DynamoDB, write units of a transactional write of 1 KB, cancelled ones included",
        source=f"{_DYNAMODB}/transaction-apis.html",
        adjustable=False,
    ),
    Quota(
        name="in_flight_messages",
        what="SQS, messages in flight of a standard queue",
        source=f"{_SQS}/quotas-queues.html",
    ),
    Quota(
        name="requests_an_environment",
        what="Lambda, requests a second for each unit of concurrency",
        source=f"{_LAMBDA}/lambda-concurrency.html",
        adjustable=False,
    ),
    Quota(
        name="environments_a_function_in_ten_seconds",
        what="Lambda, new environments of a function in 10 s",
        source=f"{_LAMBDA}/scaling-behavior.html",
        adjustable=False,
    ),
    Quota(
        name="pollers_at_first",
        what="Lambda, batches of a queue at once when messages come",
        source=f"{_LAMBDA}/services-sqs-scaling.html",
        adjustable=False,
    ),
    Quota(
        name="pollers_a_minute",
        what="Lambda, batches of a queue at once, more each minute",
        source=f"{_LAMBDA}/services-sqs-scaling.html",
        adjustable=False,
    ),
    Quota(name="gateway_requests", what="API Gateway, requests a second", source=_GATEWAY),
    Quota(name="gateway_burst", what="API Gateway, burst (AWS sets it with the rate)", source=_GATEWAY),
    Quota(
        name="lambda_concurrency",
        what="Lambda, concurrent executions",
        source=f"{_LAMBDA}/gettingstarted-limits.html",
    ),
    Quota(
        name="provisioned_concurrency",
        what="Lambda, provisioned concurrency of the entry's function (a setting, by schedule)",
        source=f"{_LAMBDA}/provisioned-concurrency.html",
    ),
    Quota(
        name="table_read_units",
        what="DynamoDB, read units a second of a table",
        source=f"{_DYNAMODB}/ServiceQuotas.html",
    ),
    Quota(
        name="table_write_units",
        what="DynamoDB, write units a second of a table",
        source=f"{_DYNAMODB}/ServiceQuotas.html",
    ),
    Quota(
        name="warm_write_units",
        what="DynamoDB, warm throughput of the table, write units a second (a setting)",
        source=f"{_DYNAMODB}/warm-throughput.html",
    ),
    Quota(name="start_executions", what="Step Functions, StartExecution a second", source=_STATES),
    Quota(name="start_executions_burst", what="Step Functions, StartExecution, bucket", source=_STATES),
    Quota(name="state_transitions", what="Step Functions, state transitions a second", source=_STATES),
    Quota(name="put_events", what="EventBridge, PutEvents a second", source=_EVENTS),
    Quota(name="rule_invocations", what="EventBridge, invocations of targets a second", source=_EVENTS),
)

DEFAULTS: Final = Limits()

REQUESTED: Final = replace(
    DEFAULTS,
    gateway_requests=60_000,
    gateway_burst=30_000,
    lambda_concurrency=10_000,
    provisioned_concurrency=6_000,
    table_read_units=240_000,
    table_write_units=400_000,
    warm_write_units=400_000,
    start_executions=1_000,
)
"""What the event needs in each Region. Everything else stays at its default."""

STARTS_BY_DEFAULT: Final = replace(
    REQUESTED, start_executions=DEFAULTS.start_executions, start_executions_burst=DEFAULTS.start_executions_burst
)
"""The same without a higher rate of StartExecution."""
