"""Deploys all stacks of the program into the embedded AWS, in a process of its own that ends when it is done.

`python -m local.deployer '<settings as JSON>'`: one JSON line a resource on standard output, then the deployment file.
A process of its own, because the Pulumi SDK's 120 MB are needed for these seconds only.
"""

import json
import multiprocessing
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pulumi

from local import computed
from local.deployment import FILE_NAME, DeployedResource, Deployment, Gateway, Handling
from local.handlers.base import Context
from local.handlers.registry import handler_for
from local.paths import ROOT
from local.processes import die_with
from local.program import evaluate
from local.project import GLOBAL_STACK, ProgramError, stack_names
from local.recording import STACK_REFERENCE_TYPE, RecordedResource, RecordingMonitor


class DeployedTwiceError(Exception):
    """The laptop mode deploys into an empty account; it adopts nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployerSettings:
    """What the supervisor tells the deployer."""

    emulator_url: str
    state_directory: Path
    account: str
    first_gateway_port: int


class EmulatorBackend:
    """Creates each declared resource by the handler of its type, and tells about it."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def create(self, resource: RecordedResource) -> tuple[str, Mapping[str, Any]]:
        """Create the resource in the embedded AWS."""
        handler = handler_for(resource.type)
        started = time.monotonic()
        _tell(resource, event="creating", handling=handler.handling)
        try:
            state = handler.create(self._context, resource)
        except Exception as error:
            _tell(resource, event="failed", message=f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE])
            raise
        _tell(resource, event="created", handling=handler.handling, seconds=round(time.monotonic() - started, 3))
        return state

    def read(self, resource: RecordedResource) -> tuple[str, Mapping[str, Any]]:
        """Refuse: nothing exists before the deployment that a program could get by its id."""
        message = f"{resource.urn} gets {resource.id} by its id; on a laptop nothing exists outside the program"
        raise DeployedTwiceError(message)

    def invoke(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a data source for the emulator's account."""
        return computed.invoke(token, arguments, account=self._context.account)


def deploy(settings: DeployerSettings, *, directory: Path = ROOT) -> Deployment:
    """Deploy the global stack, then all cells at the same time; returns what the deployment file says.

    A cell a process: the evaluation is bound by the processor. Forked, so that the SDK is imported once; no thread
    runs at that moment, and a child opens connections of its own.
    """
    regions = [stack for stack in stack_names(directory) if stack != GLOBAL_STACK]
    shared = deploy_stack(GLOBAL_STACK, settings, directory, {})
    deploy_cell = partial(
        deploy_stack, settings=settings, directory=directory, references={GLOBAL_STACK: shared.outputs}
    )
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(len(regions), fork, initializer=die_with, initargs=(os.getpid(),)) as cells:
        stacks = [shared, *cells.map(deploy_cell, regions)]
    return Deployment(
        emulator_url=settings.emulator_url,
        account=settings.account,
        state_directory=settings.state_directory,
        regions=regions,
        gateways={
            region: Gateway(port=port, url=f"http://127.0.0.1:{port}")
            for port, region in enumerate(regions, start=settings.first_gateway_port)
        },
        resources=[resource for stack in stacks for resource in stack.resources],
        outputs={stack.name: stack.outputs for stack in stacks},
    )


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """What one stack became."""

    name: str
    resources: list[DeployedResource]
    outputs: dict[str, Any]


def deploy_stack(
    stack: str, settings: DeployerSettings, directory: Path, references: Mapping[str, Mapping[str, Any]]
) -> DeployedStack:
    """Deploy one stack."""
    backend = EmulatorBackend(Context(settings.emulator_url, settings.account))
    monitor = RecordingMonitor(stack, backend=backend, references=references)
    evaluate(monitor=monitor, stack=stack, directory=directory)
    _write({"event": "finished", "stack": stack})
    return DeployedStack(stack, [_deployed(resource) for resource in monitor.graph], dict(monitor.graph.outputs))


def _deployed(resource: RecordedResource) -> DeployedResource:
    declared_by_program = not resource.custom or resource.type == STACK_REFERENCE_TYPE
    return DeployedResource(
        urn=resource.urn,
        type=resource.type,
        name=resource.name,
        parent=resource.parent,
        stack=resource.stack,
        region=resource.region,
        id=resource.id,
        inputs=dict(resource.inputs),
        outputs=dict(resource.outputs),
        handling=Handling.RECORDED if declared_by_program else handler_for(resource.type).handling,
    )


# Threads take turns; processes need not, the kernel keeps a line of this length in one piece.
_output = threading.Lock()
_LONGEST_MESSAGE: Final = 2000


def _tell(resource: RecordedResource, **news: Any) -> None:
    _write({"urn": resource.urn, "type": resource.type, "name": resource.name, "stack": resource.stack, **news})


def _write(line: Mapping[str, Any]) -> None:
    with _output:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def wait_for(url: str) -> None:
    """Wait for the emulator, which starts at the same time; the supervisor ends both if it does not start."""
    address = urlsplit(url)
    while True:
        try:
            socket.create_connection((address.hostname or "", address.port or 0), timeout=1.0).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return


def main(argument: str) -> None:
    """Deploy and write the deployment file."""
    known = json.loads(argument)
    settings = DeployerSettings(**(known | {"state_directory": Path(known["state_directory"])}))
    wait_for(settings.emulator_url)
    try:
        deploy(settings).save(settings.state_directory / FILE_NAME)
    except (ProgramError, pulumi.RunError) as error:
        # What a person can mend in the configuration: the engine shows these without a trace of the stack, too.
        sys.exit(str(error))
    # Nothing is left to do, and taking the SDK's objects apart would take a second.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
