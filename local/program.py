"""Evaluates the Pulumi program for one stack without the engine: the monitor given decides what a resource becomes."""

import asyncio
import contextvars
import gc
import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pulumi
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.mocks import MockEngine, MockMonitor, MockSettings
from pulumi.runtime.settings import configure, set_root_resource
from pulumi.runtime.stack import run_in_stack

from local.paths import ROOT
from local.project import ProgramError, project_name, stack_configuration

ORGANIZATION: Final = "organization"

_one_body_at_a_time = threading.Lock()


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
