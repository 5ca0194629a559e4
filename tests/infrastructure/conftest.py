"""Views of the recorded graphs, and programs with another configuration."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from local.recording import Graph, record
from tests.infrastructure.trees import tree_with

NEW_REGION = "ap-northeast-1"


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


@pytest.fixture(scope="session")
def three_region_previews(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Graph]:
    """The same stacks as a first `pulumi preview` sees them."""
    directory = tree_with(tmp_path_factory.mktemp("three-regions-previewed"), new_region=NEW_REGION)
    return {stack: monitor.graph for stack, monitor in record(directory, preview=True).items()}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree of its own whose YAML files a test may change."""
    return tree_with(tmp_path)
