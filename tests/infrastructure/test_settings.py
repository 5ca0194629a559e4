"""Bad configuration stops the program before any resource, with a message that a person can act on."""

import json
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from bench.capacity.limits import REQUESTED
from components.checkout_saga_states import LONGEST_WAY_FORWARD_SECONDS
from components.settings import Architecture, Context, SettingsError, build_settings
from local.program import ROOT, evaluate
from local.project import stack_configuration
from local.recording import RecordingMonitor
from tests.infrastructure.trees import add_region, change_config, read_yaml, write_config

DIGEST = "sha256:" + "0" * 64


def cell(**changes: object) -> Mapping[str, object]:
    return {**stack_configuration("us-east-1"), **{f"meridian:{key}": value for key, value in changes.items()}}


def test_a_cell_knows_its_region_and_what_is_its_own() -> None:
    settings = build_settings(stack="us-east-1", directory=ROOT, values=cell())

    assert settings.region == "us-east-1"
    assert settings.other_regions == ("eu-west-1",)
    assert settings.architecture is Architecture.ARM64
    assert settings.cell.cidr == IPv4Network("10.16.0.0/16")
    assert not settings.ephemeral
    with pytest.raises(SettingsError, match="is a cell"):
        _ = settings.global_


def test_the_global_stack_has_no_region() -> None:
    values = {**stack_configuration("global"), "meridian:imageDigests": json.dumps({"checkout": DIGEST})}

    settings = build_settings(stack="global", directory=ROOT, values=values)

    assert settings.global_.image_digests == {Context.CHECKOUT: DIGEST}
    with pytest.raises(SettingsError, match="has no Region"):
        _ = settings.region


def test_settings_can_not_be_changed() -> None:
    settings = build_settings(stack="us-east-1", directory=ROOT, values=cell())

    with pytest.raises(ValueError, match="frozen"):
        settings.domain = "other.example"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("changes", "key", "value", "rule", "file"),
    [
        ({"cidr": "10.16.0.0/33"}, "meridian:cidr", "10.16.0.0/33", "IPv4 network", "Pulumi.us-east-1.yaml"),
        ({"cidr": "8.8.0.0/16"}, "meridian:cidr", "8.8.0.0/16", "private ranges", "Pulumi.us-east-1.yaml"),
        ({"cidr": "10.16.0.0/24"}, "meridian:cidr", "10.16.0.0/24", "between /16", "Pulumi.us-east-1.yaml"),
        ({"cidr": "10.16.3.0/16"}, "meridian:cidr", "10.16.3.0/16", "IPv4 network", "Pulumi.us-east-1.yaml"),
        ({"cidr": "10.32.128.0/17"}, "meridian:cidr", "10.32.128.0/17", "eu-west-1.yaml", "Pulumi.us-east-1.yaml"),
        ({"nat": "perhaps"}, "meridian:nat", "perhaps", "boolean", "Pulumi.us-east-1.yaml"),
        ({"cdir": "10.0.0.0/16"}, "meridian:cdir", "10.0.0.0/16", "no such setting", "Pulumi.us-east-1.yaml"),
        ({"sizes": "{"}, "meridian:sizes", "{", "Sizes", "Pulumi.us-east-1.yaml"),
        ({"architecture": "mips"}, "meridian:architecture", "mips", "'arm64' or 'x86_64'", "Pulumi.yaml"),
        ({"domain": "Not A Domain"}, "meridian:domain", "Not A Domain", "match pattern", "Pulumi.yaml"),
        ({"regions": '["us-east-1", "moon-1"]'}, "meridian:regions[1]", "moon-1", "AWS Region", "Pulumi.yaml"),
        ({"regions": '["us-east-1", "cn-north-1"]'}, "meridian:regions[1]", "cn-north-1", "commercial", "Pulumi.yaml"),
        ({"regions": '["us-east-1", "us-east-1"]'}, "meridian:regions[1]", "us-east-1", "once", "Pulumi.yaml"),
        ({"regions": '["eu-west-1"]'}, "meridian:regions", "eu-west-1", "'us-east-1' must be in", "Pulumi.yaml"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_key_value_rule_and_file(
    changes: dict[str, object], key: str, value: str, rule: str, file: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        build_settings(stack="us-east-1", directory=ROOT, values=cell(**changes))

    message = str(refusal.value)
    assert message.startswith(f"{file}: {key} is ")
    assert value in message
    assert rule in message


@pytest.mark.parametrize(
    ("sizes", "key"),
    [
        ({"projector": {"cpu": 256, "memory": 4096, "minimum": 1, "maximum": 2}}, "sizes.projector.memory"),
        ({"projector": {"cpu": 256, "memory": 512, "minimum": 3, "maximum": 2}}, "sizes.projector.maximum"),
        ({"projector": {"cpu": 300, "memory": 512, "minimum": 1, "maximum": 2}}, "sizes.projector.cpu"),
        ({"api": {"requestsPerSecond": 0, "burst": 1}}, "sizes.api.requestsPerSecond"),
        ({"functions": {"memory": 512, "timeout": 9}}, "sizes.functions.timeout"),
    ],
)
def test_a_bad_size_is_refused_by_its_path(sizes: dict[str, object], key: str) -> None:
    good = json.loads(stack_configuration("us-east-1")["meridian:sizes"])

    with pytest.raises(SettingsError, match=f"^Pulumi.us-east-1.yaml: meridian:{key} is "):
        build_settings(stack="us-east-1", directory=ROOT, values=cell(sizes=json.dumps({**good, **sizes})))


def test_a_cell_can_be_set_to_what_the_simulation_of_its_busiest_day_asks_for() -> None:
    good = json.loads(stack_configuration("us-east-1")["meridian:sizes"])
    sizes = {
        **good,
        "api": {"requestsPerSecond": REQUESTED.gateway_requests, "burst": REQUESTED.gateway_burst},
        "orders": {"sagaStartsPerSecond": REQUESTED.start_executions},
    }

    settings = build_settings(stack="us-east-1", directory=ROOT, values=cell(sizes=json.dumps(sizes)))

    assert settings.cell.sizes.api.requests_per_second == REQUESTED.gateway_requests
    assert settings.cell.sizes.api.burst == REQUESTED.gateway_burst
    assert settings.cell.sizes.orders.saga_starts_per_second == REQUESTED.start_executions


def test_a_missing_value_is_named() -> None:
    values = {key: value for key, value in cell().items() if key != "meridian:cidr"}

    with pytest.raises(SettingsError, match=r"^Pulumi.us-east-1.yaml: meridian:cidr is not set; must be set$"):
        build_settings(stack="us-east-1", directory=ROOT, values=values)


@pytest.mark.parametrize(
    ("key", "value"),
    [("meridian:cidr", "10.0.0.0/16"), ("meridan:ephemeral", "true"), ("meridian:imageDigest", "{}")],
)
def test_the_global_stack_refuses_a_key_that_is_not_its_own(key: str, value: str) -> None:
    values = {**stack_configuration("global"), key: value}

    with pytest.raises(SettingsError, match=f"^Pulumi.global.yaml: {key} is '.*'; no such setting"):
        build_settings(stack="global", directory=ROOT, values=values)


def test_an_unknown_key_of_all_stacks_is_found_in_the_shared_file(tree: Path) -> None:
    project = read_yaml(tree / "Pulumi.yaml")
    project["config"]["meridian:domian"] = "x.example"
    (tree / "Pulumi.yaml").write_text(json.dumps(project), encoding="utf-8")

    with pytest.raises(SettingsError, match=r"^Pulumi.yaml: meridian:domian is 'x.example'; no such setting"):
        build_settings(stack="global", directory=tree, values=stack_configuration("global", directory=tree))


@pytest.mark.parametrize("digests", [{"checkout": "latest"}, {"payments": DIGEST}])
def test_an_image_is_named_by_a_known_context_and_a_digest(digests: dict[str, str]) -> None:
    values = {**stack_configuration("global"), "meridian:imageDigests": json.dumps(digests)}

    with pytest.raises(SettingsError, match=r"^Pulumi.global.yaml: meridian:imageDigests\."):
        build_settings(stack="global", directory=ROOT, values=values)


@pytest.mark.parametrize("stack", ["us-east-1", "global"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("meridian:architecture", "x86_64"),
        ("meridian:domain", "Not A Domain"),
        ("meridian:regions", ["us-east-1"]),
        ("architecture", "x86_64"),  # the engine takes a key without a namespace for the project's own
    ],
)
def test_what_holds_for_all_stacks_is_refused_in_the_file_of_one(
    tree: Path, stack: str, key: str, value: object
) -> None:
    file = tree / f"Pulumi.{stack}.yaml"
    write_config(file, {**read_yaml(file)["config"], key: value})

    with pytest.raises(SettingsError) as refusal:
        build_settings(stack=stack, directory=tree, values=stack_configuration(stack, directory=tree))

    (line,) = str(refusal.value).splitlines()
    assert line.startswith(f"Pulumi.{stack}.yaml: meridian:{key.removeprefix('meridian:')} is ")
    assert str(value).strip("[']") in line
    assert line.endswith("; belongs in Pulumi.yaml, it holds for all stacks")


# The engine takes a key without a namespace for the project's own.
@pytest.mark.parametrize("key", ["meridian:cidr", "cidr"])
def test_a_block_may_overlap_with_no_other_cell_even_one_that_is_not_in_the_list_yet(tree: Path, key: str) -> None:
    write_config(tree / "Pulumi.ap-south-1.yaml", {key: "10.16.128.0/18"})

    with pytest.raises(SettingsError, match=r"must not overlap with 10.16.128.0/18, which Pulumi.ap-south-1.yaml uses"):
        build_settings(stack="us-east-1", directory=tree, values=stack_configuration("us-east-1", directory=tree))


def test_a_file_that_is_no_yaml_is_named(tree: Path) -> None:
    (tree / "Pulumi.eu-west-1.yaml").write_text("config: {meridian:cidr: [", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"^Pulumi.eu-west-1.yaml: can not be read as YAML; "):
        build_settings(stack="us-east-1", directory=tree, values=stack_configuration("us-east-1", directory=tree))


@pytest.mark.parametrize("stack", ["us-east-1", "eu-west-1"])
def test_bad_configuration_stops_the_program_before_any_resource(tree: Path, stack: str) -> None:
    change_config(tree, stack, cidr="10.1.0.0/30")
    monitor = RecordingMonitor(stack, references={"global": {}})

    with pytest.raises(Exception, match=f"Pulumi.{stack}.yaml: meridian:cidr is '10.1.0.0/30'"):
        evaluate(monitor=monitor, stack=stack, directory=tree)

    assert len(monitor.graph) == 0


def test_a_stack_outside_the_list_of_regions_is_refused(tree: Path) -> None:
    write_config(tree / "Pulumi.ap-south-1.yaml", read_yaml(tree / "Pulumi.us-east-1.yaml")["config"])
    monitor = RecordingMonitor("ap-south-1", references={"global": {}})

    with pytest.raises(Exception, match=r"Pulumi.yaml: meridian:regions is .*'ap-south-1' must be in this list"):
        evaluate(monitor=monitor, stack="ap-south-1", directory=tree)

    assert len(monitor.graph) == 0


def test_the_third_entry_of_the_list_needs_its_file(tree: Path) -> None:
    add_region(tree, "ap-south-1")

    values = stack_configuration("us-east-1", directory=tree)

    assert build_settings(stack="us-east-1", directory=tree, values=values).other_regions == ("eu-west-1", "ap-south-1")


def _with_reservations_of(minutes: int) -> Mapping[str, object]:
    values = stack_configuration("us-east-1")
    sizes = json.loads(str(values["meridian:sizes"]))
    return {**values, "meridian:sizes": json.dumps({**sizes, "orders": {"reservationMinutes": minutes}})}


def test_a_reservation_outlives_its_sagas_longest_way_forward() -> None:
    # Three steps of six attempts: 20 s each, and 31 s between them.
    assert LONGEST_WAY_FORWARD_SECONDS == 453
    settings = build_settings(stack="us-east-1", directory=ROOT, values=_with_reservations_of(8))
    assert settings.cell.sizes.orders.reservation_minutes == 8

    with pytest.raises(SettingsError, match=r"^Pulumi.us-east-1.yaml: meridian:sizes\.orders\.reservationMinutes is 7"):
        build_settings(stack="us-east-1", directory=ROOT, values=_with_reservations_of(7))
