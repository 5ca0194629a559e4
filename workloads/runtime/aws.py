"""Makes AWS clients with the time-outs and retries that a short-lived function needs."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import botocore
from botocore.config import Config

from workloads.runtime.client_models import session
from workloads.runtime.environment import region

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

# A lost answer must show within a function's time-out, and the caller's own retry is the outer bound. Parameters are
# checked by the service: the client's own check would be a tenth of a function's processor time. Another tenth goes
# into botocore's own user agent, which it composes anew, twice, for each call.
_CONFIG: Final = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    user_agent=f"meridian Botocore/{botocore.__version__}",
)
_LONG_POLL_CONFIG: Final = _CONFIG.merge(Config(read_timeout=25))
_IN_PASSING_CONFIG: Final = _CONFIG.merge(
    Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
)
_SESSION: Final = session()


def cloudwatch() -> CloudWatchClient:
    """Return a client of CloudWatch in this Region."""
    return _client("cloudwatch")


def dynamodb() -> DynamoDBClient:
    """Return a client of DynamoDB in this Region."""
    return _client("dynamodb")


def events() -> EventBridgeClient:
    """Return a client of EventBridge in this Region."""
    return _client("events")


def s3() -> S3Client:
    """Return a client of S3 in this Region."""
    return _client("s3")


def sqs() -> SQSClient:
    """Return a client of SQS in this Region, for what polls for a second or not at all."""
    return _client("sqs")


def sqs_for_long_polls() -> SQSClient:
    """Return a client of SQS in this Region whose reads may last as long as a long poll (20 seconds)."""
    return _client("sqs", _LONG_POLL_CONFIG)


def sqs_in_passing() -> SQSClient:
    """Return a client of SQS in this Region whose silence costs a second: for what a request can do without."""
    return _client("sqs", _IN_PASSING_CONFIG)


def step_functions() -> SFNClient:
    """Return a client of Step Functions in this Region."""
    return _client("stepfunctions")


def _client(service: str, config: Config = _CONFIG) -> Any:
    return _shared(service, config, region(), os.environ.get("AWS_ENDPOINT_URL"))


@cache
def _shared(service: str, config: Config, region: str, _endpoint_url: str | None) -> Any:
    """Make one client for all who ask: threads may share it, and to make one takes a tenth of a function's start."""
    return _SESSION.create_client(service, region_name=region, config=config)
