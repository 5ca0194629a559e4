"""Services run as their task definition says, come back when they fail, and end when they are told."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.paths import ROOT
from local.standins.services import ServiceError, ServiceProcess, Task, declared_tasks
from tests.local.standins.gateway_setup import RecordedFailures, deployment_of, resource

CONTAINER: dict[str, Any] = {
    "name": "projector",
    "entryPoint": ["/opt/venv/bin/python"],
    "command": ["-c", "import time; time.sleep(600)"],
    "environment": [{"name": "LOG_LEVEL", "value": "INFO"}],
}


def tasks(state: Path, *, count: int = 1, **container: Any) -> list[Task]:
    definition = resource(
        "aws:ecs/taskDefinition:TaskDefinition",
        {"containerDefinitions": json.dumps([CONTAINER | container]), "taskRoleArn": "arn:aws:iam::1:role/projector"},
        outputs={"arn": "arn:task"},
    )
    service = resource(
        "aws:ecs/service:Service", {"name": "projector", "taskDefinition": "arn:task", "desiredCount": count}
    )
    return declared_tasks(deployment_of([definition, service], state=state))


def python(code: str) -> dict[str, Any]:
    return {"command": ["-c", code]}


async def until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.02)


def running(task: Task, check: Callable[[ServiceProcess, RecordedFailures], Awaitable[None]]) -> RecordedFailures:
    """Runs a task while `check` looks at it."""
    report = RecordedFailures()

    async def scene() -> None:
        process = ServiceProcess(task, report=report, first_pause_seconds=0.05)
        job = asyncio.create_task(process.run())
        try:
            await check(process, report)
        finally:
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)

    asyncio.run(scene())
    return report


def test_the_containers_python_is_this_machines_and_the_rest_of_the_command_is_kept(tmp_path: Path) -> None:
    [task] = tasks(tmp_path, entryPoint=["/opt/venv/bin/python"], command=["-m", "workloads.x"])

    assert task.command == (sys.executable, "-m", "local.sdk", "workloads.x")


def test_a_service_is_one_process_however_many_tasks_are_desired_and_none_if_none_is(tmp_path: Path) -> None:
    assert [task.name for task in tasks(tmp_path, count=2)] == ["projector-us-east-1"]
    assert tasks(tmp_path, count=0) == []


def test_a_task_gets_its_environment_region_role_and_the_embedded_aws(tmp_path: Path) -> None:
    [task] = tasks(tmp_path)

    assert task.environment["LOG_LEVEL"] == "INFO"
    assert task.environment["AWS_REGION"] == "us-east-1"
    assert task.environment["AWS_ENDPOINT_URL"] == "http://emulator.test"
    assert task.environment["AWS_ROLE_ARN"] == "arn:aws:iam::1:role/projector"
    assert task.environment["AWS_ACCESS_KEY_ID"] == "test"
    assert task.environment["PYTHONPATH"] == str(ROOT)


def test_a_path_on_a_volume_is_in_the_tasks_own_folder(tmp_path: Path) -> None:
    [task] = tasks(
        tmp_path,
        mountPoints=[{"sourceVolume": "tmp", "containerPath": "/scratch"}],
        environment=[{"name": "HEARTBEAT_FILE", "value": "/scratch/beat"}],
    )

    assert task.environment["HEARTBEAT_FILE"] == str(tmp_path / "tasks/projector-us-east-1/beat")


def test_a_service_without_a_command_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="neither entryPoint nor command"):
        tasks(tmp_path, entryPoint=[], command=[])


def test_a_task_that_ends_is_reported_with_its_last_lines_and_started_again(tmp_path: Path) -> None:
    [task] = tasks(tmp_path, **python("print('no such table'); raise SystemExit(3)"))

    async def check(_process: ServiceProcess, report: RecordedFailures) -> None:
        await until(lambda: len(report.failures) >= 2)

    report = running(task, check)

    name, lines = report.failures[0]
    assert name == "projector-us-east-1"
    assert lines == ["no such table", "exited with code 3; started again"]


def test_the_pause_between_failing_starts_grows(tmp_path: Path) -> None:
    [task] = tasks(tmp_path, entryPoint=["/bin/false"], command=[])
    failed_at: list[float] = []

    async def check(_process: ServiceProcess, report: RecordedFailures) -> None:
        for count in (1, 2, 3, 4):
            await until(lambda count=count: len(report.failures) >= count)
            failed_at.append(time.monotonic())

    running(task, check)

    # 0.05 s, 0.1 s and 0.2 s at least.
    assert failed_at[3] - failed_at[2] >= 0.2


def test_an_unhealthy_task_is_replaced(tmp_path: Path) -> None:
    check = {"command": ["CMD", "python", "-c", "raise SystemExit(1)"], "interval": 0.05, "timeout": 5, "retries": 2}
    [task] = tasks(tmp_path, healthCheck=check, stopTimeout=5)
    pids: set[int | None] = set()

    async def look(process: ServiceProcess, report: RecordedFailures) -> None:
        await until(lambda: process.pid is not None)
        pids.add(process.pid)
        await until(lambda: bool(report.failures) and process.pid not in {None, *pids})

    report = running(task, look)

    assert report.failures[0][1][-1] == "unhealthy: the health check failed 2 times in a row; replaced"


def test_failures_within_the_start_period_do_not_count(tmp_path: Path) -> None:
    beat = tmp_path / "checks"
    check = {
        "command": ["CMD-SHELL", f"echo x >> {beat}; exit 1"],
        "interval": 0.05,
        "retries": 1,
        "startPeriod": 300,
    }
    [task] = tasks(tmp_path, healthCheck=check)

    async def look(_process: ServiceProcess, _report: RecordedFailures) -> None:
        await until(lambda: beat.exists() and len(beat.read_text().splitlines()) >= 3)

    assert running(task, look).failures == []


def test_a_task_is_asked_to_stop_and_can_finish_its_work(tmp_path: Path) -> None:
    done, ready = tmp_path / "done", tmp_path / "ready"
    code = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(done)!r}).touch(), sys.exit(0)))\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "time.sleep(600)"
    )
    [task] = tasks(tmp_path, **python(code))

    async def look(_process: ServiceProcess, _report: RecordedFailures) -> None:
        await until(ready.exists)

    running(task, look)

    assert done.exists()


def test_a_task_that_does_not_stop_in_time_is_killed_with_what_it_started(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        "import pathlib, signal, subprocess, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"pathlib.Path({str(ready)!r}).write_text(str(child.pid))\n"
        "time.sleep(600)"
    )
    [task] = tasks(tmp_path, stopTimeout=0.2, **python(code))
    pids: list[int] = []

    async def look(process: ServiceProcess, _report: RecordedFailures) -> None:
        await until(lambda: ready.exists() and ready.read_text() != "")
        pids.extend([process.pid or 0, int(ready.read_text())])

    running(task, look)

    deadline = time.monotonic() + 5
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, pids
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_task_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = f"""
import asyncio, os
from pathlib import Path
from tests.local.standins.gateway_setup import RecordedFailures
from tests.local.standins.test_services import ServiceProcess, tasks
async def main():
    process = ServiceProcess(tasks(Path({str(tmp_path)!r}))[0], report=RecordedFailures())
    job = asyncio.create_task(process.run())
    while process.pid is None:
        await asyncio.sleep(0.01)
    print(process.pid, flush=True)
    os.kill(os.getpid(), 9)
asyncio.run(main())
"""

    async def parent() -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        return int(output)

    pid = asyncio.run(parent())

    deadline = time.monotonic() + 5
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert os.getpid() != pid
