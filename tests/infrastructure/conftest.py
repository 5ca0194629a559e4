"""Every stack evaluated once a session, in known and in preview mode; tests look at the recorded graphs."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from local.recording import Graph, record
from tests.infrastructure.trees import tree_with

NEW_REGION = "ap-northeast-1"


def pytest_configure(config: pytest.Config) -> None:
    """Keep the SDK's own classes quiet: it warns of each one that it has renamed, used or not."""
    config.addinivalue_line("filterwarnings", r"ignore:.*has been deprecated in favor of:DeprecationWarning")


@pytest.fixture(scope="session")
def graphs() -> Mapping[str, Graph]:
    """All stacks as they are after a deployment, by name: `global`, then the Regions."""
    return {stack: monitor.graph for stack, monitor in record().items()}


@pytest.fixture(scope="session")
def preview_graphs() -> Mapping[str, Graph]:
    """All stacks as a first `pulumi preview` sees them: ids and computed outputs are unknown."""
    return {stack: monitor.graph for stack, monitor in record(preview=True).items()}


@pytest.fixture(scope="session")
def global_graph(graphs: Mapping[str, Graph]) -> Graph:
    """The global stack."""
    return graphs["global"]


@pytest.fixture(scope="session")
def cell_graphs(graphs: Mapping[str, Graph]) -> Mapping[str, Graph]:
    """The cells by Region."""
    return {stack: graph for stack, graph in graphs.items() if stack != "global"}


@pytest.fixture(scope="session")
def three_region_graphs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Graph]:
    """All stacks of a tree that differs from this one by a YAML file and an entry in the list of Regions."""
    directory = tmp_path_factory.mktemp("three-regions")
    tree_with(directory, new_region=NEW_REGION, cidr="10.48.0.0/16")
    return {stack: monitor.graph for stack, monitor in record(directory).items()}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree of its own whose YAML files a test may change."""
    return tree_with(tmp_path)
