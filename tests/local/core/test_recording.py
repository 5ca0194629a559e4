"""The program is evaluated stack by stack, and everything that it declares is recorded."""

import textwrap
from pathlib import Path

import pytest
from pulumi.output import Unknown

from local.program import evaluate
from local.project import ProgramError, stack_configuration, stack_names
from local.recording import DuplicateResourceError, RecordingMonitor, UnknownStackError, record

PROGRAM = """
import pulumi, pulumi_aws as aws
config = pulumi.Config()
class Box(pulumi.ComponentResource):
    def __init__(self, name, region):
        super().__init__("meridian:data:Box", name)
        self.queue = aws.sqs.Queue(f"{name}-queue", name="jobs", region=region, delay_seconds=3,
            opts=pulumi.ResourceOptions(parent=self, protect=True, ignore_changes=["tags"]))
        self.register_outputs({"queue": self.queue.arn})
if pulumi.get_stack() == "global":
    table = aws.dynamodb.Table("table", name="table", region="us-east-1", hash_key="pk", billing_mode="PAY_PER_REQUEST",
        attributes=[{"name": "pk", "type": "S"}], stream_enabled=True, replicas=[{"region_name": "eu-west-1"}])
    pulumi.export("table", table.name)
    pulumi.export("regions", config.require_object("regions"))
else:
    shared = pulumi.StackReference(f"{pulumi.get_organization()}/{pulumi.get_project()}/global")
    box = Box("box", pulumi.get_stack())
    pulumi.export("queue", box.queue.arn)
    pulumi.export("shared", shared.get_output("table"))
    pulumi.export("cidr", config.require("cidr"))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(
        textwrap.dedent("""
        name: meridian
        runtime: python
        config:
          meridian:regions: {type: array, items: {type: string}, default: [us-east-1, eu-west-1]}
          meridian:domain: {value: shop.example}
          meridian:cidr: {type: string}
        """)
    )
    (tmp_path / "Pulumi.global.yaml").write_text("config: {}\n")
    (tmp_path / "Pulumi.us-east-1.yaml").write_text("config: {meridian:cidr: 10.0.0.0/16}\n")
    (tmp_path / "Pulumi.eu-west-1.yaml").write_text("config: {meridian:cidr: 10.1.0.0/16}\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return tmp_path


def test_each_stack_is_evaluated_with_its_own_configuration_and_the_outputs_of_the_global_one(tree: Path) -> None:
    before = Path.cwd()

    stacks = record(tree)

    assert list(stacks) == ["global", "us-east-1", "eu-west-1"]
    assert stacks["global"].graph.outputs == {"table": "table", "regions": ["us-east-1", "eu-west-1"]}
    assert stacks["eu-west-1"].graph.outputs == {
        "queue": "arn:aws:sqs:eu-west-1:123456789012:jobs",
        "shared": "table",
        "cidr": "10.1.0.0/16",
    }
    assert Path.cwd() == before


def test_the_record_keeps_parent_options_and_numbers_as_declared(tree: Path) -> None:
    graph = record(tree)["us-east-1"].graph

    queue = graph.named("aws:sqs/queue:Queue", "box-queue")

    assert queue.urn == "urn:pulumi:us-east-1::meridian::meridian:data:Box$aws:sqs/queue:Queue::box-queue"
    assert graph.children(queue.parent) == [queue]
    assert queue.protect
    assert queue.ignore_changes == ("tags",)
    assert queue.inputs["delaySeconds"] == 3
    assert isinstance(queue.inputs["delaySeconds"], int)
    assert queue.region == "us-east-1"
    assert queue.source_position.endswith("__main__.py:7")


def test_replicas_carry_their_own_stream(tree: Path) -> None:
    table = record(tree)["global"].graph.named("aws:dynamodb/table:Table", "table")

    [replica] = table.outputs["replicas"]

    assert replica["regionName"] == "eu-west-1"
    assert replica["streamArn"].startswith("arn:aws:dynamodb:eu-west-1:123456789012:table/table/stream/")


def test_in_preview_only_declared_values_are_known(tree: Path) -> None:
    graph = record(tree, preview=True)["us-east-1"].graph

    queue = graph.named("aws:sqs/queue:Queue", "box-queue")

    assert queue.id == ""
    assert "arn" not in queue.outputs
    assert isinstance(graph.outputs["queue"], Unknown)
    assert graph.outputs["shared"] == "table"


def test_a_urn_that_is_declared_twice_is_refused_with_both_places(tree: Path) -> None:
    (tree / "__main__.py").write_text("import pulumi_aws as aws\naws.sqs.Queue('q')\naws.sqs.Queue('q')\n")

    with pytest.raises(DuplicateResourceError, match=r"__main__\.py:2 and .*__main__\.py:3"):
        evaluate(monitor=RecordingMonitor("global"), stack="global", directory=tree)


def test_an_error_of_the_program_reaches_the_caller_and_leaves_the_working_directory(tree: Path) -> None:
    (tree / "__main__.py").write_text("raise ValueError('the CIDR is wrong')\n")
    before = Path.cwd()

    with pytest.raises(ValueError, match="the CIDR is wrong"):
        evaluate(monitor=RecordingMonitor("global"), stack="global", directory=tree)

    assert Path.cwd() == before


def test_a_reference_to_a_stack_that_was_not_evaluated_is_refused(tree: Path) -> None:
    with pytest.raises(UnknownStackError, match="organization/meridian/global"):
        evaluate(monitor=RecordingMonitor("us-east-1"), stack="us-east-1", directory=tree)


def test_structured_configuration_reaches_the_program_as_json_as_the_engine_hands_it_over(tree: Path) -> None:
    assert stack_configuration("us-east-1", directory=tree) == {
        "meridian:regions": '["us-east-1", "eu-west-1"]',
        "meridian:domain": "shop.example",
        "meridian:cidr": "10.0.0.0/16",
    }


def test_a_stack_without_a_file_is_refused(tree: Path) -> None:
    (tree / "Pulumi.eu-west-1.yaml").unlink()

    with pytest.raises(ProgramError, match=r"Pulumi\.eu-west-1\.yaml"):
        stack_configuration("eu-west-1", directory=tree)


def test_the_global_stack_comes_first(tree: Path) -> None:
    assert stack_names(tree) == ["global", "us-east-1", "eu-west-1"]
