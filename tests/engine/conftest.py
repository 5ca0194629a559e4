"""The real engine over the embedded AWS. These tests need `pulumi` on PATH and never skip for its absence."""

from collections.abc import Generator

import pytest

from local.engine.command_line import EngineMissingError, require_engine
from tests.engine.environment import Environment, new_environment

CELLS = ("us-east-1", "eu-west-1")
# One test may deploy a whole environment, and share the machine with others.
TIMEOUT_SECONDS = 900


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine: runs the Pulumi command line (slow, needs it on PATH)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if __package__ and item.nodeid.startswith("tests/engine/"):
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


def pytest_collection_finish(session: pytest.Session) -> None:
    if any(item.get_closest_marker("engine") for item in session.items):
        try:
            require_engine()
        except EngineMissingError as error:
            pytest.exit(str(error), returncode=2)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Environment]:
    """The program as it is, deployed: the global stack, then a cell a Region."""
    with new_environment(tmp_path_factory.mktemp("shop")) as environment:
        environment.project.make_stacks(["global", *CELLS])
        environment.up("global")
        environment.up_together(CELLS)
        yield environment
