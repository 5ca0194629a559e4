"""Brings the laptop mode up and takes it down: emulator, deployment, stand-ins; imports little, to speak at once."""

import json
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from local.emulator import control
from local.emulator.settings import DEFAULT_PORT, EmulatorSettings
from local.errors import UserFacingError
from local.failures import FailureReporter
from local.paths import ROOT
from local.preflight import check_packages, check_platform, check_ports
from local.processes import Child, environment, python
from local.stopping import StopRequested, handle, request_stop
from local.tree import Tree

if TYPE_CHECKING:
    from local.deployment import Deployment

FIRST_GATEWAY_PORT: Final = 8801
# Who deploys: the program evaluated in a process, or the real engine, which has children of its own to end.
EVALUATION: Final = "local.deployer"
ENGINE: Final = "local.engine.deployer"
ACCOUNT: Final = "000000000000"
# One worker a function is enough for two processors, but for these: an API call may wait for its order's end, many
# sagas run at a time, and the starter reserves for one order after another, so that with a single worker all of a
# Region's orders would. With all of them started the whole laptop mode stays below 1.5 GB.
WORKERS: Final = {
    "meridian-checkout-api": 2,
    "meridian-checkout-saga-starter": 2,
    "meridian-checkout-saga-steps": 2,
}
_STAND_INS_SECONDS: Final = 30.0
_STAND_INS_PATIENCE: Final = 10.0


class LaptopError(UserFacingError):
    """The laptop mode could not be brought up, or a part of it ended."""


class Laptop:
    """The running laptop mode; leaving the context takes everything down, whatever happened."""

    def __init__(
        self,
        tree: Tree,
        *,
        port: int = DEFAULT_PORT,
        first_gateway_port: int = FIRST_GATEWAY_PORT,
        deployer: str = EVALUATION,
        request_log: Path | None = None,
    ) -> None:
        self._tree = tree
        self._deployer = deployer
        self._port = port
        self._first_gateway_port = first_gateway_port
        self._request_log = request_log
        self._failures = FailureReporter(tree.say)
        self._stand_ins_ready = threading.Event()
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        handle(request_stop)
        self._directory = Path(tempfile.mkdtemp(prefix="meridian-"))
        self._settings = EmulatorSettings(
            state_directory=self._directory, port=self._port, workers_of=WORKERS, request_log=self._request_log
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Going down is not interrupted half way.
        handle(signal.SIG_IGN)
        self._failures.silence()
        if kind is StopRequested:
            self._tree.say("taking everything down")
        for child in reversed(self._children):
            if child.name == "emulator":
                control.stop(child, self._settings)
            else:
                child.stop(patience=_STAND_INS_PATIENCE)
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def deployment_file(self) -> Path:
        """Where the deployer leaves what it made."""
        return self._directory / "deployment.json"

    @property
    def ports(self) -> list[int]:
        """What it listens on: the embedded AWS, and the entry API of each Region."""
        from local.project import regions  # noqa: PLC0415 - after the first line, and once it is known to be installed

        return [self._port, *(self._first_gateway_port + index for index in range(len(regions(ROOT))))]

    def up(self) -> None:
        """Return when orders can be placed."""
        self._check()
        started = time.monotonic()
        self._tree.doing("starting the embedded AWS")
        emulator = control.start(self._settings)
        self._children.append(emulator)
        # Pulumi is imported while the emulator starts.
        deployer = self._start_deployer()
        self._children.append(deployer)
        control.wait_until_healthy(emulator, self._settings)
        self._listen(emulator, self._failures.take)
        self._deploy(deployer)
        self._children.remove(deployer)
        self._tree.doing("starting the stand-ins and the services")
        self._start_stand_ins()
        self._tree.say(f"up after {time.monotonic() - started:.1f} s")

    def watch(self) -> None:
        """Wait until a signal comes; a part that ends by itself is an error."""
        while True:
            self.check_parts()
            time.sleep(0.2)

    def check_parts(self) -> None:
        """Raise if the emulator or the stand-ins have ended."""
        for child in self._children:
            if child.process.poll() is not None:
                message = f"{child.name} ended with code {child.process.returncode}; its last lines:\n"
                raise LaptopError(message + "\n".join(child.last_lines()))

    def run(self, module: str) -> int:
        """Run a module on the deployment and show its output, or why it failed, at its end; returns its exit code."""
        child = Child(
            module,
            python("-m", module, "--deployment", str(self.deployment_file)),
            environment=environment(),
            directory=ROOT,
            log=self._directory / f"{module}.log",
            stdout=subprocess.PIPE,
        )
        try:
            output = child.lines.read()
            code = child.process.wait()
        finally:
            child.stop(patience=0.0)
        lines = output.splitlines() if code == 0 else child.last_lines()
        self._tree.say("\n".join(lines))
        return code

    def _check(self) -> None:
        check_platform()
        check_packages()
        check_ports(self.ports)

    def _start_deployer(self) -> Child:
        settings = {
            "emulator_url": self._settings.url,
            "state_directory": str(self._directory),
            "account": ACCOUNT,
            "first_gateway_port": self._first_gateway_port,
        }
        return Child(
            "deployer",
            python("-m", self._deployer, json.dumps(settings)),
            environment=environment(),
            directory=ROOT,
            log=self._directory / "deployer.log",
            stdout=subprocess.PIPE,
            watches_parent=self._deployer == ENGINE,
        )

    def _deploy(self, deployer: Child) -> None:
        for line in deployer.lines:
            self._tree.take(json.loads(line))
        if deployer.process.wait() != 0:
            message = "the program could not be deployed:\n" + "\n".join(deployer.last_lines(12))
            raise LaptopError(message)

    def _start_stand_ins(self) -> None:
        child = Child(
            "stand-ins",
            python("-m", "local.standins", "--deployment", str(self.deployment_file)),
            environment=environment(),
            directory=ROOT,
            log=self._directory / "stand-ins.log",
            stdout=subprocess.PIPE,
        )
        self._children.append(child)
        self._listen(child, self._take_stand_in_line)
        deadline = time.monotonic() + _STAND_INS_SECONDS
        while not self._stand_ins_ready.wait(0.05):
            self.check_parts()
            if time.monotonic() > deadline:
                message = "the stand-ins did not start:\n" + "\n".join(child.last_lines())
                raise LaptopError(message)

    def _take_stand_in_line(self, line: dict[str, Any]) -> None:
        if line.get("ready"):
            self._stand_ins_ready.set()
        if "failure" in line:
            self._failures.take(line)

    def _listen(self, child: Child, take: Callable[[dict[str, Any]], None]) -> None:
        def listen() -> None:
            for line in child.lines:
                take(json.loads(line))

        threading.Thread(target=listen, name=f"{child.name} listener", daemon=True).start()


def load_deployment(laptop: Laptop) -> "Deployment":
    """Read the deployment file; the model is imported only here, by who needs it."""
    from local.deployment import Deployment  # noqa: PLC0415 - pydantic

    return Deployment.load(laptop.deployment_file)
