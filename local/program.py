"""Evaluates the Pulumi program for one stack without the engine: the monitor given decides what a resource becomes."""

import asyncio
import contextvars
import gc
import json
import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pulumi
import yaml
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.mocks import MockEngine, MockMonitor, MockSettings
from pulumi.runtime.settings import configure, set_root_resource
from pulumi.runtime.stack import run_in_stack

from local.paths import ROOT

ORGANIZATION: Final = "organization"
GLOBAL_STACK: Final = "global"

_one_body_at_a_time = threading.Lock()


class ProgramError(Exception):
    """The program's files are not what this project's layout promises."""


def evaluate(*, monitor: MockMonitor, stack: str, directory: Path = ROOT, preview: bool = False) -> None:
    """Run `<directory>/__main__.py` once for `stack`.

    Nothing of one evaluation reaches another: Pulumi keeps its settings in context variables, and each evaluation has a
    context and an event loop of its own. An exception of the program, or of the monitor, is raised here.
    """
    directory = directory.resolve()
    project = project_name(directory)
    config = stack_configuration(stack, directory=directory)
    entry = directory / "__main__.py"
    # Not runpy: it swaps sys.modules["__main__"], which two evaluations at the same time must not do.
    code = compile(entry.read_text(encoding="utf-8"), str(entry), "exec")

    def program() -> None:
        # One body at a time: the SDK imports its services when they are first named, and not in a way that two threads
        # could share. What the body declared is registered afterwards, at the same time as other stacks.
        with _one_body_at_a_time:
            exec(code, {"__name__": "__main__", "__file__": str(entry), "__builtins__": __builtins__})  # noqa: S102

    settings: dict[str, object] = {
        "monitor": monitor,
        "engine": MockEngine(None),
        "project": project,
        "stack": stack,
        "root_directory": str(directory),
        "organization": ORGANIZATION,
        "dry_run": preview,
        "callbacks": None,
        "parallel": None,
        "legacy_apply_enabled": False,
        "monitor_features": set(monitor.GetDeploymentInfo(Empty()).supportedFeatures),
    }
    with _workplace.at(directory):
        contextvars.Context().run(_run, program, settings, config)


def stack_names(directory: Path = ROOT) -> list[str]:
    """Return the stacks in the order of deployment: the global one, then the Regions of Pulumi.yaml."""
    project = project_name(directory)
    regions = _shared_configuration(directory).get(f"{project}:regions")
    if not isinstance(regions, list):
        message = f"{directory / 'Pulumi.yaml'}: {project}:regions is {regions!r}; it must be the list of Regions"
        raise ProgramError(message)
    return [GLOBAL_STACK, *(str(region) for region in regions)]  # pyright: ignore[reportUnknownVariableType]


def project_name(directory: Path = ROOT) -> str:
    """Return the project's name as Pulumi.yaml gives it."""
    return str(_load_yaml(directory / "Pulumi.yaml")["name"])


def stack_configuration(stack: str, *, directory: Path = ROOT) -> dict[str, str]:
    """Return what the engine would hand to the program: texts, structured values as JSON."""
    project = project_name(directory)
    values = _shared_configuration(directory)
    stack_file = directory / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        message = f"there is no {stack_file.name} in {directory}: every stack has its own file"
        raise ProgramError(message)
    for key, value in (_load_yaml(stack_file).get("config") or {}).items():
        values[_qualified(key, project)] = value
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def _run(program: Callable[[], None], settings: dict[str, object], config: dict[str, str]) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        # Made inside the context: the constructor assigns to context variables.
        configure(
            MockSettings(**settings, outputs=set(), lock=threading.Lock(), package_refs={}, base_providers_by_ref={})
        )
        set_root_resource(None)  # pyright: ignore[reportArgumentType]
        pulumi.runtime.set_all_config(config, [])
        loop.run_until_complete(run_in_stack(program))
    except BaseException:
        # Whatever ends the program, an interrupt too, leaves tasks behind.
        # One failure fails every task that awaited its resource; this one is reported, by being raised. The others
        # would be logged when they are collected, whenever that is.
        loop.set_exception_handler(lambda _loop, _context: None)
        raise
    finally:
        _cancel_what_is_left(loop)
        loop.close()
        asyncio.set_event_loop(None)


def _cancel_what_is_left(loop: asyncio.AbstractEventLoop) -> None:
    """After a failure, tasks of other resources still wait for one that will never come."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_default_executor())


class _Workplace:
    """The process has one working directory and one import path; evaluations of one tree may share them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._directory = ROOT
        self._before = ROOT

    @contextmanager
    def at(self, directory: Path) -> Generator[None]:
        """Import from `directory` and resolve relative paths there."""
        with self._lock:
            if self._users and self._directory != directory:
                message = f"{self._directory} is being evaluated; {directory} has to wait for its end"
                raise ProgramError(message)
            if not self._users:
                self._directory, self._before = directory, Path.cwd()
                _forget_modules_of_other_trees(directory)
                os.chdir(directory)
                # An evaluation makes a hundred thousand short-lived objects, and collecting takes a third of its time.
                gc.disable()
            sys.path.insert(0, str(directory))
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                sys.path.remove(str(directory))
                if not self._users:
                    gc.enable()
                    os.chdir(self._before)
                    _forget_modules_of_other_trees(ROOT)


_workplace = _Workplace()


def _forget_modules_of_other_trees(directory: Path) -> None:
    """Drop a `components` package that came from another copy of the tree."""
    package = sys.modules.get("components")
    if package is None or str(directory / "components") in list(package.__path__):
        return
    for name in [name for name in sys.modules if name == "components" or name.startswith("components.")]:
        del sys.modules[name]


def _shared_configuration(directory: Path) -> dict[str, object]:
    """Project-level config: `key: value`, or a declaration with `value` or `default`."""
    document = _load_yaml(directory / "Pulumi.yaml")
    project = str(document["name"])
    values: dict[str, object] = {}
    for key, declared in (document.get("config") or {}).items():
        match declared:
            case {"value": value} | {"default": value}:
                values[_qualified(key, project)] = value
            case {"type": _}:
                pass  # declared without a value: the stack's file has to give one
            case _:
                values[_qualified(key, project)] = declared
    return values


def _qualified(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _load_yaml(path: Path) -> dict[str, Any]:
    if not path.exists():
        message = f"there is no {path.name} in {path.parent}"
        raise ProgramError(message)
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
