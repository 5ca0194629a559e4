"""What the workflows ask the tree."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components.images import PLATFORMS
from components.settings import Architecture
from local.project import stack_names
from pipelines.__main__ import RUNNERS, main
from pipelines.bake import CellInAlarmError, bake
from pipelines.images import MixedImagesError, settings_of_deployed
from pipelines.project import ROOT, architecture

DIGEST, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


class CloudWatch:
    """Alarms in one state after the other, a step a question."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.prefixes: set[str] = set()

    def get_paginator(self, operation: str) -> "CloudWatch":
        assert operation == "describe_alarms"
        return self

    def paginate(self, **question: Any) -> list[dict[str, Any]]:
        self.prefixes.add(question["AlarmNamePrefix"])
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        alarms = [{"AlarmName": "meridian-checkout-api-errors", "StateValue": state}] if state else []
        return [{"MetricAlarms": []}, {"MetricAlarms": alarms}]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def baked(cloudwatch: CloudWatch, clock: Clock) -> None:
    bake(cloudwatch, region="eu-west-1", minutes=30, clock=clock, wait=clock.wait)  # pyright: ignore[reportArgumentType]


def test_a_quiet_cell_is_watched_for_the_whole_time() -> None:
    clock, cloudwatch = Clock(), CloudWatch("OK", "INSUFFICIENT_DATA", "OK")

    baked(cloudwatch, clock)

    assert clock.now == 30 * 60
    assert cloudwatch.prefixes == {"meridian-"}


def test_the_first_alarm_stops_the_roll_out() -> None:
    clock = Clock()

    with pytest.raises(CellInAlarmError, match=r"eu-west-1 has raised meridian-checkout-api-errors"):
        baked(CloudWatch("OK", "OK", "OK", "ALARM", "OK"), clock)

    assert clock.now == 60


def test_a_cell_without_alarms_is_no_quiet_cell() -> None:
    with pytest.raises(CellInAlarmError, match="no alarm"):
        baked(CloudWatch(""), Clock())


def test_the_deployed_images_are_said_in_the_words_of_the_settings() -> None:
    images = {"loyalty": {"us-east-1": f"a.example/l@{DIGEST}", "eu-west-1": f"b.example/l@{DIGEST}"}}

    assert settings_of_deployed(images) == {"meridian:imageDigests.loyalty": DIGEST}


def test_regions_with_different_images_have_no_deployed_one() -> None:
    with pytest.raises(MixedImagesError, match="loyalty"):
        settings_of_deployed({"loyalty": {"us-east-1": f"a@{DIGEST}", "eu-west-1": f"b@{OTHER}"}})


def test_the_stacks_are_those_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stacks"]) == 0

    assert json.loads(capsys.readouterr().out) == stack_names()


def test_images_are_built_for_the_processor_that_pulumi_yaml_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert PLATFORMS.keys() == RUNNERS.keys() == set(Architecture)
    shared = (ROOT / "Pulumi.yaml").read_text(encoding="utf-8").replace("default: arm64", "default: x86_64")
    (tmp_path / "Pulumi.yaml").write_text(shared, encoding="utf-8")
    monkeypatch.setattr("pipelines.__main__.architecture", partial(architecture, tmp_path))

    main(["platform"])
    main(["runner"])

    assert capsys.readouterr().out.split() == ["linux/amd64", "ubuntu-24.04"]


def test_an_image_is_known_by_its_sources(capsys: pytest.CaptureFixture[str]) -> None:
    main(["source-digest", "checkout"])
    first = capsys.readouterr().out
    main(["source-digest", "loyalty"])

    assert len(first.strip()) == 20
    assert first != capsys.readouterr().out
