"""A service that does not answer is given up in time: by a request soon, by a function before its own time-out."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from workloads.runtime import aws

SHORTEST_FUNCTION = 9
"""Seconds: the time-out of the operators' function, below which a lost answer has to show."""
LONGEST_POLL = 20


@pytest.fixture(autouse=True)
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every client speak to somebody who takes its connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        for name, value in {
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }.items():
            monkeypatch.setenv(name, value)
        yield


def test_what_a_request_asks_in_passing_is_given_up_after_a_second() -> None:
    began = time.monotonic()

    with pytest.raises(ReadTimeoutError):
        aws.sqs_in_passing().get_queue_attributes(QueueUrl="http://127.0.0.1/starts", AttributeNames=["All"])

    assert 0.9 < time.monotonic() - began < 5


@pytest.mark.parametrize("make_client", [aws.dynamodb, aws.events, aws.s3, aws.sqs, aws.step_functions])
def test_a_lost_answer_shows_before_the_function_ends(make_client: Callable[[], Any]) -> None:
    config = make_client().meta.config

    assert config.connect_timeout + config.read_timeout < SHORTEST_FUNCTION


def test_a_long_poll_is_waited_for() -> None:
    client: Any = aws.sqs_for_long_polls()

    assert client.meta.config.read_timeout > LONGEST_POLL
