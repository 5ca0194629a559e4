"""What must hold for the whole of a stack, whoever changes it: secrets, data, previews; each rule seen to fail once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import pytest
from pulumi.output import Unknown

from local.recording import Graph, RecordedResource
from policies.rules import RULES as PACK
from tests.infrastructure.inspection import leaves, sdk_arguments
from tests.policies.planting import CELL, GLOBAL, OTHER, Defect, having, new, unprotected, without

Resources = Sequence[RecordedResource]
TABLE, BUCKET, KEY = "aws:dynamodb/table:Table", "aws:s3/bucket:Bucket", "aws:kms/key:Key"
USER_POOL, REPOSITORY = "aws:cognito/userPool:UserPool", "aws:ecr/repository:Repository"
HOLDS_DATA: Final = frozenset({TABLE, BUCKET, KEY, USER_POOL, REPOSITORY})
# Chosen by the program: a preview knows them before anything exists.
NAMES: Final = frozenset({"name", "bucket", "family", "identifier", "domain", "targetId", "region", "rule"})
# These are names of what AWS names: no program can know them.
CHOSEN_BY_AWS: Final = frozenset(
    {
        ("aws:iam/rolePolicy:RolePolicy", "role"),
        # The group's name holds the API's id.
        ("aws:cloudwatch/logGroup:LogGroup", "name"),
    }
)


def data_is_kept(resources: Resources) -> Iterator[str]:
    """What holds data is protected, refuses deletion itself where it can, and does not go with its contents."""
    for resource in resources:
        if resource.type not in HOLDS_DATA:
            continue
        if not (resource.protect or resource.retain_on_delete):
            yield f"{resource.urn} can be deleted by any update"
        if resource.type == TABLE and resource.inputs.get("deletionProtectionEnabled") is not True:
            yield f"{resource.urn} has no deletion protection"
        if resource.type == USER_POOL and resource.inputs.get("deletionProtection") != "ACTIVE":
            yield f"{resource.urn} has no deletion protection"
        if resource.inputs.get("forceDestroy") or resource.inputs.get("forceDelete"):
            yield f"{resource.urn} goes with its contents"
        if resource.delete_before_replace or resource.replace_on_changes:
            yield f"{resource.urn} is made to be replaced"


def regions_are_right(resources: Resources) -> Iterator[str]:
    """What is Regional names its Region: in a cell its own, in the global stack one of the list."""
    for resource in resources:
        if not resource.type.startswith("aws:") or "region" not in sdk_arguments(resource.type):
            continue
        allowed = {CELL, OTHER} if resource.stack == GLOBAL else {resource.stack}
        if resource.region not in allowed:
            yield f"{resource.urn} names the Region {resource.region!r}"


RULES: Final[Mapping[str, Callable[[Resources], Iterator[str]]]] = {
    rule.__name__: rule for rule in (data_is_kept, regions_are_right)
}
PLANTED: Final[Mapping[str, Sequence[Defect]]] = {
    "data_is_kept": [
        unprotected(TABLE, stack=GLOBAL),
        unprotected(BUCKET),
        unprotected(KEY),
        having(TABLE, "deletionProtectionEnabled", value=False, stack=GLOBAL),
        having(USER_POOL, "deletionProtection", "INACTIVE", stack=GLOBAL),
        having(REPOSITORY, "forceDelete", value=True, stack=GLOBAL),
        having(BUCKET, "forceDestroy", value=True),
    ],
    "regions_are_right": [
        without("aws:sqs/queue:Queue", "region"),
        having("aws:sqs/queue:Queue", "region", OTHER),
        having(TABLE, "region", "eu-central-1", stack=GLOBAL),
    ],
}


@pytest.mark.parametrize("rule", RULES)
def test_the_program_keeps_the_rule(graphs: Mapping[str, Graph], rule: str) -> None:
    assert [broken for graph in graphs.values() for broken in RULES[rule](list(graph))] == []


@pytest.mark.parametrize(
    ("rule", "defect"),
    [
        pytest.param(rule, defect, id=f"{rule}: {defect.what}")
        for rule, defects in PLANTED.items()
        for defect in defects
    ],
)
def test_a_planted_defect_is_caught(graphs: Mapping[str, Graph], rule: str, defect: Defect) -> None:
    assert list(RULES[rule](defect.plant(list(graphs[defect.stack]))))


def held_without_a_word(graphs: Mapping[str, Graph]) -> set[str]:
    """Return the types of the program that hold data to the policy pack and that the rule here does not know."""
    [protected] = [rule for rule in PACK if rule.name == "data-is-protected"]
    declared = {resource.type for graph in graphs.values() for resource in graph}
    return {type_ for type_ in declared if protected.applies_to(type_)} - HOLDS_DATA


def test_whatever_holds_data_is_known_here_as_it_is_to_the_policy_pack(graphs: Mapping[str, Graph]) -> None:
    assert held_without_a_word(graphs) == set()


def test_a_new_type_that_holds_data_is_found(graphs: Mapping[str, Graph]) -> None:
    planted = Graph(CELL)
    for resource in new("aws:rds/cluster:Cluster", CELL).plant(list(graphs[CELL])):
        planted.put(resource)

    assert held_without_a_word({**graphs, CELL: planted}) == {"aws:rds/cluster:Cluster"}


def unknown_names(graph: Graph) -> list[str]:
    return [
        f"{resource.urn} {path}"
        for resource in graph
        for path, value in leaves(resource.inputs)
        if isinstance(value, Unknown) and path in NAMES and (resource.type, path) not in CHOSEN_BY_AWS
    ]


def test_a_preview_of_an_empty_account_knows_every_name(
    preview_graphs: Mapping[str, Graph], three_region_previews: Mapping[str, Graph]
) -> None:
    for graphs in (preview_graphs, three_region_previews):
        assert [name for graph in graphs.values() for name in unknown_names(graph)] == []


def test_a_name_that_a_preview_does_not_know_is_found(preview_graphs: Mapping[str, Graph]) -> None:
    planted = Graph(CELL)
    defect = new("aws:sqs/queue:Queue", CELL, name=Unknown())
    for resource in defect.plant(list(preview_graphs[CELL])):
        planted.put(resource)

    assert [name.rpartition("::")[2] for name in unknown_names(planted)] == ["planted name"]


def plain_secrets(graph: Graph) -> list[str]:
    """Return the paths of outputs that hold what AWS keeps secret."""
    secrets = {
        str(value)
        for resource in graph
        for path, value in leaves(resource.outputs)
        if path.lower().endswith(("secret", "password", "privatekey", "secretkey"))
    } - {"None", "True", "False"}
    return [path for path, value in leaves(dict(graph.outputs)) if str(value) in secrets or "secret" in path.lower()]


def test_no_output_is_a_secret_in_the_clear(graphs: Mapping[str, Graph]) -> None:
    for graph in graphs.values():
        assert plain_secrets(graph) == []


def test_a_secret_among_the_outputs_is_found(graphs: Mapping[str, Graph]) -> None:
    leaking = Graph(GLOBAL)
    for resource in graphs[GLOBAL]:
        leaking.put(resource)
    [client, *_] = [
        r for r in leaking.of_type("aws:cognito/userPoolClient:UserPoolClient") if r.inputs["generateSecret"]
    ]
    leaking.outputs = {"systems": {"key": client.outputs["clientSecret"]}}

    assert plain_secrets(leaking) == ["systems.key"]
