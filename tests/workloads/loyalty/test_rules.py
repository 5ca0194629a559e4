"""The rules of the programme, by example and as laws."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workloads.loyalty.builders import purchase_completed
from workloads.contracts.money import MAXIMUM_MINOR_UNITS
from workloads.loyalty.domain.rules import RULES, Rule, awards_for


@pytest.mark.parametrize(
    ("total", "currency", "points"),
    [
        (2933, "USD", 29),
        (100, "USD", 1),
        (199, "EUR", 1),
        (2933, "JPY", 2933),  # the yen has no minor unit
        (2933, "KWD", 2),  # the dinar has 1,000 fils
        (29330, "CLF", 2),
        (MAXIMUM_MINOR_UNITS, "USD", MAXIMUM_MINOR_UNITS // 100),
    ],
)
def test_a_purchase_earns_a_point_for_each_whole_unit_of_its_total(total: int, currency: str, points: int) -> None:
    [award] = awards_for(purchase_completed(total, currency), RULES)

    assert (award.rule, award.points) == ("points-for-purchase", points)


@pytest.mark.parametrize("total", [0, 1, 99])
def test_a_purchase_below_a_whole_unit_earns_no_award(total: int) -> None:
    assert awards_for(purchase_completed(total), RULES) == []


def test_an_award_belongs_to_the_customer_and_the_purchase() -> None:
    [award] = awards_for(purchase_completed(order="o-7", customer="eu-west-1.c-7"), RULES)

    assert (award.customer_id, award.purchase_id) == ("eu-west-1.c-7", "o-7")


def test_a_rule_with_a_minimum_gives_its_points_from_that_total_on() -> None:
    rule = Rule(id="hundred", minimum_whole_units=100, fixed_points=100)

    assert awards_for(purchase_completed(9_999), [rule]) == []
    assert [award.points for award in awards_for(purchase_completed(10_000), [rule])] == [100]


def test_a_rule_for_some_currencies_leaves_the_others_alone() -> None:
    rule = Rule(id="euro", currencies=frozenset({"EUR"}), points_per_whole_unit=2)

    assert awards_for(purchase_completed(500, "USD"), [rule]) == []
    assert [award.points for award in awards_for(purchase_completed(500, "EUR"), [rule])] == [10]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    total=st.integers(0, MAXIMUM_MINOR_UNITS),
    rules=st.lists(
        st.builds(
            Rule,
            id=st.sampled_from(["a", "b", "c"]),
            currencies=st.frozensets(st.sampled_from(["USD", "EUR"])),
            minimum_whole_units=st.integers(0, 200),
            points_per_whole_unit=st.integers(0, 3),
            fixed_points=st.integers(0, 100),
        ),
        unique_by=lambda rule: rule.id,
    ),
)
def test_every_rule_gives_at_most_one_award_and_none_without_points(total: int, rules: list[Rule]) -> None:
    awards = awards_for(purchase_completed(total), rules)

    assert len({award.rule for award in awards}) == len(awards)
    assert all(award.points > 0 for award in awards)


def test_ids_of_rules_are_unique_because_they_are_part_of_each_awards_identity() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
