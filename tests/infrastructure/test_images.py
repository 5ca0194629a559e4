"""One image a context, built once, the same digest in every Region."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from components.images import digest_of_sources, sources
from components.settings import Context
from local.program import ROOT
from local.recording import Graph, record
from tests.infrastructure.trees import change_config

IMAGE, REPOSITORY = "docker-build:index:Image", "aws:ecr/repository:Repository"
DIGEST = "sha256:" + "5" * 64


def test_every_context_is_built_once_and_pushed_to_every_region(global_graph: Graph) -> None:
    images = global_graph.of_type(IMAGE)
    urls = {repository.outputs["repositoryUrl"] for repository in global_graph.of_type(REPOSITORY)}

    assert len(images) == len(Context)
    pushed = [tag.rsplit(":", 1)[0] for image in images for tag in image.inputs["tags"]]
    assert len(pushed) == len(urls)
    assert set(pushed) == urls
    assert all(image.inputs["push"] for image in images)
    assert [registry["address"] for image in images for registry in image.inputs["registries"]] == pushed


def test_an_image_has_one_platform_and_no_attestations(global_graph: Graph) -> None:
    for image in global_graph.of_type(IMAGE):
        assert image.inputs["platforms"] == ["linux/arm64"]
        # The provider's own build leaves attestations out; the docker command line, used by `exec`, adds them.
        assert image.inputs["exec"] is False


def test_the_architecture_is_a_setting(tree: Path) -> None:
    project = (tree / "Pulumi.yaml").read_text(encoding="utf-8").replace("default: arm64", "default: x86_64")
    (tree / "Pulumi.yaml").write_text(project, encoding="utf-8")

    graph = record(tree, stacks=["global"])["global"].graph

    assert [image.inputs["platforms"] for image in graph.of_type(IMAGE)] == [["linux/amd64"]] * len(Context)


def test_a_context_has_the_same_digest_in_every_region(global_graph: Graph) -> None:
    for context, by_region in global_graph.outputs["images"].items():
        assert len({reference.split("@")[1] for reference in by_region.values()}) == 1
        for region, reference in by_region.items():
            assert re.fullmatch(rf"\d+\.dkr\.ecr\.{region}\.amazonaws\.com/meridian/{context}@sha256:\w+", reference)


def test_images_that_a_pipeline_has_built_are_not_built_again(tree: Path) -> None:
    change_config(tree, "global", imageDigests={"checkout": DIGEST})

    graph = record(tree, stacks=["global"])["global"].graph

    assert {image.name for image in graph.of_type(IMAGE)} == {
        f"meridian-data-{context}-build" for context in Context if context is not Context.CHECKOUT
    }
    assert {reference.split("@")[1] for reference in graph.outputs["images"]["checkout"].values()} == {DIGEST}
    assert len(graph.of_type(REPOSITORY)) == 2 * len(Context)


def test_repositories_refuse_to_change_a_tag_and_scan_what_comes(global_graph: Graph) -> None:
    for repository in global_graph.of_type(REPOSITORY):
        assert repository.inputs["imageTagMutability"] == "IMMUTABLE"
        assert repository.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
        assert repository.inputs["forceDelete"] is False
    policies = global_graph.of_type("aws:ecr/lifecyclePolicy:LifecyclePolicy")
    assert len(policies) == len(global_graph.of_type(REPOSITORY))


def test_cells_deploy_by_digest(cell_graphs: Mapping[str, Graph]) -> None:
    for region, graph in cell_graphs.items():
        for function in graph.of_type("aws:lambda/function:Function"):
            assert re.fullmatch(rf".*\.ecr\.{region}\.amazonaws\.com/.*@sha256:\w+", function.inputs["imageUri"])


def test_no_absolute_path_gets_into_the_state(graphs: Mapping[str, Graph]) -> None:
    for graph in graphs.values():
        assert [r.urn for r in graph if str(ROOT) in str(dict(r.inputs))] == []


@pytest.mark.parametrize("context", Context)
def test_the_tag_covers_everything_that_the_dockerfile_copies(context: Context) -> None:
    dockerfile = (ROOT / "workloads" / context / "Dockerfile").read_text(encoding="utf-8")
    copied = {
        path.replace("${CONTEXT}", context)
        for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE)
        for path in line.split()[:-1]
        if not path.startswith("--")
    }
    covered = [(ROOT / source).resolve() for source in sources(context)]

    assert copied
    assert [path for path in copied if not any((ROOT / path).resolve().is_relative_to(part) for part in covered)] == []


def test_the_tag_follows_the_sources(tmp_path: Path) -> None:
    source = tmp_path / "workloads" / "checkout" / "domain.py"
    source.parent.mkdir(parents=True)
    source.write_text("one = 1\n", encoding="utf-8")
    before = digest_of_sources(tmp_path, Context.CHECKOUT)

    same = digest_of_sources(tmp_path, Context.CHECKOUT)
    of_another_context = digest_of_sources(tmp_path, Context.LOYALTY)
    source.write_text("one = 2\n", encoding="utf-8")

    assert same == before
    assert of_another_context != before
    assert digest_of_sources(tmp_path, Context.CHECKOUT) != before
