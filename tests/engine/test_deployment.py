"""What `pulumi up`, `preview` and `refresh` do to the program as it is; the last test adds a Region."""

from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.engine.conftest import CELLS
from tests.engine.environment import Environment

COMMANDS_QUEUE = "meridian-checkout-commands"


def test_each_cell_finds_what_the_global_stack_exports(shop: Environment) -> None:
    outputs = _outputs(shop, "global")

    for region in CELLS:
        references = [r for r in shop.project.state(region)["resources"] if r["type"] == "pulumi:pulumi:StackReference"]
        assert [r["outputs"]["outputs"]["tables"] for r in references] == [outputs["tables"]]
        replica = outputs["tables"]["checkout"]["arns"][region]
        described = shop.context.call("dynamodb", region, "DescribeTable", {"TableName": "meridian-checkout"})
        assert described["Table"]["TableArn"] == replica


def test_a_second_deployment_of_a_stack_changes_nothing(shop: Environment) -> None:
    shop.up("global", "--expect-no-changes")
    shop.up_together(CELLS, "--expect-no-changes")


def test_a_preview_of_a_cell_does_not_break_at_what_global_is_only_about_to_have(shop: Environment) -> None:
    with shop.changed("components/global_outputs.py", '_TABLES: Final = "tables"', '_TABLES: Final = "tables_to_come"'):
        shown = shop.run("preview", "us-east-1", "--diff")
        refused = shop.run("up", "us-east-1", "--skip-preview")

    assert shown.code == 0, shown.output
    assert refused.code != 0
    assert "has no output tables_to_come" in refused.output


def test_another_size_is_shown_as_an_update_in_place(shop: Environment) -> None:
    sizes = shop.configuration("Pulumi.us-east-1.yaml")["meridian:sizes"]
    before = (shop.project.tree / "Pulumi.us-east-1.yaml").read_text(encoding="utf-8")

    shop.configure("Pulumi.us-east-1.yaml", {"meridian:sizes": sizes | {"functions": {"memory": 1024}}})
    shown = shop.run("preview", "us-east-1", "--diff")
    (shop.project.tree / "Pulumi.us-east-1.yaml").write_text(before, encoding="utf-8")

    assert shown.code == 0, shown.output
    assert "~ aws:lambda/function:Function: (update)" in shown.output
    assert "~ memorySize: 512 => 1024" in shown.output
    assert "(replace)" not in shown.output


@dataclass(frozen=True)
class Replacing:
    """A change of the program that replaces what holds data."""

    file: str
    old: str
    new: str
    type: str
    property: str


REPLACEMENTS = {
    "a table's key": Replacing(
        "components/global_data.py", 'hash_key="pk"', 'hash_key="id"', "aws:dynamodb/table:Table", "hashKey"
    ),
    "a key at rest": Replacing(
        "components/encryption.py",
        "enable_key_rotation=True,",
        "enable_key_rotation=True,\n            multi_region=True,",
        "aws:kms/key:Key",
        "multiRegion",
    ),
}


@pytest.mark.parametrize("change", REPLACEMENTS.values(), ids=REPLACEMENTS.keys())
def test_a_replacement_of_what_holds_data_is_shown_and_refused(shop: Environment, change: Replacing) -> None:
    before = _ids(shop, "global", change.type)

    with shop.changed(change.file, change.old, change.new):
        shown = shop.run("preview", "global", "--diff")
        refused = shop.run("up", "global", "--skip-preview")

    for result in (shown, refused):
        assert result.code != 0
        assert 'unable to replace resource "urn:pulumi:global::meridian::' in result.output
        assert f"{change.type}::" in result.output
        assert "as it is currently marked for protection" in result.output
    assert len(before) > 1
    assert _ids(shop, "global", change.type) == before


def test_another_key_of_a_replica_is_shown_as_an_update_and_refused_by_the_service(shop: Environment) -> None:
    # The provider makes a replica anew to encrypt it otherwise, and DynamoDB does not delete a protected one.
    with shop.changed(
        "components/global_data.py",
        "kms_key_arn=self.data_key_arns[other.region],",
        'kms_key_arn=self.data_key_arns[other.region].apply(lambda arn: arn[:-1] + "0"),',
    ):
        shown = shop.run("preview", "global", "--diff")
        refused = shop.run("up", "global", "--skip-preview")

    assert shown.code == 0, shown.output
    assert "~ kmsKeyArn" in shown.output
    assert refused.code != 0
    assert "protected against deletion" in refused.output
    shop.up("global", "--refresh")
    replica = shop.context.call("dynamodb", CELLS[1], "DescribeTable", {"TableName": "meridian-checkout"})["Table"]
    assert replica["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("verb", ["preview", "up"])
def test_the_policy_pack_blocks_what_breaks_a_rule(shop: Environment, verb: str) -> None:
    skipped = ["--skip-preview"] if verb == "up" else []

    with shop.changed("components/cell_data.py", "RecoveryArgs(enabled=True)", "RecoveryArgs(enabled=False)"):
        shown = shop.run(verb, "us-east-1", *skipped)

    assert shown.code != 0
    assert "[mandatory]" in shown.output
    assert "point-in-time" in shown.output
    described = shop.context.call(
        "dynamodb", "us-east-1", "DescribeContinuousBackups", {"TableName": "meridian-loyalty-projections"}
    )["ContinuousBackupsDescription"]
    assert described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_refresh_of_what_nobody_touched_finds_nothing(shop: Environment) -> None:
    for stack in ("global", *CELLS):
        found = shop.run("refresh", stack, "--preview-only", "--expect-no-changes")
        assert found.code == 0, found.output


def test_a_refresh_finds_what_was_changed_by_hand_and_a_deployment_sets_it_right(shop: Environment) -> None:
    region = CELLS[1]
    url = shop.context.call("sqs", region, "GetQueueUrl", {"QueueName": COMMANDS_QUEUE})["QueueUrl"]
    declared = _visibility_timeout(shop, url, region)
    by_hand = {"QueueUrl": url, "Attributes": {"VisibilityTimeout": "7"}}
    shop.context.call("sqs", region, "SetQueueAttributes", by_hand)

    shop.context.call("sqs", region, "TagQueue", {"QueueUrl": url, "Tags": {"Component": "by-hand"}})

    found = shop.run("refresh", region, "--preview-only", "--expect-no-changes", "--diff")
    shop.up(region, "--refresh")

    assert found.code != 0
    assert f"visibilityTimeoutSeconds: {declared} => 7" in found.output
    assert '=> "by-hand"' in found.output
    assert found.output.count("(update)") == 1, found.output
    assert _visibility_timeout(shop, url, region) == declared
    tags = shop.context.call("sqs", region, "ListQueueTags", {"QueueUrl": url})["Tags"]
    assert tags["Component"] != "by-hand"


def test_an_environment_with_data_is_not_destroyed_and_says_what_to_do(shop: Environment) -> None:
    refused = shop.run("destroy", "us-east-1")

    assert refused.code != 0
    assert "cannot be deleted" in refused.output
    assert "pulumi state unprotect" in refused.output
    assert shop.context.call("dynamodb", "us-east-1", "DescribeTable", {"TableName": "meridian-loyalty-projections"})


def test_a_third_region_joins_without_a_line_of_python(shop: Environment) -> None:
    new = "ap-southeast-2"
    tree = shop.project.tree
    shared = yaml.safe_load((tree / "Pulumi.yaml").read_text(encoding="utf-8"))
    shared["config"]["meridian:regions"]["default"].append(new)
    (tree / "Pulumi.yaml").write_text(yaml.safe_dump(shared), encoding="utf-8")
    sizes = shop.configuration("Pulumi.us-east-1.yaml")["meridian:sizes"]
    shop.configure(f"Pulumi.{new}.yaml", {"meridian:cidr": "10.48.0.0/16", "meridian:sizes": sizes})

    shop.project.make_stacks([new])
    shop.up("global")
    shop.up_together([new, *CELLS])

    replicas = shop.context.call("dynamodb", "us-east-1", "DescribeTable", {"TableName": "meridian-checkout"})
    assert {replica["RegionName"] for replica in replicas["Table"]["Replicas"]} >= {"eu-west-1", new}
    assert shop.context.call("sqs", new, "GetQueueUrl", {"QueueName": COMMANDS_QUEUE})
    rules = shop.context.call("events", "us-east-1", "ListRules", {"EventBusName": "meridian"})["Rules"]
    assert f"meridian-forward-to-{new}" in {rule["Name"] for rule in rules}


def _ids(environment: Environment, stack: str, type_: str) -> list[str]:
    return [resource["id"] for resource in environment.project.state(stack)["resources"] if resource["type"] == type_]


def _outputs(environment: Environment, stack: str) -> dict[str, Any]:
    [root] = [r for r in environment.project.state(stack)["resources"] if r["type"] == "pulumi:pulumi:Stack"]
    return root["outputs"]


def _visibility_timeout(environment: Environment, url: str, region: str) -> int:
    known = {"QueueUrl": url, "AttributeNames": ["VisibilityTimeout"]}
    answer = environment.context.call("sqs", region, "GetQueueAttributes", known)
    return int(answer["Attributes"]["VisibilityTimeout"])
