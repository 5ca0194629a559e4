"""The workflows are pinned, ask for no more rights than they use, and are what the linter of GitHub Actions accepts."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.program import ROOT

FOLDER = ROOT / ".github"
FILES = sorted([*FOLDER.glob("workflows/*.yml"), *FOLDER.glob("actions/*/action.yml")])
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# A job may write these, and nothing else is ever written.
WRITES = {
    ("pull-request", "preview"): {"id-token"},
    ("pull-request", "comment"): {"pull-requests"},
    ("deploy", "image"): {"id-token"},
    ("deploy", "global"): {"id-token"},
    ("deploy", "cell"): {"id-token"},
    ("drift", "drift"): {"id-token"},
}


def workflows() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in FOLDER.glob("workflows/*.yml"):
        yield path.stem, yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for workflow, content in workflows():
        for name, job in content["jobs"].items():
            yield workflow, name, job


def commands(job: Mapping[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job.get("steps", []))


def unpinned(text: str) -> list[str]:
    used = [line.strip().removeprefix("- ") for line in text.splitlines() if "uses:" in line]
    return [line for line in used if not line.startswith("uses: ./") and not PINNED.fullmatch(line)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_actions_are_pinned_by_the_hash_of_a_commit_with_its_version_beside_it(path: Path) -> None:
    assert unpinned(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("reference", ["actions/checkout@v5", "actions/checkout@main", f"actions/checkout@{'a' * 40}"])
def test_an_action_that_may_move_is_found(reference: str) -> None:
    assert unpinned(f"      - uses: {reference}\n")


def test_an_action_has_the_same_version_everywhere() -> None:
    used: dict[str, set[str]] = {}
    for path in FILES:
        for action, version in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", path.read_text(encoding="utf-8")):
            used.setdefault(action, set()).add(version)

    assert {action: versions for action, versions in used.items() if len(versions) > 1} == {}


def test_workflows_read_and_jobs_write_what_they_must() -> None:
    for name, workflow in workflows():
        assert workflow["permissions"] == {"contents": "read"}, name
    written = {
        (workflow, name): {what for what, right in job.get("permissions", {}).items() if right == "write"}
        for workflow, name, job in jobs()
    }
    assert {job: rights for job, rights in written.items() if rights} == WRITES


def test_nothing_keeps_credentials() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert "secrets." not in text
        assert text.count("actions/checkout@") == text.count("persist-credentials: false"), path
        assert "pull_request_target" not in text


def test_no_text_of_a_contributor_becomes_a_command() -> None:
    for _, _, job in jobs():
        assert "${{" not in commands(job)


def test_every_preview_and_every_deployment_has_the_policy_pack() -> None:
    found = [
        line for _, _, job in jobs() for line in commands(job).splitlines() if re.search(r"pulumi (preview|up) ", line)
    ]

    assert len(found) == 3
    assert [line for line in found if "--policy-pack policies" not in line] == []


def test_cells_are_deployed_one_by_one_and_baked_and_the_first_failure_is_the_last() -> None:
    cell = dict(workflows())["deploy"]["jobs"]["cell"]

    assert cell["strategy"]["max-parallel"] == 1
    assert cell["strategy"]["fail-fast"] is True
    assert "global" in cell["needs"]
    assert commands(cell).index("pulumi up") < commands(cell).index("pipelines bake")


def test_credentials_last_as_long_as_their_job_may_take() -> None:
    for workflow, name, job in jobs():
        for step in job.get("steps", []):
            if step.get("with", {}).get("role"):
                assert int(step["with"].get("seconds", 3600)) >= job["timeout-minutes"] * 60, (workflow, name)


def test_images_are_built_for_the_processor_of_the_program() -> None:
    image = dict(workflows())["deploy"]["jobs"]["image"]

    assert image["runs-on"] == "${{ needs.plan.outputs.runner }}"
    assert image["env"]["PLATFORM"] == "${{ needs.plan.outputs.platform }}"
    assert '--platform "$PLATFORM"' in commands(image)


def test_images_are_scanned_before_they_are_pushed() -> None:
    steps = [step["name"] for step in dict(workflows())["deploy"]["jobs"]["image"]["steps"] if "name" in step]

    assert steps == ["Build once", "Scan", "Push the same digest to every Region"]


def test_drift_is_looked_for_every_night_in_every_stack() -> None:
    drift: dict[Any, Any] = dict(workflows())["drift"]

    # YAML 1.1 reads the key `on` as true.
    assert drift[True]["schedule"] == [{"cron": "17 3 * * *"}]
    assert "--preview-only --expect-no-changes" in commands(drift["jobs"]["drift"])
    assert drift["jobs"]["drift"]["strategy"]["fail-fast"] is False


def linter() -> str | None:
    own = ROOT / ".tools/bin/actionlint"
    return str(own) if own.exists() else shutil.which("actionlint")


@pytest.fixture
def actionlint() -> str:
    found = linter()
    if found is None:
        if os.environ.get("MERIDIAN_ACTIONLINT_REQUIRED"):
            pytest.fail("actionlint is missing: run `make lint-workflows`")
        pytest.skip("actionlint is missing: `make lint-workflows` installs it, which needs Go")
    return found


def test_actionlint_accepts_the_workflows(actionlint: str) -> None:
    files = [str(path) for path in FOLDER.glob("workflows/*.yml")]

    result = subprocess.run([actionlint, "-no-color", *files], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


def test_actionlint_is_seen_to_refuse(actionlint: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    needs: nobody\n    steps:\n      - run: echo\n",
        encoding="utf-8",
    )

    result = subprocess.run([actionlint, str(tmp_path / "bad.yml")], capture_output=True, text=True, check=False)

    assert result.returncode != 0
    assert "nobody" in result.stdout
