"""The pack as a whole: what it says about itself, how it is configured, and whom it exempts."""

import importlib
import inspect
import json
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import pulumi_aws
import pytest
from pulumi_policy import EnforcementLevel

from policies import catalogue, configuration, pack, tokens
from policies.configuration import ConfigurationError
from policies.exemptions import LONGEST, Exemption
from policies.rule import ResourceRule, Theme
from policies.rules import RULES
from policies.rules.naming import TAGGED
from tests.policies.asking import CONFIGURATION, PROGRAM, TODAY, ask, ask_stack, resource, urn
from tests.policies.conftest import Stacks

MODELS: Final = {rule.name: rule.parameters for rule in RULES}
REASON: Final = "the migration of this queue is under way"


def exempt(pattern: str, expires: date) -> dict[str, Any]:
    return {"exemptions": [{"resource": pattern, "reason": REASON, "expires": expires.isoformat()}]}


def test_names_are_unique_and_every_theme_has_rules() -> None:
    assert len(MODELS) == len(RULES)
    assert {rule.theme for rule in RULES} == set(Theme)


def test_every_rule_says_what_why_and_what_to_do() -> None:
    for rule in RULES:
        assert rule.statement.endswith("."), rule.name
        assert len(rule.reason) > 30, rule.name
        assert rule.remedy.endswith("."), rule.name


def test_a_rule_that_mends_is_enforced_by_mending() -> None:
    mending = {rule.name for rule in RULES if isinstance(rule, ResourceRule) and rule.remediate}

    assert mending == {rule.name for rule in RULES if rule.level is EnforcementLevel.REMEDIATE}
    assert mending == {"log-groups-have-a-retention", "tags-are-set"}


def test_the_page_of_all_rules_is_current() -> None:
    assert catalogue.PAGE.read_text(encoding="utf-8") == catalogue.page(), "run `python -m policies.catalogue`"


def test_every_type_that_a_rule_names_exists_in_the_sdk() -> None:
    named = {value for name, value in vars(tokens).items() if name.isupper()} | {*TAGGED}

    assert {token for token in named if token.startswith("aws:")} - _sdk().keys() == set()


def test_every_type_of_the_program_that_can_be_tagged_must_be_tagged(stacks: Stacks) -> None:
    used = {one.type for resources in stacks.values() for one in resources if one.type in _sdk()}
    taggable = {type_ for type_ in used if "tags" in inspect.signature(_class(type_)._internal_init).parameters}

    assert taggable - set(TAGGED) == set()


class TestConfiguration:
    def test_the_list_of_regions_and_the_lifetime_are_the_programs(self) -> None:
        configured = pack.project_configuration({"meridian:regions": '["eu-west-1"]', "meridian:ephemeral": "true"})

        assert configured["replicas-match-the-regions"]["regions"] == ["eu-west-1"]
        assert configured["data-is-protected"]["ephemeral"] is True
        assert ask("data-is-protected", resource(tokens.TABLE, {}), configured["data-is-protected"]) == []

    def test_without_a_list_of_regions_none_is_allowed(self) -> None:
        found = ask("regions-are-allowed", resource(tokens.QUEUE, {"region": "us-east-1"}), {"regions": []})

        assert found == ["no Region is allowed: neither this rule's configuration nor meridian:regions names any"]

    @pytest.mark.parametrize(
        ("rule", "type_", "properties", "config"),
        [
            ("regions-are-allowed", tokens.QUEUE, {"region": "ap-south-1"}, {"regions": ["ap-south-1"]}),
            ("tags-are-set", tokens.QUEUE, {"tags": {"CostCentre": "7"}}, {"tags": ["CostCentre"]}),
            ("log-groups-have-a-retention", tokens.LOG_GROUP, {"retentionInDays": 731}, {"mostDays": 731}),
            ("provisioned-capacity-is-limited", tokens.FUNCTION, {"memorySize": 4096}, {"functionMemory": 4096}),
            ("instance-classes-are-allowed", tokens.DAX, {"nodeType": "dax.r5.large"}, {"classes": ["dax.*"]}),
            (
                "the-internet-is-not-let-in",
                tokens.SECURITY_GROUP_INGRESS,
                {"cidrIpv4": "0.0.0.0/0"},
                {"edge": {"th*": "the edge"}},
            ),
        ],
    )
    def test_a_parameter_decides(
        self, rule: str, type_: str, properties: dict[str, Any], config: dict[str, Any]
    ) -> None:
        assert ask(rule, resource(type_, properties)) != []
        assert ask(rule, resource(type_, properties), config) == []

    def test_a_value_that_can_not_be_used_is_named_with_its_rule(self) -> None:
        with pytest.raises(ConfigurationError, match=r"'queues-have-dead-letters' .* mostReceives is 'many'"):
            ask("queues-have-dead-letters", resource(tokens.QUEUE, {"name": "x"}), {"mostReceives": "many"})

    def test_a_file_that_names_no_rule_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "configuration.yaml"
        file.write_text("no-such-rule: {}\n")

        with pytest.raises(ConfigurationError, match="no-such-rule, but there is no such rule"):
            configuration.of_this_project({}, MODELS, file=file)

    def test_the_schema_of_every_parameter_stands_alone(self) -> None:
        assert all("$ref" not in json.dumps(configuration.schema(model)) for model in MODELS.values())

    def test_every_written_reason_is_needed(self, stacks: Stacks) -> None:
        """A reason for what nobody does any more would excuse whoever does it next."""
        text = json.dumps([dict(one.inputs) for resources in stacks.values() for one in resources], default=str)
        for rule in ("actions-are-named", "resources-are-named", "services-are-bound-to-a-source"):
            reasons = CONFIGURATION[rule].get("reasons") or CONFIGURATION[rule]["services"]
            assert [action for action in reasons if action not in text] == []


class TestExemptions:
    def test_one_that_holds_exempts_its_resource_and_no_other(self) -> None:
        config = exempt("aws:sqs/queue:Queue::old", TODAY)

        assert ask("queues-have-dead-letters", resource(tokens.QUEUE, {"name": "x"}, name="old"), config) == []
        assert ask("queues-have-dead-letters", resource(tokens.QUEUE, {"name": "x"}, name="new"), config) != []

    def test_one_that_has_expired_exempts_nobody_and_is_itself_a_violation(self) -> None:
        config = exempt("Queue::old", TODAY - timedelta(days=1))

        broken = ask("queues-have-dead-letters", resource(tokens.QUEUE, {"name": "x"}, name="old"), config)
        kept = ask("dead-letters-are-kept", resource(tokens.QUEUE, {"name": "x"}, name="old"), config)

        assert broken == [
            (
                f"the exemption of 'Queue::old' ({REASON}) expired on 2026-05-31: mend the resource and delete the "
                "exemption, or decide again and give it a new day"
            ),
            "redrivePolicy is not set",
        ]
        assert len(kept) == 1
        assert "expired on 2026-05-31" in kept[0]

    def test_one_for_longer_than_a_year_exempts_nobody(self) -> None:
        config = exempt("Queue::old", TODAY + LONGEST + timedelta(days=1))

        found = ask("queues-have-dead-letters", resource(tokens.QUEUE, {"name": "x"}, name="old"), config)

        assert any("more than 366 days ahead" in message for message in found)
        assert "redrivePolicy is not set" in found

    def test_rules_over_the_stack_have_them_too(self) -> None:
        alarm = resource(tokens.ALARM, {"name": "a"}, name="quiet")
        yesterday = TODAY - timedelta(days=1)

        assert ask_stack("alarms-have-an-action", alarm, config=exempt("Alarm::quiet", TODAY)) == []
        assert len(ask_stack("alarms-have-an-action", alarm, config=exempt("Alarm::quiet", yesterday))) == 2

    def test_a_reason_and_a_day_are_asked_for(self) -> None:
        with pytest.raises(ConfigurationError, match=r"exemptions\.0\.reason .* exemptions\.0\.expires"):
            ask(
                "queues-have-dead-letters",
                resource(tokens.QUEUE, {"name": "x"}),
                {"exemptions": [{"resource": "Queue::old", "reason": "later"}]},
            )

    def test_every_exemption_of_this_project_covers_a_resource(self, stacks: Stacks) -> None:
        urns = [one.urn for resources in stacks.values() for one in resources]
        written = [
            Exemption.model_validate(exemption)
            for parameters in pack.project_configuration(PROGRAM).values()
            for exemption in parameters.get("exemptions", [])
        ]

        assert [exemption for exemption in written if not any(map(exemption.covers, urns))] == []

    def test_a_star_stands_for_any_part_of_a_urn(self) -> None:
        exemption = Exemption(resource="Queue::meridian-*-queue", reason=REASON, expires=TODAY)

        assert exemption.covers(urn(tokens.QUEUE, name="meridian-orders-queue"))
        assert not exemption.covers(urn(tokens.QUEUE, name="meridian-orders"))


@cache
def _sdk() -> dict[str, tuple[str, str]]:
    """Return every type of the SDK with its module and class, as the SDK registers them."""
    source = Path(pulumi_aws.__file__).read_text(encoding="utf-8")
    registered = source.split('resource_modules="""', 1)[1].split('"""', 1)[0]
    return {
        token: (module["fqn"], class_)
        for module in json.loads(registered)
        for token, class_ in module["classes"].items()
    }


def _class(type_: str) -> Any:
    module, name = _sdk()[type_]
    return getattr(importlib.import_module(module), name)
