"""ECS services as processes: the task definition's command, environment, health check and stop time-out."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from local.deployment import DeployedResource, Deployment
from local.paths import ROOT
from local.processes import Child
from local.standins.reporting import MOST_LINES, Report

SERVICE: Final = "aws:ecs/service:Service"
TASK_DEFINITION: Final = "aws:ecs/taskDefinition:TaskDefinition"

# ECS's defaults of a health check and of stopTimeout:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
DEFAULT_INTERVAL_SECONDS: Final = 30.0
DEFAULT_TIMEOUT_SECONDS: Final = 5.0
DEFAULT_RETRIES: Final = 3
DEFAULT_STOP_SECONDS: Final = 30.0

FIRST_PAUSE_SECONDS: Final = 1.0
# ECS lets the pause between failing starts grow to 15 minutes; nobody waits that long in front of a laptop.
LONGEST_PAUSE_SECONDS: Final = 30.0
# A container without a health check counts as healthy when it has run for so long.
HEALTHY_AFTER_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1


class ServiceError(Exception):
    """A declared service can not run as a process."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A container's health check."""

    command: tuple[str, ...]
    interval_seconds: float
    timeout_seconds: float
    retries: int
    start_period_seconds: float


@dataclass(frozen=True, slots=True)
class Task:
    """What one process of a service runs."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    health_check: HealthCheck | None
    stop_seconds: float


def declared_tasks(deployment: Deployment) -> list[Task]:
    """A task of each service: more of them would share this machine's processors, and none of its failures."""
    definitions = {
        key: definition
        for definition in deployment.of_type(TASK_DEFINITION)
        for key in (definition.id, str(definition.outputs.get("arn", definition.id)))
    }
    tasks: list[Task] = []
    for service in deployment.of_type(SERVICE):
        definition = definitions.get(str(service.inputs["taskDefinition"]))
        if definition is None:
            raise ServiceError(
                f"{service.urn} names the task definition {service.inputs['taskDefinition']!r}, which is not declared"
            )
        if int(service.inputs.get("desiredCount", 1)) > 0:
            tasks.append(_task(deployment, service, definition))
    return tasks


class ServiceProcess:
    """Keeps one task running, as the ECS scheduler does."""

    def __init__(self, task: Task, *, report: Report, first_pause_seconds: float = FIRST_PAUSE_SECONDS) -> None:
        self._task = task
        self._report = report
        self._first_pause = first_pause_seconds
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the running task."""
        return self._child.pid if self._child and self._child.process.poll() is None else None

    async def run(self) -> None:
        """Start, watch and start again until cancelled; then stop the process as ECS stops a task."""
        pause = self._first_pause
        while True:
            started = time.monotonic()
            self._child = child = self._start()
            try:
                reason, was_healthy = await self._watch(child, started)
            finally:
                await _stop(child, patience=self._task.stop_seconds)
            self._report.failure(self._task.name, [*child.last_lines(MOST_LINES - 1), reason])
            pause = self._first_pause if was_healthy else pause
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    def _start(self) -> Child:
        shutil.rmtree(self._task.folder, ignore_errors=True)
        self._task.folder.mkdir(parents=True)
        self._task.log.write_bytes(b"")
        return Child(
            self._task.name, self._task.command, environment=self._task.environment, directory=ROOT, log=self._task.log
        )

    async def _watch(self, child: Child, started: float) -> tuple[str, bool]:
        check = self._task.health_check
        failures, was_healthy = 0, False
        next_check = started + check.interval_seconds if check else float("inf")
        while child.process.poll() is None:
            await asyncio.sleep(_POLL_SECONDS)
            now = time.monotonic()
            if check is None:
                was_healthy = now - started >= HEALTHY_AFTER_SECONDS
            elif now >= next_check:
                next_check = now + check.interval_seconds
                if await self._is_healthy(check):
                    failures, was_healthy = 0, True
                # Failures within the start period do not count, unless a check has already passed.
                elif was_healthy or now - started >= check.start_period_seconds:
                    failures += 1
                if failures >= check.retries:
                    return f"unhealthy: the health check failed {failures} times in a row; replaced", was_healthy
        return f"exited with code {child.process.returncode}; started again", was_healthy

    async def _is_healthy(self, check: HealthCheck) -> bool:
        process = await asyncio.create_subprocess_exec(
            *check.command,
            env=dict(self._task.environment),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            return await asyncio.wait_for(process.wait(), check.timeout_seconds) == 0
        except TimeoutError:
            return False
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _stop(child: Child, *, patience: float) -> None:
    deadline = time.monotonic() + patience
    _signal(child, signal.SIGTERM)
    while child.process.poll() is None and time.monotonic() < deadline:
        await asyncio.sleep(_POLL_SECONDS / 2)
    # Also ends what the process has started and left behind.
    _signal(child, signal.SIGKILL)
    child.process.wait()


def _signal(child: Child, number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def _task(deployment: Deployment, service: DeployedResource, definition: DeployedResource) -> Task:
    containers = json.loads(definition.inputs["containerDefinitions"])
    if len(containers) != 1:
        raise ServiceError(f"{definition.urn} has {len(containers)} containers; the laptop runs one process a task")
    container: Mapping[str, Any] = containers[0]
    name = f"{service.inputs.get('name', service.name)}-{service.region}"
    folder = deployment.state_directory / "tasks" / name
    return Task(
        name=name,
        command=_with_sdk(_command([*container.get("entryPoint", ()), *container.get("command", ())], definition)),
        environment=_environment(deployment, service, definition, container, folder),
        folder=folder,
        log=deployment.state_directory / f"{name}.log",
        health_check=_health_check(container, definition),
        stop_seconds=float(container.get("stopTimeout", DEFAULT_STOP_SECONDS)),
    )


def _command(declared: Sequence[str], definition: DeployedResource) -> tuple[str, ...]:
    if not declared:
        raise ServiceError(f"{definition.urn} declares neither entryPoint nor command: its process is not known")
    program, *arguments = declared
    # The interpreter of the image lies elsewhere (/opt/venv/bin/python) or nowhere on this machine; the one that runs
    # the stand-ins has the same packages.
    if PurePosixPath(program).name.startswith("python"):
        program = sys.executable
    return (program, *arguments)


def _with_sdk(command: tuple[str, ...]) -> tuple[str, ...]:
    """Run a Python module as functions are run here."""
    if command[:2] == (sys.executable, "-m"):
        return (sys.executable, "-m", "local.sdk", *command[2:])
    return command


def _environment(
    deployment: Deployment,
    service: DeployedResource,
    definition: DeployedResource,
    container: Mapping[str, Any],
    folder: Path,
) -> dict[str, str]:
    declared = {entry["name"]: entry["value"] for entry in container.get("environment", ())}
    mounts = [PurePosixPath(mount["containerPath"]) for mount in container.get("mountPoints", ())]
    inherited = {
        key: value
        for key, value in deployment.environment(service.region).items()
        # Byte code may be kept: services and their health checks start often.
        if key != "PYTHONDONTWRITEBYTECODE"
    }
    return {
        **inherited,
        # The image has the repository's packages on its path too.
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
        # With one identity for all, the role can be told, not taken on.
        "AWS_ROLE_ARN": str(definition.inputs.get("taskRoleArn", "")),
        **{key: _below_mount(value, mounts, folder) for key, value in declared.items()},
    }


def _below_mount(value: str, mounts: Sequence[PurePosixPath], folder: Path) -> str:
    """Tasks do not share a volume of a container's own, so a path on one is in the task's folder here."""
    for mount in mounts:
        if value.startswith(f"{mount}/"):
            return str(folder / PurePosixPath(value).relative_to(mount))
    return value


def _health_check(container: Mapping[str, Any], definition: DeployedResource) -> HealthCheck | None:
    declared: Mapping[str, Any] | None = container.get("healthCheck")
    if declared is None:
        return None
    kind, *arguments = declared["command"]
    if kind not in {"CMD", "CMD-SHELL"}:
        raise ServiceError(f"{definition.urn}: a health check's command begins with CMD or CMD-SHELL, not {kind!r}")
    return HealthCheck(
        command=_command(arguments, definition) if kind == "CMD" else ("/bin/sh", "-c", *arguments),
        interval_seconds=float(declared.get("interval", DEFAULT_INTERVAL_SECONDS)),
        timeout_seconds=float(declared.get("timeout", DEFAULT_TIMEOUT_SECONDS)),
        retries=int(declared.get("retries", DEFAULT_RETRIES)),
        start_period_seconds=float(declared.get("startPeriod", 0)),
    )
