"""The report: what was answered, sold and late, and which quotas stand behind it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.capacity.checkouts import starters
from bench.capacity.limits import DEFAULTS, QUOTAS, REQUESTED
from bench.capacity.outcome import Answer, End, Outcome
from bench.capacity.scenario import SLICE, Scenario

SOLD_AT_LEAST: Final = 0.99

_WIDTH: Final = 170

_HEADS: Final = (
    "design",
    "quotas",
    "sold",
    "oversold",
    "late",
    "late after push",
    "201/202",
    "409",
    "429",
    "503",
    "orders failed",
    "pushed after, s",
    "slowest order, s",
    "deepest queue",
    "executions",
    "states entered",
    "refused starts",
    "conflicts",
    "throttled writes",
)


@dataclass(frozen=True)
class Row:
    """A design and what came of it in each Region."""

    design: str
    quotas: str
    regions: Sequence[Outcome]

    @property
    def sold(self) -> float:
        """Return the part of all Regions' stock that was sold."""
        return sum(outcome.units for outcome in self.regions) / sum(outcome.stock for outcome in self.regions)

    @property
    def oversold(self) -> int:
        """Return how many units were sold that there were not."""
        return sum(outcome.oversold for outcome in self.regions)

    @property
    def timed_out(self) -> int:
        """Return how many orders had not ended when they should have."""
        return sum(outcome.timed_out for outcome in self.regions)

    @property
    def timed_out_after_push(self) -> int:
        """Return how many of these were placed after sold out was pushed."""
        return sum(outcome.timed_out_after_push for outcome in self.regions)

    @property
    def answers(self) -> Counter[Answer]:
        """Return all answers."""
        return sum((outcome.answers for outcome in self.regions), Counter[Answer]())

    def cells(self) -> Sequence[str]:
        """Return the row as text, in the order of the heads."""
        answers = self.answers
        requests = sum(answers.values())
        pushed = [outcome.pushed_at for outcome in self.regions]
        failed = sum(outcome.ends[End.FAILED] for outcome in self.regions)

        def share(*kinds: Answer) -> str:
            return f"{sum(answers[kind] for kind in kinds) / requests:.1%}"

        return (
            self.design,
            self.quotas,
            f"{self.sold:.2%}",
            str(self.oversold),
            f"{self.timed_out:,}",
            f"{self.timed_out_after_push:,}",
            share(Answer.PLACED, Answer.HANDED_OVER),
            share(Answer.SOLD_OUT),
            share(Answer.TOO_MANY),
            share(Answer.OVERLOADED),
            f"{failed:,}",
            " / ".join("never" if at is None else f"{at:.0f}" for at in pushed),
            f"{max(outcome.slowest for outcome in self.regions):.0f}",
            f"{max(outcome.deepest for outcome in self.regions):,}",
            f"{sum(outcome.executions for outcome in self.regions):,}",
            f"{sum(outcome.transitions for outcome in self.regions):,}",
            f"{sum(outcome.refused_starts for outcome in self.regions):,}",
            f"{sum(outcome.conflicts for outcome in self.regions):,}",
            f"{sum(outcome.throttled_writes for outcome in self.regions):,}",
        )


def kept(row: Row) -> bool:
    """Tell whether a design kept the bounds."""
    return row.oversold == 0 and row.timed_out_after_push == 0 and row.sold >= SOLD_AT_LEAST and _pushed(row)


def show(rows: Sequence[Row], scenario: Scenario, seed: int) -> None:
    """Print the table, a design a column: there are more figures than designs."""
    table = Table(title=f"{_headline(scenario, rows)}, seed {seed}")
    table.add_column("")
    for row in rows:
        table.add_column(f"{row.design}\n({row.quotas})", justify="right")
    for head, *figures in list(zip(_HEADS, *(row.cells() for row in rows), strict=True))[2:]:
        table.add_row(head, *figures)
    console = Console(width=_WIDTH)
    console.print(table)
    console.print(
        f"bounds, for the first: 0 oversold, 0 late after the push, at least {SOLD_AT_LEAST:.0%} sold: "
        f"{'kept' if kept(rows[0]) else 'NOT KEPT'}"
    )


def page(rows: Sequence[Row], scenario: Scenario, *, demands: Sequence[float], seed: int) -> str:
    """Return the page of the figures, in Markdown."""
    figures = "\n".join(
        f"| {head} | {' | '.join(figures)} |"
        for head, *figures in list(zip(_HEADS, *(row.cells() for row in rows), strict=True))[2:]
    )
    designs = " | ".join(f"{row.design} ({row.quotas})" for row in rows)
    return _PAGE.format(
        headline=_headline(scenario, rows),
        designs=designs,
        rule="|".join(["---:"] * len(rows)),
        figures=figures,
        quotas=_quotas(),
        demand=" and ".join(f"{demand:,.0f}" for demand in demands),
        seed=seed,
        lasts=scenario.lasts,
        ramp=scenario.ramp,
        stock=scenario.stock,
        slice_ms=SLICE * 1e3,
        greedy=scenario.greedy_share,
        away=scenario.away_share,
        patience=scenario.patience,
        lost=scenario.lost_answers,
        kills=scenario.kills,
        twice=scenario.deliveries_twice,
        queue_seconds=scenario.queue_seconds,
        bound=int(REQUESTED.start_executions * scenario.queue_seconds),
        flag_age=scenario.flag_age,
        visibility=scenario.visibility,
        order_bound=scenario.order_bound,
        write_ms=scenario.write * 1e3,
        request_ms=scenario.request * 1e3,
        starts=REQUESTED.start_executions,
        default_starts=DEFAULTS.start_executions,
        starters=starters(REQUESTED, scenario),
        default_starters=starters(DEFAULTS, scenario),
        each=scenario.starts_of_a_starter,
        batch=scenario.batch,
        takes=scenario.batch_takes_units,
        hidden=scenario.message_hidden,
        late=rows[0].timed_out,
        first=DEFAULTS.pollers_at_first,
        more=DEFAULTS.pollers_a_minute / 60,
        load_ms=scenario.load * 1e3,
        start_ms=scenario.start * 1e3,
        sold_after=" and ".join(_seconds(outcome.sold_out_at) for outcome in rows[0].regions),
        sold_after_by_default=" and ".join(_seconds(outcome.sold_out_at) for outcome in rows[1].regions),
    )


def _headline(scenario: Scenario, rows: Sequence[Row]) -> str:
    stock = sum(outcome.stock for outcome in rows[0].regions)
    return f"{2 * scenario.demand:,.0f} checkouts a second on one item, {stock:,} units in two Regions"


def _seconds(at: float | None) -> str:
    return "never" if at is None else f"{at:.0f} s"


def _pushed(row: Row) -> bool:
    return all(outcome.pushed_at is not None for outcome in row.regions)


def _quotas() -> str:
    lines: list[str] = []
    for quota in QUOTAS:
        default: int = getattr(DEFAULTS, quota.name)
        requested: int = getattr(REQUESTED, quota.name)
        wanted = f"**{requested:,}**" if requested != default else ("as it is" if quota.adjustable else "fixed")
        lines.append(f"| {quota.what} | {default:,} | {wanted} | [source]({quota.source}) |")
    return "\n".join(lines)


_PAGE: Final = """# What checkout can take

Generated by `make bench-capacity`; do not edit.

{headline}: a discrete-event simulation (simpy) under the limits that AWS publishes. It shows whether the design holds
within them; it is no measurement of AWS.

| | {designs} |
|---|{rule}|
{figures}

*sold*: units, of all there were. *late*: orders that had not ended {order_bound:.0f} s after they were placed; *after
push*: of these, the ones placed after sold out had been pushed. *201/202, 409, 429, 503*: of all answers, those to
customers who come back included. *orders failed*: rejected for a technical reason. *pushed after*: seconds from the
event's start until the entry of each Region knew that all was sold. *refused starts*: calls of StartExecution that
were throttled.

What it says:

- With tokens, every unit is sold, none twice, and no transaction meets another. After the push, a request is answered
  409 by what its function knows already.
- Units are held before an execution is started: what is sold out takes none. So an execution is started for each unit
  and for hardly anything else, of two states each, and the default of StateTransition is enough. With {starts:,}
  StartExecution a second all was known to be sold after {sold_after}, with the default of {default_starts} after
  {sold_after_by_default}: more of them sell faster, not more.
- What bounds the first seconds is how Lambda comes to read a queue: {first} batches at once, {more:.0f} more each
  second.
- The late orders were in a starter's hands when it was killed: its batch comes back after {hidden:.0f} s. Nothing of
  theirs is lost or sold twice.
- Behind the same bounded queue, 64 counters sell everything too, and know it sooner: nothing of theirs is hidden when a
  worker dies. They pay with conflicts, and in the request, without the queue, with answers of 503 while there is stock.
- Units whose worker died are the last to be sold. With the token queue's visibility time-out of {visibility:.0f} s
  hardly an order waits for them; with 30 s, the starters wait meanwhile, and the entry answers 503.
- One counter does not work in any place: a transaction of {write_ms:.0f} ms holds it, so at most 125 a second succeed.
- By default quotas nothing is lost or sold twice, but most customers meet a closed door: API Gateway lets 10,000
  requests a second in, Lambda has 1,000 environments, and a new table takes 4,000 write units.

## Quotas, for each Region

| limit | default | to request or to set | |
|---|---:|---:|---|
{quotas}

To request: quotas of the account, in bold; the rest is as a new account has it, or a setting. StateTransition, SQS and
EventBridge stay at their defaults.

Of what is in bold, three are settings of the program, raised in a cell's file (`sizes`) once AWS has granted them:
`api.requestsPerSecond`, `api.burst` and `orders.sagaStartsPerSecond`. Lambda's concurrency and the units of a table are
quotas of the account alone. Warm throughput and provisioned concurrency are set beside the program, which declares
neither; to declare the latter, `functionConcurrency` of the policy `provisioned-capacity-is-limited` (20) would have to
be raised first.

The starter's concurrency follows from `sagaStartsPerSecond`, which is set to what StartExecution allows. A starter
begins {each} orders a second: that is {starters} starters for {starts:,} a second, and {default_starters} for the
default of {default_starts}. While there is stock, each order that begins may take a StartExecution; what is refused
after three attempts comes back only after the queue's visibility time-out, {hidden:.0f} s, and would be late.

## How it is simulated

- Demand: {demand} new checkouts a second in the two Regions for {lasts:.0f} s, all of it reached within
  {ramp:.0f} s; {stock:,} units in each. Seed {seed}.
- The entry answers by slices of {slice_ms:.0f} ms: what API Gateway lets through, what Lambda serves (ten requests a
  second an environment, 1,000 new environments in 10 s), customers over their own rate, the flag, the depth of the
  queue, the table. A slice is a hundredth of the shortest thing that changes an answer: a function keeps the flag and
  the depth for {flag_age:.0f} s, and each function reads them at a time of its own.
- Each order that got in goes its way event by event: stream, queue, starter (batches of {batch}, one order after the
  other: {load_ms:.0f} ms of reads, receive, transaction; then StartExecution, {start_ms:.0f} ms, or the transaction
  that rejects; what is left of a batch after {takes:.0f} s goes to its executions as it is), state transitions (2 an
  order; 4 where the starter could not tell and the execution reserves, with its retries), transactions. A transaction
  holds its items for {write_ms:.0f} ms; another on the same item meanwhile is cancelled and has spent its write units.
  A partition serves 1,000 write units in any second, evenly; partition keys of hot items are spread over the partitions
  by hash, and stay there.
- The queue of tokens gives a message at least once ({twice:.1%} twice), a receive that finds nothing takes a second,
  and an unfinished message is back after {visibility:.0f} s. The decider counts at most every 200 ms, when a receive
  was empty.
- What goes wrong: {lost:.0%} of all answers are lost after the write was made, {kills:.1%} of the workers that
  reserve are killed, half of them before and half after their transaction, and the rest of a starter's batch with it.

## Assumptions

- {greedy:.0%} of the demand comes from programs over their customer's rate (429); {away:.0%} reaches a Region that is
  not the customer's home, and is handed over (202).
- Who gets a 429 of the gateway or a 503 comes back up to {patience} times, when `Retry-After` says and up to half of
  it later. Where units are taken in the request, nobody comes back; only the first seconds are simulated.
- The bound of the queue of orders is what the starters begin in {queue_seconds:.0f} s ({bound:,} orders).
  Because functions know the depth of up to {flag_age:.0f} s ago, more get in: see the deepest queue.
- A request takes {request_ms:.0f} ms of the entry's function. Functions keep a hot item's price, flag and mode for
  {flag_age:.0f} s (`workloads/checkout/adapters/offer_memory.py`): read with each request, its partition would be asked
  for more than its 3,000 read units.
- The functions that the executions call have environments enough beside those of the entry and the starters.
- DynamoDB's pacing within a second and the time that a transaction holds an item are not published: 0.1 s and
  {write_ms:.0f} ms here.
"""
