"""The real program breaks no rule, and no rule overlooks the defect that it is there for."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from local.recording import RecordedResource, record
from policies import pack
from policies.rules import RULES
from tests.infrastructure.trees import change_config, tree_with
from tests.policies.asking import undecided, violations
from tests.policies.conftest import Stacks
from tests.policies.planted_defects import PLANTED
from tests.policies.planting import Defect

DEFECTS = [
    pytest.param(rule, defect, id=f"{rule}: {defect.what}") for rule, defects in PLANTED.items() for defect in defects
]


def test_no_stack_breaks_a_rule(stacks: Stacks) -> None:
    assert [violation for resources in stacks.values() for violation in violations(resources)] == []


def test_a_first_preview_breaks_no_rule(cell_in_preview: Sequence[RecordedResource]) -> None:
    assert violations(cell_in_preview) == []


def test_stacks_that_may_lose_their_data_a_third_region_and_a_way_out_break_no_rule(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, new_region="ap-northeast-1")
    change_config(tree, "global", ephemeral=True)
    change_config(tree, "ap-northeast-1", ephemeral=True, nat=True)
    program = {"meridian:regions": '["us-east-1", "eu-west-1", "ap-northeast-1"]', "meridian:ephemeral": "true"}

    recorded = record(tree, stacks=["global", "ap-northeast-1"])

    for monitor in recorded.values():
        assert violations(list(monitor.graph), configuration=pack.project_configuration(program)) == []


def test_only_documents_that_hold_what_is_not_made_yet_wait_for_the_deployment(
    cell_in_preview: Sequence[RecordedResource],
) -> None:
    assert undecided(cell_in_preview) == {
        "BucketPolicy.policy",
        "LogGroup.name",
        "Queue.redrivePolicy",
        "RestApi.body",
        "RolePolicy.policy",
        "StateMachine.definition",
        "TaskDefinition.containerDefinitions",
        "stack.policy",
        "stack.redrivePolicy",
    }


def test_every_rule_has_a_planted_defect() -> None:
    assert set(PLANTED) == {rule.name for rule in RULES}


@pytest.mark.parametrize(("rule", "defect"), DEFECTS)
def test_a_planted_defect_is_found(rule: str, defect: Defect, stacks: Stacks) -> None:
    before = list(stacks[defect.stack])
    planted = defect.plant(before)
    changed = {resource.urn for resource in planted if resource not in before}

    found = violations(planted, [rule])

    assert found
    # What is taken away is missed by others; what is changed or added is named itself, or by who depends on it.
    assert not changed or changed & {violation.urn for violation in found} or rule in _NAMED_BY_OTHERS


# These report the resource that is left without what was changed.
_NAMED_BY_OTHERS = {
    "alarm-topics-let-publish",
    "buckets-block-public-access",
    "buckets-keep-versions",
    "copies-match-the-regions",
    "messages-stay-hidden-while-handled",
    "networks-have-flow-logs",
    "plain-connections-are-refused",
    "stages-throttle",
    "subscribed-queues-let-send",
    "the-stack-spans-zones",
}
