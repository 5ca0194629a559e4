"""What the supervisor tells the emulator's process; passed as one JSON argument."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

DEFAULT_PORT = 4566


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSettings:
    """Where the emulator listens, where it keeps files, and how many Lambda workers it may start."""

    state_directory: Path
    port: int = DEFAULT_PORT
    # A worker with boto3 takes about 38 MB, and a burst would start one a call. Calls beyond the bound wait.
    workers: int = 1
    workers_of: dict[str, int] = field(default_factory=dict[str, int])
    request_log: Path | None = None
    """Where requests and invocations are written down, if anybody counts them."""
    executions: int = 12
    """How many executions of state machines run at a time; the others wait before their first state."""

    @property
    def url(self) -> str:
        """Where SDKs reach the emulator: `localhost` may resolve to an address that nothing listens on."""
        return f"http://127.0.0.1:{self.port}"

    def workers_for(self, function: str) -> int:
        """Return the bound for one function."""
        return self.workers_of.get(function, self.workers)

    def to_argument(self) -> dict[str, Any]:
        """Return what `from_argument` reads."""
        log = None if self.request_log is None else str(self.request_log)
        return asdict(self) | {"state_directory": str(self.state_directory), "request_log": log}

    @classmethod
    def from_argument(cls, argument: dict[str, Any]) -> Self:
        """Read the argument of the emulator's process."""
        known = {**argument}
        log = known.pop("request_log", None)
        return cls(
            state_directory=Path(known.pop("state_directory")), request_log=None if log is None else Path(log), **known
        )
