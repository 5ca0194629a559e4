"""The real program, recorded once a session, as the rules see it."""

from collections.abc import Mapping, Sequence

import pytest

from local.program import evaluate
from local.recording import Graph, RecordedResource, RecordingMonitor, record

Stacks = Mapping[str, Sequence[RecordedResource]]


def pytest_configure(config: pytest.Config) -> None:
    """Keep the SDK's own classes quiet: it warns of each one that it has renamed, used or not."""
    config.addinivalue_line("filterwarnings", r"ignore:.*has been deprecated in favor of:DeprecationWarning")


@pytest.fixture(scope="session")
def graphs() -> Mapping[str, Graph]:
    """All stacks as the program declares them."""
    return {stack: monitor.graph for stack, monitor in record().items()}


@pytest.fixture(scope="session")
def stacks(graphs: Mapping[str, Graph]) -> Stacks:
    """All stacks as they are after a deployment."""
    return {stack: list(graph) for stack, graph in graphs.items()}


@pytest.fixture(scope="session")
def cell_in_preview(graphs: Mapping[str, Graph]) -> Sequence[RecordedResource]:
    """One cell as a first `pulumi preview` sees it: ids and computed outputs are unknown."""
    monitor = RecordingMonitor("us-east-1", references={"global": graphs["global"].outputs})
    evaluate(monitor=monitor, stack="us-east-1", preview=True)
    return list(monitor.graph)
