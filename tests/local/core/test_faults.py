"""What is told to fail fails: so often, in that moment, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from local.emulator.faults import ERROR_TYPE, PATH, Fault, Moment, Point
from local.recording import RecordedResource
from tests.local.core.conftest import Laboratory

BOTH = pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
Set = Callable[..., None]


@pytest.fixture
def url(laboratory: Laboratory) -> str:
    return laboratory.context.emulator_url + PATH


@pytest.fixture
def set_faults(url: str) -> Iterator[Set]:
    def put(*faults: Fault) -> None:
        httpx.put(url, json=[asdict(fault) for fault in faults], trust_env=False).raise_for_status()

    yield put
    put()


@BOTH
def test_a_request_fails_so_often_before_or_after_it_is_done(
    laboratory: Laboratory, set_faults: Set, url: str, moment: Moment
) -> None:
    table = laboratory.create(
        "aws:dynamodb/table:Table",
        f"faulty-{moment}",
        hashKey="pk",
        attributes=[{"name": "pk", "type": "S"}],
        billingMode="PAY_PER_REQUEST",
    )
    texts = (table.name, '"pk":{"S":"one"}')
    set_faults(Fault(name="put", point=Point.REQUEST, subject="PutItem", texts=texts, moment=moment, times=2))

    def put(key: str) -> None:
        item = {"TableName": table.name, "Item": {"pk": {"S": key}}}
        laboratory.context.call("dynamodb", "us-east-1", "PutItem", item)

    def there() -> set[str]:
        found = laboratory.context.call("dynamodb", "us-east-1", "Scan", {"TableName": table.name})["Items"]
        return {item["pk"]["S"] for item in found}

    put("other")
    for _ in range(2):
        with pytest.raises(ClientError, match=ERROR_TYPE):
            put("one")
    assert there() == ({"other"} if moment is Moment.BEFORE else {"other", "one"})
    assert httpx.get(url, trust_env=False).json() == {"put": 2}
    put("one")
    assert there() == {"other", "one"}


@BOTH
def test_an_invocation_fails_as_by_an_exception_before_or_after_the_function_has_run(
    laboratory: Laboratory,
    deploy_function: Callable[..., RecordedResource],
    set_faults: Set,
    tmp_path: Path,
    moment: Moment,
) -> None:
    notes = tmp_path / "notes"
    name = f"faulty-{moment}"
    deploy_function(name, "fail_on_poison", NOTES=str(notes))
    set_faults(Fault(name="run", point=Point.INVOCATION, subject=name, texts=('"S":"one"',), moment=moment, times=1))

    def invoke() -> dict[str, Any]:
        event = {"Records": [{"dynamodb": {"Keys": {"pk": {"S": "one"}}}}]}
        known = {"FunctionName": name, "Payload": json.dumps(event)}
        return laboratory.context.call("lambda", "us-east-1", "Invoke", known)

    failed = invoke()
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read())["errorType"] == ERROR_TYPE
    assert notes.exists() == (moment is Moment.AFTER)
    assert "FunctionError" not in invoke()


def test_a_late_invocation_has_struck_when_it_has_done_its_work_after_all(
    laboratory: Laboratory,
    deploy_function: Callable[..., RecordedResource],
    set_faults: Set,
    url: str,
    tmp_path: Path,
) -> None:
    notes = tmp_path / "notes"
    deploy_function("late", "fail_on_poison", NOTES=str(notes))
    texts = ('"S":"one"',)
    late = Fault(
        name="run",
        point=Point.INVOCATION,
        subject="late",
        texts=texts,
        moment=Moment.LATE,
        times=1,
        late_seconds=0.5,
    )
    set_faults(late)
    event = {"Records": [{"dynamodb": {"Keys": {"pk": {"S": "one"}}}}]}
    begun = time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(
            laboratory.context.call,
            "lambda",
            "us-east-1",
            "Invoke",
            {"FunctionName": "late", "Payload": json.dumps(event)},
        )
        assert httpx.get(url, trust_env=False).json() == {"run": 0}
        answer = failing.result()

    assert time.monotonic() - begun >= late.late_seconds
    assert json.loads(answer["Payload"].read())["errorType"] == ERROR_TYPE
    assert notes.exists()
    assert httpx.get(url, trust_env=False).json() == {"run": 1}
