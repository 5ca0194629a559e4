"""The real program, every stack recorded once a session, for the tests of the program and of the policy pack."""

from collections.abc import Mapping

import pytest

from local.recording import Graph, record


def pytest_configure(config: pytest.Config) -> None:
    """Know the long tests, and keep the SDK's own classes quiet: it warns of each one that it has renamed."""
    config.addinivalue_line("markers", "soak: runs long (make soak), while make test runs a sample of the same")
    config.addinivalue_line("filterwarnings", r"ignore:.*has been deprecated in favor of:DeprecationWarning")


@pytest.fixture(scope="session")
def graphs() -> Mapping[str, Graph]:
    """All stacks as they are after a deployment, by name: `global`, then the Regions."""
    return {stack: monitor.graph for stack, monitor in record().items()}


@pytest.fixture(scope="session")
def preview_graphs() -> Mapping[str, Graph]:
    """All stacks as a first `pulumi preview` sees them: ids and computed outputs are unknown."""
    return {stack: monitor.graph for stack, monitor in record(preview=True).items()}
