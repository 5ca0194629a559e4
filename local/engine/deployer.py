"""Deploys all stacks by the real engine, in place of `local.deployer`: same settings, same news, same deployment file.

`python -m local.engine.deployer '<settings as JSON>'`. Watches its parent itself: the engine's own children are in
process groups of their own, and have to be ended with it.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import psutil

from local.deployer import DeployerSettings, wait_for
from local.deployment import FILE_NAME, DeployedResource, Deployment, Gateway, Handling
from local.engine.command_line import CommandError, Project
from local.handlers.registry import handler_for
from local.project import GLOBAL_STACK, stack_names
from local.recording import STACK_REFERENCE_TYPE, STACK_TYPE

_PARENT_CHECK_SECONDS: Final = 0.05
_GUARDS_SECONDS: Final = 4.0
"""Less than the supervisor waits for this process before it kills the guards as well."""


def deploy(settings: DeployerSettings) -> Deployment:
    """Deploy the global stack, then all cells at the same time."""
    project = Project.make(
        settings.state_directory / "engine", emulator_url=settings.emulator_url, account=settings.account
    )
    stacks = stack_names()
    regions = [stack for stack in stacks if stack != GLOBAL_STACK]
    project.make_stacks(stacks)
    _up(project, [GLOBAL_STACK])
    _up(project, regions)
    states = {stack: project.state(stack)["resources"] for stack in stacks}
    resources = [_deployed(resource, stack) for stack, known in states.items() for resource in known if _kept(resource)]
    for resource in resources:
        if resource.handling is not Handling.RECORDED or resource.id:
            _tell({"event": "created", **resource.model_dump(include={"urn", "type", "name", "stack", "handling"})})
    for stack in stacks:
        _tell({"event": "finished", "stack": stack})
    return Deployment(
        emulator_url=settings.emulator_url,
        account=settings.account,
        state_directory=settings.state_directory,
        regions=regions,
        gateways={
            region: Gateway(port=port, url=f"http://127.0.0.1:{port}")
            for port, region in enumerate(regions, start=settings.first_gateway_port)
        },
        resources=resources,
        outputs={
            stack: plain(resource.get("outputs") or {})
            for stack, known in states.items()
            for resource in known
            if resource["type"] == STACK_TYPE
        },
    )


def plain(value: Any) -> Any:
    """Return a value of the exported state without what the engine adds: marks of secrets, keys of the provider."""
    match value:
        case {"plaintext": text, **mark} if set(mark) == {_SECRET_MARK}:
            return json.loads(text)
        case dict():
            return {key: plain(item) for key, item in value.items() if not key.startswith("__")}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


# https://github.com/pulumi/pulumi/blob/master/developer-docs/sdks/deployment.md, "signature" of a special value
_SECRET_MARK: Final = "4dabf18193072939515e22adb298388d"  # noqa: S105 - a constant of the format, no secret


def _kept(resource: Mapping[str, Any]) -> bool:
    return resource["type"] != STACK_TYPE and not resource["type"].startswith("pulumi:providers:")


def _deployed(resource: Mapping[str, Any], stack: str) -> DeployedResource:
    inputs, outputs = plain(resource.get("inputs") or {}), plain(resource.get("outputs") or {})
    declared_by_program = not resource["custom"] or resource["type"] == STACK_REFERENCE_TYPE
    return DeployedResource(
        urn=resource["urn"],
        type=resource["type"],
        name=resource["urn"].split("::", 3)[-1],
        parent=resource.get("parent", ""),
        stack=stack,
        region=str(inputs.get("region") or ""),
        id=resource.get("id", ""),
        inputs=inputs,
        outputs=outputs,
        handling=Handling.RECORDED if declared_by_program else handler_for(resource["type"]).handling,
    )


def _up(project: Project, stacks: Sequence[str]) -> None:
    """Deploy stacks at the same time; what the engine says is passed on line by line."""
    # Started here, in the main thread, whose end the kernel takes for the end of this process.
    processes = {
        stack: project.start(project.operation("up", stack, "--skip-preview", "--suppress-progress"))
        for stack in stacks
    }
    listeners = [
        threading.Thread(target=_pass_on, args=(stack, process), daemon=True) for stack, process in processes.items()
    ]
    for listener in listeners:
        listener.start()
    for listener in listeners:
        listener.join()
    failed = [stack for stack, process in processes.items() if process.wait() != 0]
    if failed:
        message = f"`pulumi up` failed for {', '.join(failed)}: see its lines above"
        raise CommandError(message)


def _pass_on(stack: str, process: "subprocess.Popen[str]") -> None:
    for line in process.stdout or ():
        if line.strip():
            _tell({"event": line.rstrip(), "stack": stack})


_output = threading.Lock()


def _tell(news: Mapping[str, Any]) -> None:
    with _output:
        sys.stdout.write(json.dumps(news) + "\n")
        sys.stdout.flush()


def _end() -> None:
    """Have the guards end the engine and all that it started; its state is thrown away, so nothing is lost by haste."""
    guards = psutil.Process().children()
    for guard in guards:
        with suppress(psutil.NoSuchProcess):  # its command has just ended
            guard.terminate()
    psutil.wait_procs(guards, timeout=_GUARDS_SECONDS)
    os._exit(1)


def _end_on_request(number: int, frame: FrameType | None) -> None:
    del number, frame
    _end()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    _end()


def main(argument: str) -> None:
    """Deploy and write the deployment file."""
    signal.signal(signal.SIGTERM, _end_on_request)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    known = json.loads(argument)
    settings = DeployerSettings(**(known | {"state_directory": Path(known["state_directory"])}))
    wait_for(settings.emulator_url)
    deploy(settings).save(settings.state_directory / FILE_NAME)


if __name__ == "__main__":
    main(sys.argv[1])
