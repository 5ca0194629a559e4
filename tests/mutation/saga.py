"""The saga's state machine without one of its states, catches or retries."""

from __future__ import annotations

from typing import Any

from tests.mutation.mutants import SagaMutant


class Machines:
    """Every state machine that the program's definition has made in this process."""

    def __init__(self) -> None:
        self._made: list[dict[str, Any]] = []
        self._missing: SagaMutant | None = None

    def install(self) -> None:
        """Come before everybody who asks for the definition."""
        from components import checkout_saga_states  # noqa: PLC0415 - changed before the tests import it

        define = checkout_saga_states.definition

        def definition(*, steps_version_arn: str, repair_queue_url: str) -> dict[str, Any]:
            machine = dict(define(steps_version_arn=steps_version_arn, repair_queue_url=repair_queue_url))
            machine["States"] = {name: dict(state) for name, state in machine["States"].items()}
            self._made.append(machine)
            if self._missing is not None:
                _take(self._missing, machine)
            return machine

        checkout_saga_states.definition = definition

    def take(self, mutant: SagaMutant) -> None:
        """Take something away from those that were made and those that will be."""
        self._missing = mutant
        for machine in self._made:
            _take(mutant, machine)


def _take(mutant: SagaMutant, machine: dict[str, Any]) -> None:
    state = machine["States"][mutant.state]
    if mutant.field is None:
        machine["States"][mutant.state] = {
            "Type": "Pass",
            **({"Next": state["Next"]} if "Next" in state else {"End": True}),
        }
        return
    left = [one for number, one in enumerate(state[mutant.field]) if number != mutant.number]
    state[mutant.field] = left
    if not left:
        del state[mutant.field]
