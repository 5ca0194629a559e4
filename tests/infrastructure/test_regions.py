"""Cells are equal but for their Region, and a Region more is configuration only."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import pytest

from local.computed import ACCOUNT
from local.recording import Graph, RecordedResource
from tests.infrastructure.conftest import NEW_REGION
from tests.infrastructure.inspection import aws_resources, leaves, sdk_arguments

# A Region's document has its own hash.
HASHES = frozenset({("aws:apigateway/deployment:Deployment", "triggers.document")})
EXAMPLE = ".content.application/json.example."
"""Of the API's document: it shows what a call may look like, and is sent nowhere."""
NAMED = re.compile(r"<region>|<other \d+>")
INDEX = re.compile(r"\[\d+\]")


def test_every_regional_resource_of_a_cell_names_the_cells_region(cell_graphs: Mapping[str, Graph]) -> None:
    for region, graph in cell_graphs.items():
        named = {r.name: r.region for r in aws_resources([graph]) if "region" in sdk_arguments(r.type)}

        assert len(named) > 100
        assert {name: found for name, found in named.items() if found != region} == {}


def test_every_regional_resource_of_the_global_stack_names_one_of_the_regions(
    global_graph: Graph, cell_graphs: Mapping[str, Graph]
) -> None:
    named = {r.name: r.region for r in aws_resources([global_graph]) if "region" in sdk_arguments(r.type)}

    assert {name: found for name, found in named.items() if found not in cell_graphs} == {}
    assert set(named.values()) == set(cell_graphs)


def test_names_that_iam_shares_among_regions_end_with_the_region(cell_graphs: Mapping[str, Graph]) -> None:
    for region, graph in cell_graphs.items():
        roles = graph.of_type("aws:iam/role:Role")

        assert roles
        assert [role.inputs["name"] for role in roles if not role.inputs["name"].endswith(f"-{region}")] == []


def test_two_cells_are_equal_but_for_their_region(graphs: Mapping[str, Graph]) -> None:
    assert differences_between_cells(graphs) == []


def test_three_cells_are_equal_but_for_their_region(three_region_graphs: Mapping[str, Graph]) -> None:
    assert differences_between_cells(three_region_graphs) == []


def test_cells_that_differ_are_found_out(graphs: Mapping[str, Graph]) -> None:
    regions = [stack for stack in graphs if stack != "global"]
    one, other = (dict(comparable(graphs, region, regions)) for region in regions)
    urn = next(urn for urn in other if urn.endswith("-loyalty-projections"))
    other[urn] = {**other[urn], "billingMode": Value("PROVISIONED", "PROVISIONED")}

    assert compare(one, other, regions=regions) == [f"{urn} billingMode: 'PAY_PER_REQUEST' and 'PROVISIONED'"]


def test_a_third_region_is_a_file_and_an_entry_in_the_list(
    graphs: Mapping[str, Graph], three_region_graphs: Mapping[str, Graph]
) -> None:
    assert list(three_region_graphs) == [*graphs, NEW_REGION]
    assert set(three_region_graphs["global"].outputs["images"]["checkout"]) == set(three_region_graphs) - {"global"}
    assert {r.region for r in aws_resources([three_region_graphs[NEW_REGION]])} == {NEW_REGION, ""}


def test_a_third_region_gets_a_replica_of_every_table(three_region_graphs: Mapping[str, Graph]) -> None:
    tables = three_region_graphs["global"].of_type("aws:dynamodb/table:Table")

    for table in tables:
        assert [replica["regionName"] for replica in table.inputs["replicas"]] == ["eu-west-1", NEW_REGION]


def test_a_third_region_is_forwarded_to_by_the_others(three_region_graphs: Mapping[str, Graph]) -> None:
    for region in ("us-east-1", "eu-west-1"):
        rules = three_region_graphs[region].of_type("aws:cloudwatch/eventRule:EventRule")

        assert f"meridian-forward-to-{NEW_REGION}" in [rule.inputs["name"] for rule in rules]


@pytest.mark.parametrize("stack", ["global", "us-east-1", "eu-west-1"])
def test_a_preview_declares_the_same_resources(
    graphs: Mapping[str, Graph], preview_graphs: Mapping[str, Graph], stack: str
) -> None:
    """A resource made inside an `apply` would be missing from the preview."""
    assert {r.urn for r in preview_graphs[stack]} == {r.urn for r in graphs[stack]}


def test_a_preview_of_a_third_region_declares_the_same_resources(
    three_region_graphs: Mapping[str, Graph], three_region_previews: Mapping[str, Graph]
) -> None:
    for stack, graph in three_region_graphs.items():
        assert {r.urn for r in three_region_previews[stack]} == {r.urn for r in graph}


@dataclass(frozen=True)
class Value:
    """A scalar input as it is declared, and without what is the Region's own."""

    raw: object
    neutral: object


def differences_between_cells(graphs: Mapping[str, Graph]) -> list[str]:
    regions = [stack for stack in graphs if stack != "global"]
    first, *others = (dict(comparable(graphs, region, regions)) for region in regions)
    return [difference for other in others for difference in compare(first, other, regions=regions)]


def comparable(
    graphs: Mapping[str, Graph], region: str, regions: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Value]]]:
    """Yield each resource of a cell with its inputs, both without what is the Region's own.

    Values that AWS chooses (ids, ARNs with a hash) become the name of the resource and output that they come from, so
    that a reference to another resource than the other cell's is a difference.
    """
    neutral = Neutral(graphs, region, regions)
    for resource in graphs[region]:
        options = {
            "(parent)": resource.parent,
            "(protect)": resource.protect,
            "(ignore)": list(resource.ignore_changes),
            "(depends)": sorted(neutral.text(urn) for urn in resource.dependencies),
        }
        yield (
            neutral.text(resource.urn),
            {
                neutral.text(path): Value(value, neutral.value(value))
                for path, value in leaves({**resource.inputs, **options})
                if (resource.type, path) not in HASHES and EXAMPLE not in path
            },
        )


def compare(
    one: Mapping[str, Mapping[str, Value]], other: Mapping[str, Mapping[str, Value]], *, regions: Sequence[str]
) -> list[str]:
    found = [f"{urn} is in one cell only" for urn in one.keys() ^ other.keys()]
    nothing = Value(None, None)
    for urn in one.keys() & other.keys():
        of_all_regions = set(naming_all_regions(one[urn], len(regions)))
        for path in one[urn].keys() | other[urn].keys():
            left, right = one[urn].get(path, nothing), other[urn].get(path, nothing)
            # The list of all Regions is literally the same in every cell. What is so and names one of them is not: it
            # lets a cell depend on a Region that is not its own.
            if left.neutral != right.neutral and not (left.raw == right.raw and path in of_all_regions):
                found.append(f"{urn} {path}: {left.neutral!r} and {right.neutral!r}")
    return sorted(found)


def naming_all_regions(inputs: Mapping[str, Value], regions: int) -> Iterator[str]:
    """Yield the paths of values that name all Regions, and of entries of a list that has one entry for each Region."""
    lists: dict[tuple[str, str], dict[str, frozenset[str]]] = defaultdict(dict)
    for path, value in inputs.items():
        named = frozenset(NAMED.findall(str(value.neutral)))
        if len(named) == regions:
            yield path
        for index in INDEX.finditer(path):
            lists[path[: index.start()], path[index.end() :]][path] = named
    for entries in lists.values():
        each_names_one = all(len(named) == 1 for named in entries.values())
        if each_names_one and len(entries) == len(set(entries.values())) == regions:
            yield from entries


class Neutral:
    """Takes out of a text what is the Region's own."""

    def __init__(self, graphs: Mapping[str, Graph], region: str, regions: Sequence[str]) -> None:
        others = [name for name in regions if name != region]
        self._names = {region: "<region>"} | {name: f"<other {index}>" for index, name in enumerate(others)}
        self._cidr = IPv4Network(vpc_of(graphs[region]).inputs["cidrBlock"])
        own = {value: label for resource in graphs[region] for value, label in chosen_by_aws(resource)}
        shared = {value: label for resource in graphs["global"] for value, label in chosen_by_aws(resource)}
        known = shared | own
        self._known = {value: self._region_names(known[value]) for value in sorted(known, key=len, reverse=True)}
        self._pattern = re.compile("|".join(re.escape(value) for value in self._known))

    def value(self, value: object) -> object:
        """Return a scalar input without what is the Region's own."""
        if not isinstance(value, str):
            return value
        try:
            block = IPv4Network(value)
        except ValueError:
            return self.text(value)
        if not block.subnet_of(self._cidr):
            return value
        offset = int(block.network_address) - int(self._cidr.network_address)
        return f"<cidr>+{offset}/{block.prefixlen}"

    def text(self, text: str) -> str:
        """Return a text without what is the Region's own."""
        return self._region_names(self._pattern.sub(lambda match: self._known[match.group()], text))

    def _region_names(self, text: str) -> str:
        for name, neutral in self._names.items():
            text = text.replace(name, neutral)
        return text


def vpc_of(graph: Graph) -> RecordedResource:
    [vpc] = graph.of_type("aws:ec2/vpc:Vpc")
    return vpc


def chosen_by_aws(resource: RecordedResource) -> Iterator[tuple[str, str]]:
    """Yield the hashed values among the outputs, which no input says, with a label of where they come from."""
    declared = {value for _, value in leaves(resource.inputs)}
    for path, value in [("id", resource.id), *leaves(resource.outputs)]:
        if isinstance(value, str) and value not in declared and re.search(r"[0-9a-f]{6}", value) and value != ACCOUNT:
            yield value, f"<{resource.type} {resource.name} {path}>"
