"""What tests of the books do: they audit them, and write into them past all rules."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CUSTOMER, place
from tests.workloads.checkout.cell import AnyCells
from tests.workloads.conftest import HERE
from workloads.checkout.adapters.attributes import Plain, write_item
from workloads.checkout.adapters.book_keeping import DynamoDbBookKeeping, ReadBudget
from workloads.checkout.application.audit import Report, audit
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.audit import FindingKind


class Bucket:
    """The bucket of unpublished events, as far as the auditor asks: two objects a page, in the order of their names."""

    def __init__(self, objects: Mapping[str, datetime] | None = None) -> None:
        self._objects = [{"Key": name, "LastModified": since} for name, since in sorted((objects or {}).items())]

    def get_paginator(self, _: str) -> Bucket:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        for first in range(0, len(self._objects), 2):
            yield {"Contents": self._objects[first : first + 2]}
        if not self._objects:
            yield {}


def book_keeping(
    cells: AnyCells,
    region: str = HERE,
    *,
    client: Any = None,
    bucket: Bucket | None = None,
    budget: ReadBudget | None = None,
) -> DynamoDbBookKeeping:
    s3: Any = bucket or Bucket()
    return DynamoDbBookKeeping(
        client or cells.client(region),
        s3,
        table=cells.table,
        bucket="unpublished",
        region=region,
        budget=budget or ReadBudget(units_per_second=10**6, seconds=60),
        monotonic=time.monotonic,
        sleep=time.sleep,
    )


def audited(cells: AnyCells, region: str = HERE, **given_: Any) -> Report:
    """Audit an hour after all that has happened, when the SKUs are known."""
    books = book_keeping(cells, region, **given_)
    audit(cells.ports(region), books)
    cells.clock.moment += timedelta(minutes=40)
    return audit(cells.ports(region), books)


def kinds(report: Report) -> list[FindingKind]:
    return [finding.kind for finding in report.findings]


def bought(ports: Ports, key: str, customer: str = CUSTOMER) -> str:
    order_id = place(ports, customer=customer, key=key)
    steps.reserve(ports, order_id)
    steps.debit(ports, order_id)
    steps.complete(ports, order_id)
    return order_id


def write(cells: AnyCells, pk: str, sk: str, attribute: str, change: Plain) -> None:
    """Write past all rules: add to a number, or set anything else."""
    client = cells.client(HERE)
    key = write_item({"pk": pk, "sk": sk})
    verb = "ADD #a :v" if isinstance(change, int) else "SET #a = :v"
    client.update_item(
        TableName=cells.table,
        Key=key,
        UpdateExpression=verb,
        ExpressionAttributeNames={"#a": attribute},
        ExpressionAttributeValues=write_item({":v": change}),
    )


def remove(cells: AnyCells, pk: str, sk: str) -> None:
    cells.client(HERE).delete_item(TableName=cells.table, Key=write_item({"pk": pk, "sk": sk}))
