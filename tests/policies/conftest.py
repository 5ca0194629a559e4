"""The real program, recorded once a session, as the rules see it."""

from collections.abc import Mapping, Sequence

import pytest

from local.recording import Graph, RecordedResource

Stacks = Mapping[str, Sequence[RecordedResource]]


@pytest.fixture(scope="session")
def stacks(graphs: Mapping[str, Graph]) -> Stacks:
    """All stacks as they are after a deployment."""
    return {stack: list(graph) for stack, graph in graphs.items()}


@pytest.fixture(scope="session")
def cell_in_preview(preview_graphs: Mapping[str, Graph]) -> Sequence[RecordedResource]:
    """One cell as a first `pulumi preview` sees it."""
    return list(preview_graphs["us-east-1"])
