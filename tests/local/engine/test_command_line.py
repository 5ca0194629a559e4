"""What the engine gets: a copy of the program, plugins of its own, and no question asked where there is no engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.engine.command_line import MISSING, Project, copy_program
from local.engine.deployer import plain
from local.paths import ROOT
from local.project import stack_names
from local.provider.ledger import Entry, Ledger

WITHOUT_ENGINE = {**os.environ, "PATH": os.defpath}


def test_without_an_engine_the_laptop_says_what_to_install() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "local", "up", "--engine"],
        cwd=ROOT,
        env=WITHOUT_ENGINE,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.strip() == MISSING


def test_without_an_engine_its_tests_fail_and_say_what_to_install() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "engine", "tests/engine"],
        cwd=ROOT,
        env=WITHOUT_ENGINE,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert MISSING in ended.stdout + ended.stderr


def test_a_copy_of_the_program_can_be_evaluated_and_leaves_the_tree_alone(tmp_path: Path) -> None:
    copy_program(ROOT, tmp_path / "tree")

    assert stack_names(tmp_path / "tree") == stack_names(ROOT)
    (tmp_path / "tree" / "Pulumi.global.yaml").write_text("encryptionsalt: v1\n", encoding="utf-8")
    assert "encryptionsalt" not in (ROOT / "Pulumi.global.yaml").read_text(encoding="utf-8")


def test_the_engine_is_kept_away_from_accounts_and_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "company")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "company")

    environment = Project.make(tmp_path, emulator_url="http://127.0.0.1:1", account="0").environment

    assert environment.keys().isdisjoint({"AWS_PROFILE", "PULUMI_ACCESS_TOKEN"})
    assert environment["PULUMI_BACKEND_URL"] == f"{tmp_path.as_uri()}/state"
    plugins = Path(environment["PATH"].split(os.pathsep)[0])
    assert {plugin.name for plugin in plugins.iterdir()} == {"pulumi-resource-aws", "pulumi-resource-docker-build"}
    assert all(os.access(plugin, os.X_OK) for plugin in plugins.iterdir())


def test_an_exported_state_is_read_without_marks_of_secrets_and_keys_of_the_provider() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"open"'}

    assert plain({"a": [secret], "__observed": {}, "b": {"__defaults": [], "c": 1}}) == {"a": ["open"], "b": {"c": 1}}


def test_a_ledger_holds_one_entry_an_id_until_it_is_removed(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    network = Entry("aws:ec2/vpc:Vpc", "vpc-1", "us-east-1", {"cidrBlock": "10.0.0.0/16"})

    assert ledger.add(network)
    assert not Ledger(tmp_path).add(network)
    assert ledger.get("aws:ec2/vpc:Vpc", "us-east-1", "vpc-1") == network
    assert ledger.get("aws:ec2/vpc:Vpc", "eu-west-1", "vpc-1") is None
    ledger.remove("aws:ec2/vpc:Vpc", "us-east-1", "vpc-1")
    assert ledger.entries() == []
