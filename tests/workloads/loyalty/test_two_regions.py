"""The programme as a whole, searched for a history that breaks it: two Regions award, replicate and project at once."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.workloads.conftest import HERE, REGIONS, THERE
from tests.workloads.loyalty.builders import Clock, purchase
from tests.workloads.loyalty.memory import Bus, MemoryBalances, MemoryStreams
from workloads.contracts.envelope import CloudEvent, open_as
from workloads.contracts.events import BalanceChanged
from workloads.loyalty.application.award_points import award_points
from workloads.loyalty.application.project_balance import project_balance, rebuild_balance
from workloads.loyalty.domain.accounts import Balance, Entry
from workloads.loyalty.domain.rules import RULES

AT_HOME_HERE: Final = "us-east-1.c-1"
AT_HOME_THERE: Final = "eu-west-1.c-2"
HOMES: Final = {AT_HOME_HERE: HERE, AT_HOME_THERE: THERE}

customers = st.sampled_from([AT_HOME_HERE, AT_HOME_THERE])
regions = st.sampled_from(REGIONS)


class TwoRegions(RuleBasedStateMachine):
    """Purchases, repeats, replication item by item, hints in any order and number, crashes, rebuilds."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.streams = {region: MemoryStreams() for region in REGIONS}
        self.balances = {region: MemoryBalances() for region in REGIONS}
        self.buses = {region: Bus() for region in REGIONS}
        self.purchases: list[CloudEvent] = []
        self.expected = dict.fromkeys(HOMES, 0)
        self.on_the_way: list[tuple[str, Entry]] = []

    @rule(customer=customers, region=regions, total=st.integers(0, 5000))
    def buy(self, customer: str, region: str, total: int) -> None:
        event = purchase(total, order=f"o-{len(self.purchases)}", customer=customer, region=region)
        self.purchases.append(event)
        self.expected[customer] += total // 100
        self.award(event)

    @precondition(lambda self: self.purchases)
    @rule(data=st.data())
    def report_a_purchase_again(self, data: st.DataObject) -> None:
        self.award(data.draw(st.sampled_from(self.purchases)))

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data())
    def replicate_one_item(self, data: st.DataObject) -> None:
        region, entry = self.on_the_way.pop(data.draw(st.integers(0, len(self.on_the_way) - 1)))
        self.streams[region].receive(entry)

    @rule(customer=customers, region=regions)
    def hint(self, customer: str, region: str) -> None:
        self.project(customer, region)

    @rule(customer=customers, region=regions, moment=st.sampled_from(["before", "after"]))
    def crash_while_telling(self, customer: str, region: str, moment: str) -> None:
        self.buses[region].fail = moment
        try:
            self.project(customer, region)
        except Bus.DownError:
            return
        finally:
            self.buses[region].fail = ""

    @rule(customer=customers, region=regions)
    def rebuild(self, customer: str, region: str) -> None:
        before = self.project(customer, region)
        after = rebuild_balance(
            customer,
            region=region,
            regions=REGIONS,
            streams=self.streams[region],
            balances=self.balances[region],
            publisher=self.buses[region],
        )
        assert after == before

    @rule(seconds=st.integers(-30, 30))
    def move_the_clock(self, seconds: int) -> None:
        self.clock.forward(seconds)

    @invariant()
    def no_region_counts_what_was_not_bought(self) -> None:
        for customer, expected in self.expected.items():
            for region in REGIONS:
                assert 0 <= self.balances[region].load(customer).balance.points <= expected

    @invariant()
    def an_event_is_always_told_in_the_same_words_and_only_at_home(self) -> None:
        words: dict[str, CloudEvent] = {}
        for region, bus in self.buses.items():
            for event in bus.published:
                assert words.setdefault(event.id, event) == event
                assert HOMES[event.subject] == region

    def teardown(self) -> None:
        for region, entry in self.on_the_way:
            self.streams[region].receive(entry)
        for customer, expected in self.expected.items():
            balances = [self.project(customer, region) for region in REGIONS]

            assert balances[0] == balances[1]
            assert balances[0].points == expected
            told = [
                open_as(event, BalanceChanged)
                for event in self.buses[HOMES[customer]].published
                if event.subject == customer
            ]
            if expected:
                assert max(told, key=lambda message: message.sequence).points == expected

    def award(self, event: CloudEvent) -> None:
        region = event.originregion
        for entry in award_points(event, region=region, rules=RULES, streams=self.streams[region], clock=self.clock):
            self.on_the_way.append((THERE if region == HERE else HERE, entry))

    def project(self, customer: str, region: str) -> Balance:
        return project_balance(
            customer,
            region=region,
            regions=REGIONS,
            streams=self.streams[region],
            balances=self.balances[region],
            publisher=self.buses[region],
        )


TestTwoRegions = TwoRegions.TestCase
TestTwoRegions.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
