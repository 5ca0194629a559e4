"""Runs all stand-ins of a deployment in one process: `python -m local.standins --deployment FILE`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Final

import uvloop

from local.deployment import Deployment
from local.standins.emulator import Emulator
from local.standins.event_forwarding import EventForwarder, forwarding_targets
from local.standins.gateway.definition import DefinitionError
from local.standins.gateway.server import PortTakenError, gateways
from local.standins.queue_depths import QueueDepths
from local.standins.reporting import JsonLinesReport
from local.standins.services import ServiceError, ServiceProcess, declared_tasks

PARENT_CHECK_SECONDS: Final = 0.5


async def run(deployment: Deployment, report: JsonLinesReport) -> None:
    """Run until SIGTERM, SIGINT or the end of the parent process."""
    stopped, parent = asyncio.Event(), os.getppid()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    async with Emulator(deployment.emulator_url) as emulator:
        servers = gateways(deployment, emulator=emulator, report=report)
        jobs = [
            *(server.run() for server in servers),
            *(
                EventForwarder(target, emulator=emulator, report=report).run()
                for target in forwarding_targets(deployment)
            ),
            *(
                QueueDepths(deployment, region=region, emulator=emulator, report=report).run()
                for region in deployment.regions
            ),
            *(ServiceProcess(task, report=report).run() for task in declared_tasks(deployment)),
        ]
        # The gateways' sockets listen since they were made: what comes before the first job has run waits there.
        report.ready({region: gateway.url for region, gateway in deployment.gateways.items()})
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in jobs]
            await _until_stopped(stopped, parent=parent)
            for task in tasks:
                task.cancel()


async def _until_stopped(stopped: asyncio.Event, *, parent: int) -> None:
    # On Linux the kernel ends this process with its parent; this is for systems without that, and it stops in order.
    while not stopped.is_set() and os.getppid() == parent:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), PARENT_CHECK_SECONDS)


def main(arguments: list[str]) -> int:
    """Run the stand-ins of a deployment file."""
    parser = argparse.ArgumentParser(prog="python -m local.standins", description=__doc__)
    parser.add_argument("--deployment", type=Path, required=True, help="the file that the deployer wrote")
    options = parser.parse_args(arguments)
    try:
        uvloop.run(run(Deployment.load(options.deployment), JsonLinesReport()))
    except (DefinitionError, PortTakenError, ServiceError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
