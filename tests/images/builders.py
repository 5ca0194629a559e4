"""Container builders that these tests can use, whichever the machine has: Buildah without a daemon, or Docker."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

import msgspec
import psutil
import pytest

ROOT: Final = Path(__file__).parents[2]
BASE_IMAGE: Final = "public.ecr.aws/docker/library/python:3.13-slim-trixie"
_PREFIX: Final = "localhost/meridian-images-test"
_PULL_TIMEOUT: Final = 60
"""Seconds: on a machine that reaches no registry, a pull must not hold up the tests."""


class Config(msgspec.Struct, frozen=True):
    """What an image says about how it is run."""

    user: str
    working_directory: str
    entrypoint: tuple[str, ...]
    environment: Mapping[str, str]


class Container(Protocol):
    """A running container."""

    process: subprocess.Popen[str]

    def terminate(self) -> None:
        """Send SIGTERM to the container's process, as an orchestrator does."""
        ...

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a second command inside, with the same environment."""
        ...

    def remove(self) -> None:
        """End and remove it."""
        ...


class Builder(Protocol):
    """Builds images, looks into them and starts them on the host's network."""

    def build(self, context: str) -> str:
        """Build a context's image from the repository; return its name."""
        ...

    def config(self, image: str) -> Config:
        """Return what the image says about how it is run."""
        ...

    def start(self, image: str, command: Sequence[str], environment: Mapping[str, str]) -> Container:
        """Start the command (the entrypoint included) with the image's own user."""
        ...


def available_builder() -> Builder:
    """Return a builder that works on this machine and has the base image; or skip, saying what is missing."""
    if sys.platform != "linux":
        pytest.skip("building images takes Linux")
    if shutil.which("buildah") and os.geteuid() == 0:
        _need_base_image(["buildah", "inspect", "--type", "image", BASE_IMAGE], ["buildah", "pull", BASE_IMAGE])
        return Buildah()
    if shutil.which("docker") and _succeeds(["docker", "info"]):
        _need_base_image(["docker", "image", "inspect", BASE_IMAGE], ["docker", "pull", BASE_IMAGE])
        return Docker()
    pytest.skip("no container builder works here: it takes buildah and root, or docker and its daemon")


class Buildah:
    """Buildah, isolated by chroot: it needs no daemon and no kernel features that a nested container lacks."""

    _RUN: Final = ("buildah", "run", "--isolation", "chroot")

    def build(self, context: str) -> str:
        image = f"{_PREFIX}/{context}"
        _run("buildah", "bud", "--isolation", "chroot", "--pull-never", "--layers", *_build_arguments(context, image))
        return image

    def config(self, image: str) -> Config:
        return _config(json.loads(_run("buildah", "inspect", "--type", "image", image))["OCIv1"]["config"])

    def start(self, image: str, command: Sequence[str], environment: Mapping[str, str]) -> Container:
        name = _run("buildah", "from", "--pull-never", "--name", f"meridian-{uuid4().hex[:12]}", image).strip()
        return BuildahContainer([*self._RUN, *_variables(environment), name, "--"], name, command)


class BuildahContainer:
    """One command in a working container."""

    def __init__(self, prefix: Sequence[str], name: str, command: Sequence[str]) -> None:
        self._prefix = prefix
        self._name = name
        self.process = _start([*prefix, *command])

    def terminate(self) -> None:
        # Buildah passes no signals on: the innermost process is the container's.
        psutil.Process(self.process.pid).children(recursive=True)[-1].terminate()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._prefix, *command], capture_output=True, text=True, check=False)

    def remove(self) -> None:
        if self.process.poll() is None:
            for process in reversed(psutil.Process(self.process.pid).children(recursive=True)):
                process.kill()
        self.process.wait()
        _run("buildah", "rm", self._name)


class Docker:
    """Docker, with the root file system read-only and no privilege to gain, as the task definitions ask."""

    def build(self, context: str) -> str:
        image = f"{_PREFIX}/{context}"
        _run("docker", "build", "--quiet", *_build_arguments(context, image))
        return image

    def config(self, image: str) -> Config:
        return _config(json.loads(_run("docker", "image", "inspect", image))[0]["Config"])

    def start(self, image: str, command: Sequence[str], environment: Mapping[str, str]) -> Container:
        name = f"meridian-{uuid4().hex[:12]}"
        options = ["--name", name, "--network", "host", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]  # noqa: S108
        entrypoint, *arguments = command
        return DockerContainer(
            ["docker", "run", *options, *_variables(environment), "--entrypoint", entrypoint, image, *arguments], name
        )


class DockerContainer:
    """One container."""

    def __init__(self, command: Sequence[str], name: str) -> None:
        self._name = name
        self.process = _start(command)

    def terminate(self) -> None:
        _run("docker", "kill", "--signal", "TERM", self._name)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["docker", "exec", self._name, *command], capture_output=True, text=True, check=False)

    def remove(self) -> None:
        _run("docker", "rm", "--force", self._name)
        self.process.wait()


def _build_arguments(context: str, image: str) -> list[str]:
    """Return what both builders understand; a pip.conf that names a mirror goes in as a secret."""
    pip_conf = os.environ.get("PIP_CONFIG_FILE", "")
    secret = ["--secret", f"id=pip.conf,src={pip_conf}"] if Path(pip_conf).is_file() else []
    return [*secret, "--tag", image, "--file", str(ROOT / "workloads" / context / "Dockerfile"), str(ROOT)]


def _config(image: dict[str, Any]) -> Config:
    return Config(
        user=image.get("User", ""),
        working_directory=image.get("WorkingDir", ""),
        entrypoint=tuple(image.get("Entrypoint") or ()),
        environment=dict(variable.split("=", 1) for variable in image.get("Env") or ()),
    )


def _variables(environment: Mapping[str, str]) -> list[str]:
    return [argument for name, value in environment.items() for argument in ("--env", f"{name}={value}")]


def _need_base_image(look: list[str], pull: list[str]) -> None:
    if not _succeeds(look) and not _succeeds(pull):
        pytest.skip(f"the base image {BASE_IMAGE} is not on this machine and can not be pulled")


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=_PULL_TIMEOUT, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _run(*command: str) -> str:
    """Run a builder's command and return what it printed; a failure shows all of that."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)} failed with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout
