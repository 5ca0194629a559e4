"""The real program, recorded once a session, as the rules see it."""

from collections.abc import Mapping, Sequence

import pytest

from local.recording import RecordedResource, record

Stacks = Mapping[str, Sequence[RecordedResource]]


def pytest_configure(config: pytest.Config) -> None:
    """Keep the SDK's own classes quiet: it warns of each one that it has renamed, used or not."""
    config.addinivalue_line("filterwarnings", r"ignore:.*has been deprecated in favor of:DeprecationWarning")


@pytest.fixture(scope="session")
def stacks() -> Stacks:
    """All stacks as they are after a deployment."""
    return {stack: list(monitor.graph) for stack, monitor in record().items()}


@pytest.fixture(scope="session")
def cell_in_preview() -> Sequence[RecordedResource]:
    """One cell as a first `pulumi preview` sees it: ids and computed outputs are unknown."""
    return list(record(stacks=["us-east-1"], preview=True)["us-east-1"].graph)
