"""What would stop the laptop mode later, said at once and in one sentence."""

import os
import platform
import socket
import struct
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

from local.errors import UserFacingError

_MACHINES: Final = ("x86_64", "aarch64")
# What the supervisor, the program, the emulator, the stand-ins, the workloads and the demo import, or read, when they
# come to it: without this the first to miss one would end with a traceback, perhaps after a minute.
NEEDED: Final = (
    *("ministack", "awslambdaric", "pulumi", "pulumi_aws", "pulumi_docker_build", "google.protobuf", "grpc", "yaml"),
    *("pydantic", "boto3", "botocore", "joserfc", "msgspec", "cryptography", "uvicorn", "uvloop", "starlette"),
    *("httptools", "httpx", "aiohttp", "multidict", "airspeed", "jmespath", "jsonata", "jsonschema", "psutil"),
    *("rich", "setproctitle", "lifetimes"),
)


class PreflightError(UserFacingError):
    """The laptop mode can not run here as things are."""


def check_platform() -> None:
    """Refuse what the laptop mode was not made for."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        message = (
            f"the laptop mode needs Linux on {' or '.join(_MACHINES)}, this is {sys.platform} on {platform.machine()}: "
            "use a Linux virtual machine, a container or WSL 2 (AWS builds the Lambda runtime client for Linux only)"
        )
        raise PreflightError(message)


def check_packages() -> None:
    """Refuse an environment that lacks what the laptop mode starts."""
    missing = [name for name in NEEDED if not _is_installed(name)]
    if missing:
        message = f"the environment lacks {', '.join(missing)}: run `make local`, which installs the locked packages"
        raise PreflightError(message)


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the package around it
        return False


def check_ports(ports: Sequence[int]) -> None:
    """Refuse ports on which something listens."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                message = (
                    f"port {port} of 127.0.0.1 is taken ({error.strerror}): end what listens there and start again"
                )
                raise PreflightError(message) from error


@contextmanager
def only_one() -> Generator[None]:
    """Hold the place of this user's only laptop mode; a second one is told who holds it.

    The place is a socket in Linux's abstract namespace: it is no file that could stay, and the kernel gives it back
    however its holder ends.
    """
    address = f"\0meridian-laptop-{os.getuid()}"
    with socket.socket(socket.AF_UNIX) as place:
        try:
            place.bind(address)
        except OSError as error:
            message = f"the laptop mode runs already, as process {_holder(address)}: end that one (Ctrl-C) or use it"
            raise PreflightError(message) from error
        place.listen()
        yield


def _holder(address: str) -> int:
    """Ask the kernel for the process at the other end."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(address)
        credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])
