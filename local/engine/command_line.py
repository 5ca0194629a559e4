"""Runs `pulumi` on a copy of the tree, with a state of its own in a folder, away from any account and network."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from local.deployment import TEST_CREDENTIALS
from local.engine.plugins import MODULE, write_plugins
from local.errors import UserFacingError
from local.paths import ROOT
from local.processes import python

MISSING: Final = (
    "there is no `pulumi` on PATH: install the Pulumi command line with its language host for Python "
    "(https://www.pulumi.com/docs/install/ has both in one archive), put its folder on PATH and run this again"
)
# What the program is made of: the engine writes the salt of its secrets into the stacks' files, so it gets a copy.
_PROGRAM: Final = ("__main__.py", ".dockerignore", "components", "policies", "workloads")
# One passphrase for states that live in a temporary folder and go with it.
_PASSPHRASE: Final = "laptop"  # noqa: S105 - it guards nothing


class EngineMissingError(UserFacingError):
    """There is no Pulumi command line."""


class CommandError(Exception):
    """A command of the engine failed."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended, and all that it said."""

    code: int
    output: str


def require_engine() -> str:
    """Return where `pulumi` is."""
    found = shutil.which("pulumi")
    if found is None or shutil.which("pulumi-language-python") is None:
        raise EngineMissingError(MISSING)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A copy of the program, with plugins and state beside it."""

    tree: Path
    environment: Mapping[str, str]
    policies: bool = True
    ledger: Path = field(default=Path())

    @classmethod
    def make(
        cls, directory: Path, *, emulator_url: str, account: str, source: Path = ROOT, plugin: str = MODULE
    ) -> Self:
        """Copy the program into `directory` and prepare what the engine needs."""
        tree, ledger = directory / "tree", directory / "ledger"
        copy_program(source, tree)
        plugins = write_plugins(
            directory / "plugins", emulator_url=emulator_url, account=account, ledger=ledger, module=plugin
        )
        state = directory / "state"
        state.mkdir()
        search = [str(plugins), *_folders_of_tools(), os.environ["PATH"]]
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "AWS_", "PYTHON"))
        }
        return cls(
            tree=tree,
            ledger=ledger,
            environment=environment
            | TEST_CREDENTIALS
            | {
                "PATH": os.pathsep.join(search),
                "PULUMI_BACKEND_URL": state.as_uri(),
                "PULUMI_CONFIG_PASSPHRASE": _PASSPHRASE,
                "PULUMI_HOME": str(directory / "home"),
                "PULUMI_PYTHON": sys.executable,
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                "NO_COLOR": "1",
            },
        )

    def command(self, *arguments: str) -> list[str]:
        """Return a command line that asks no questions."""
        return [require_engine(), *arguments, "--non-interactive", "--cwd", str(self.tree)]

    def operation(self, verb: str, stack: str, *options: str) -> list[str]:
        """Return the command of an operation on a stack; what shows or makes changes runs the policy pack."""
        judged = ["--policy-pack", str(self.tree / "policies")] if verb in {"up", "preview"} else []
        agreed = [] if verb == "preview" or "--preview-only" in options else ["--yes"]
        return self.command(verb, "--stack", stack, *judged, *agreed, *options)

    def start(self, command: Sequence[str]) -> "subprocess.Popen[str]":
        """Start a command that ends with this process, and all that it starts with it; its output is one pipe."""
        return subprocess.Popen(
            python("-m", "local.engine.guard", *command),
            env=dict(self.environment),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: Sequence[str]) -> Result:
        """Run a command to its end."""
        process = self.start(command)
        output, _ = process.communicate()
        return Result(process.returncode, output)

    def must(self, command: Sequence[str]) -> str:
        """Run a command that has to succeed; returns what it said."""
        result = self.run(command)
        if result.code != 0:
            message = f"`{' '.join(command[1:4])}` ended with code {result.code}:\n{result.output}"
            raise CommandError(message)
        return result.output

    def state(self, stack: str) -> dict[str, Any]:
        """Return the deployment as the engine keeps it (`resources`, `pending_operations`), secrets readable."""
        file = self.tree.parent / f"{stack}.json"
        self.must(self.command("stack", "export", "--stack", stack, "--show-secrets", "--file", str(file)))
        return json.loads(file.read_text(encoding="utf-8"))["deployment"]

    def make_stacks(self, stacks: Sequence[str]) -> None:
        """Make the stacks, empty."""
        for stack in stacks:
            self.must(self.command("stack", "init", stack, "--no-select"))


def copy_program(source: Path, target: Path) -> None:
    """Copy the program and its configuration; the environment is linked, not copied."""
    target.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in (*_PROGRAM, *(path.name for path in source.glob("Pulumi*.yaml"))):
        origin = source / name
        if origin.is_dir():
            shutil.copytree(origin, target / name, ignore=ignored)
        elif origin.exists():
            shutil.copy2(origin, target / name)
    # Pulumi.yaml and the policy pack name the environment by its place in the tree.
    (target / ".venv").symlink_to(Path(sys.prefix))


def _folders_of_tools() -> list[str]:
    """Return where the Python of this environment and the project's own uv are: published language hosts call both."""
    return [str(folder) for folder in (Path(sys.prefix) / "bin", ROOT / ".tools" / "bin") if folder.is_dir()]
