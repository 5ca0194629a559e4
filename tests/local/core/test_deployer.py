"""What the deployer says of a configuration that can not be deployed: the message, as the engine shows it."""

import json
from functools import partial
from pathlib import Path

import pytest

from local import deployer
from tests.infrastructure.trees import change_config, read_yaml, tree_with


def said_of(tree: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what the process ends with; nothing is created, so that it needs no embedded AWS."""
    monkeypatch.setattr(deployer, "wait_for", str)
    monkeypatch.setattr(deployer, "deploy", partial(deployer.deploy, directory=tree))
    settings = {"emulator_url": "http://127.0.0.1:9", "state_directory": str(tree), "account": "0" * 12}
    with pytest.raises(SystemExit) as end:
        deployer.main(json.dumps({**settings, "first_gateway_port": 1}))
    return str(end.value)


def test_a_setting_that_can_not_work_is_named_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tree_with(tmp_path)
    change_config(tree, "global", imageDigest="{}")

    assert said_of(tree, monkeypatch).startswith("Pulumi.global.yaml: meridian:imageDigest is '{}'; no such setting")


def test_a_list_of_regions_that_is_none_is_named_without_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tree_with(tmp_path)
    project = read_yaml(tree / "Pulumi.yaml")
    project["config"]["meridian:regions"]["default"] = "us-east-1"
    (tree / "Pulumi.yaml").write_text(json.dumps(project), encoding="utf-8")

    assert "meridian:regions is 'us-east-1'; it must be the list of Regions" in said_of(tree, monkeypatch)
