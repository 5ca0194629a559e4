"""An environment of its own: an empty embedded AWS, a copy of the program, and the engine's state."""

import socket
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from local.emulator import control
from local.emulator.settings import EmulatorSettings
from local.engine.command_line import Project, Result
from local.engine.plugins import MODULE
from local.handlers.base import Context

ACCOUNT: Final = "000000000000"


@dataclass(frozen=True, kw_only=True)
class Environment:
    project: Project
    context: Context

    def up(self, stack: str, *options: str) -> str:
        """Deploy without the preview that `up` shows a person; the policy pack judges all the same."""
        return self.project.must(self.project.operation("up", stack, "--skip-preview", *options))

    def up_together(self, stacks: Sequence[str], *options: str) -> None:
        """Deploy cells at the same time, as they may be: none needs another."""
        commands = [self.project.operation("up", stack, "--skip-preview", *options) for stack in stacks]
        processes = [self.project.start(command) for command in commands]
        outputs = [process.communicate()[0] for process in processes]
        for stack, process, output in zip(stacks, processes, outputs, strict=True):
            assert process.returncode == 0, f"{stack}:\n{output}"

    def run(self, verb: str, stack: str, *options: str) -> Result:
        return self.project.run(self.project.operation(verb, stack, *options))

    @contextmanager
    def changed(self, path: str, old: str, new: str) -> Generator[None]:
        """Change a file of the program for a while."""
        file = self.project.tree / path
        before = file.read_text(encoding="utf-8")
        assert before.count(old) >= 1, f"{path} has no {old!r}"
        file.write_text(before.replace(old, new), encoding="utf-8")
        try:
            yield
        finally:
            file.write_text(before, encoding="utf-8")

    def configure(self, file: str, values: Mapping[str, Any]) -> None:
        """Set values of a stack's file or of Pulumi.yaml."""
        path = self.project.tree / file
        document = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        document.setdefault("config", {}).update(values)
        path.write_text(yaml.safe_dump(document), encoding="utf-8")

    def configuration(self, file: str) -> dict[str, Any]:
        document = yaml.safe_load((self.project.tree / file).read_text(encoding="utf-8"))
        return document["config"]


@contextmanager
def new_environment(directory: Path, *, plugin: str = MODULE) -> Generator[Environment]:
    settings = EmulatorSettings(state_directory=directory / "emulator", port=free_port())
    emulator = control.start(settings)
    try:
        control.wait_until_healthy(emulator, settings)
        project = Project.make(directory / "engine", emulator_url=settings.url, account=ACCOUNT, plugin=plugin)
        yield Environment(project=project, context=Context(settings.url, ACCOUNT))
    finally:
        control.stop(emulator, settings)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
