"""A cell whose deployment is killed half way, by docs/runbooks/interrupted-up.md, and the end of an environment."""

import json
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from local.processes import wait_until
from tests.engine import slow_provider
from tests.engine.environment import Environment, new_environment
from tests.engine.leftovers import leftovers

CELL = "us-east-1"
# Created when the engine is killed: the bus, by its name; the key, by an id that only AWS knows; the network, which
# the embedded AWS does not hold. Not created yet: the saga's role.
CREATED = ("meridian-bus", "meridian-keys-telemetry", "meridian-network-vpc")
NOT_CREATED = ("meridian-saga-role",)
# Its old one is deleted and the new one not yet created when the engine is killed.
REPLACED = "meridian-checkout-api-logs"
REPLACED_GROUP = "/aws/lambda/meridian-checkout-api"


@pytest.fixture(scope="module")
def short_lived(tmp_path_factory: pytest.TempPathFactory) -> Generator[Environment]:
    """An environment of one Region that may be destroyed with its data, by a provider that can be held."""
    plugin = slow_provider.__name__
    with new_environment(tmp_path_factory.mktemp("short-lived"), plugin=plugin) as environment:
        tree = environment.project.tree
        shared = yaml.safe_load((tree / "Pulumi.yaml").read_text(encoding="utf-8"))
        shared["config"]["meridian:regions"]["default"] = [CELL]
        (tree / "Pulumi.yaml").write_text(yaml.safe_dump(shared), encoding="utf-8")
        (tree / "Pulumi.eu-west-1.yaml").unlink()
        for stack in ("global", CELL):
            environment.configure(f"Pulumi.{stack}.yaml", {"meridian:ephemeral": True})
        environment.project.make_stacks(["global", CELL])
        environment.up("global")
        yield environment


def test_a_killed_deployment_is_recovered_by_the_runbook(short_lived: Environment, tmp_path: Path) -> None:
    ids = _kill(short_lived, tmp_path, after=CREATED, before=NOT_CREATED)

    # The runbook: the lock, the pending creations, the deployment.
    locked = short_lived.run("up", CELL, "--skip-preview")
    assert locked.code != 0
    assert "locked" in locked.output
    short_lived.project.must(short_lived.project.command("cancel", CELL, "--yes"))
    pending = {
        operation["resource"]["urn"].rsplit("::", 1)[-1]: operation["resource"]
        for operation in short_lived.project.state(CELL)["pending_operations"]
    }
    assert pending.keys() >= {*CREATED, *NOT_CREATED}
    short_lived.project.must(short_lived.project.operation("refresh", CELL, "--clear-pending-creates"))
    # What is not imported is refused as a duplicate, as AWS does: an interrupted creation does not go unnoticed.
    refused = short_lived.run("up", CELL, "--skip-preview")
    assert refused.code != 0
    assert "xists" in refused.output, refused.output
    _import(short_lived, [pending[name] | {"id": id_} for name, id_ in ids.items()], tmp_path / "import.json")
    short_lived.up(CELL)

    assert not short_lived.project.state(CELL).get("pending_operations")
    keys = short_lived.context.call("kms", CELL, "DescribeKey", {"KeyId": "alias/meridian-cell-telemetry"})
    assert keys["KeyMetadata"]["KeyId"] == ids["meridian-keys-telemetry"]


def test_a_recovered_deployment_has_nothing_left_to_do(short_lived: Environment) -> None:
    short_lived.up(CELL, "--expect-no-changes")


def test_a_killed_replacement_is_recovered_by_the_runbook(short_lived: Environment, tmp_path: Path) -> None:
    # A log group's class can not be changed, and its name is ours: the provider deletes it before it makes the new one.
    another_class = f'log_group_class="INFREQUENT_ACCESS" if name == "{REPLACED}" else None,'
    with short_lived.changed(
        "components/logs.py", "retention_in_days=", f"{another_class}\n        retention_in_days="
    ):
        shown = short_lived.run("preview", CELL, "--diff")
        assert "(delete-replaced)" in shown.output or "(replace)" in shown.output, shown.output
        _kill(short_lived, tmp_path, after=(), before=(REPLACED,))
        assert not _log_groups(short_lived)
        short_lived.project.must(short_lived.project.command("cancel", CELL, "--yes"))
        pending = short_lived.project.state(CELL)["pending_operations"]
        assert REPLACED in {operation["resource"]["urn"].rsplit("::", 1)[-1] for operation in pending}
        # Nothing of it exists, so there is nothing to import.
        short_lived.project.must(short_lived.project.operation("refresh", CELL, "--clear-pending-creates"))
        short_lived.up(CELL)
        short_lived.up(CELL, "--expect-no-changes")

    assert _log_groups(short_lived) == [REPLACED_GROUP]


def test_the_end_of_a_short_lived_environment_leaves_nothing(short_lived: Environment) -> None:
    assert len(leftovers(short_lived, CELL)) > 100
    # What other users of the account may rely on: the role of API Gateway's logs, the service role of ECS.
    shared = {
        resource["id"]
        for stack in (CELL, "global")
        for resource in short_lived.project.state(stack)["resources"]
        if resource.get("retainOnDelete")
    }

    for stack in (CELL, "global"):
        short_lived.project.must(short_lived.project.operation("destroy", stack))

    assert {line.split(" ", 1)[1] for line in leftovers(short_lived, CELL)} - shared == set()


def _import(environment: Environment, resources: list[dict[str, Any]], file: Path) -> None:
    """Take resources that exist into the state: type, name, id, and the parent by its URN."""
    wanted = {
        "nameTable": {f"parent{index}": resource["parent"] for index, resource in enumerate(resources)},
        "resources": [
            {
                "type": resource["type"],
                "name": resource["urn"].rsplit("::", 1)[-1],
                "id": resource["id"],
                "parent": f"parent{index}",
            }
            for index, resource in enumerate(resources)
        ],
    }
    file.write_text(json.dumps(wanted), encoding="utf-8")
    options = ["--file", str(file), "--generate-code=false", "--protect=false"]
    environment.project.must(environment.project.operation("import", CELL, *options))


def _log_groups(environment: Environment) -> list[str]:
    known = {"logGroupNamePrefix": REPLACED_GROUP}
    return [
        group["logGroupName"]
        for group in environment.context.call("logs", CELL, "DescribeLogGroups", known)["logGroups"]
        if group["logGroupName"] == REPLACED_GROUP
    ]


def _kill(environment: Environment, held: Path, *, after: Sequence[str], before: Sequence[str]) -> dict[str, str]:
    """Kill the engine when all of these creations are held; returns the ids of what was created."""
    variables = {
        slow_provider.HOLD_AFTER: " ".join(after),
        slow_provider.HOLD_BEFORE: " ".join(before),
        slow_provider.HELD_IN: str(held),
    }
    project = replace(environment.project, environment=dict(environment.project.environment) | variables)
    up = project.start(project.operation("up", CELL, "--skip-preview"))
    wanted = {*after, *before}

    def names() -> set[str]:
        return {file.name for file in held.iterdir()}

    wait_until(lambda: wanted <= names() or up.poll() is not None, seconds=300)
    family = psutil.Process(up.pid).children(recursive=True) if up.poll() is None else []
    for process in family:
        if process.name() == "pulumi":
            process.kill()
    output = up.communicate()[0]
    assert psutil.wait_procs(family, timeout=5)[1] == []
    assert wanted <= names(), output
    return {name: (held / name).read_text(encoding="utf-8") for name in after}
