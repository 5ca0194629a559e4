"""Starts the checkout saga on Step Functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class SagaStarter:
    """Starts executions of one state machine, each under its order's id: an order has one saga, for ever.

    A redrive has a name of its own, once for its number.

    Step Functions keeps a name taken for 90 days after the execution ended, longer than any message lives.
    """

    def __init__(self, client: SFNClient, state_machine_arn: str) -> None:
        self._client = client
        self._arn = state_machine_arn

    def start(self, order_id: str, customer_id: str, *, redrive: int = 0) -> None:
        """Start the saga of an order; one that was started before counts as started."""
        saga_input = msgspec.json.encode({"orderId": order_id, "customerId": customer_id}).decode()
        name = f"{order_id}.r{redrive}" if redrive else order_id
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=name, input=saga_input)
        except self._client.exceptions.ExecutionAlreadyExists:
            return
