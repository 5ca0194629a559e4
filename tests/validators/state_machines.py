"""Checks state machines: by statelint, by the schema of the Amazon States Language that cfn-lint carries, as a graph.

statelint is the validator of the language's own specification (awslabs/statelint, in Python); the schema knows the
service integrations' fields; that every way ends, and that a choice has a default, neither of them asks.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import jsonschema
from jsonata import Jsonata
from jsonata.jexception import JException
from jsonschema.validators import extend
from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

from local.recording import RecordedResource

STATE_MACHINE: Final = "aws:sfn/stateMachine:StateMachine"
_PATH: Final = re.compile(r"\$\$?(\.[A-Za-z_][A-Za-z0-9_-]*|\[[0-9*]+\]|\['[^']+'\])*")
_INTRINSIC: Final = re.compile(r"States\.[A-Z][A-Za-z0-9]+\(.*\)")
_ENDS: Final = frozenset({"Succeed", "Fail"})
# JSON does not tell 2 from 2.0: statelint wants the latter.
_STATELINT: Final = Config(ignored_problem_types={ProblemType.FLOAT})


def violations(resources: Iterable[RecordedResource]) -> list[str]:
    """Return what Step Functions would refuse, and what could never run or never end."""
    return [
        f"{resource.urn} {problem}"
        for resource in resources
        if resource.type == STATE_MACHINE
        for problem in _all_problems(json.loads(resource.inputs["definition"]))
    ]


def _all_problems(machine: dict[str, Any]) -> Iterator[str]:
    yield from (f"statelint: {problem.strip()}" for problem in Linter.validate(machine, _STATELINT))
    yield from problems(machine)


def problems(machine: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a machine or with one that is nested in it."""
    for error in _language().iter_errors(_in_its_own_language(machine)):
        yield f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message}"
    states = machine.get("States", {})
    yield from _transitions(machine, states)
    for name, state in states.items():
        yield from _paths(state, name)
        yield from _expressions(state, name)
        if state.get("Type") == "Choice" and "Default" not in state:
            yield f"{name}: a value that no choice expects fails the execution; say where it goes by Default"
        for nested in (
            *state.get("Branches", []),
            *(state[key] for key in ("ItemProcessor", "Iterator") if key in state),
        ):
            yield from problems(nested)


@cache
def _language() -> Any:
    """Return a validator by the schema; the linter itself is not imported, which would take four seconds."""
    package = find_spec("cfnlint")
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).parent / "data/schemas/other/step_functions/statemachine.json"
    # Later than the draft that the schema names: it has words beside `$ref`, which draft 7 passes over.
    language = extend(jsonschema.Draft201909Validator, {"requiredXor": _required_xor})
    return language(json.loads(file.read_text(encoding="utf-8")))


def _required_xor(_validator: Any, names: Sequence[str], instance: object, _schema: Any) -> Iterator[Exception]:
    """The linter's own word: exactly one of these must be there."""
    if isinstance(instance, Mapping) and sum(name in instance for name in names) != 1:
        yield jsonschema.ValidationError(f"exactly one of {', '.join(names)} is needed")


def _in_its_own_language(machine: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say in every state which query language it is in: the schema does not know that the machine says it for all."""
    language = {"QueryLanguage": machine["QueryLanguage"]} if "QueryLanguage" in machine else {}
    return {**machine, "States": {name: {**language, **state} for name, state in machine.get("States", {}).items()}}


def _transitions(machine: Mapping[str, Any], states: Mapping[str, Any]) -> Iterator[str]:
    start = machine.get("StartAt")
    if not isinstance(start, str) or start not in states:
        yield f"StartAt: there is no state {start!r}"
        return
    for name, state in states.items():
        for target in sorted(set(_targets(state)) - states.keys()):
            yield f"{name}: there is no state {target!r} to go to"
        if ("Next" in state) == bool(state.get("End")) and state.get("Type") not in {"Choice", *_ENDS}:
            yield f"{name}: needs either Next or End"
    reached = _reached({start}, {name: set(_targets(state)) for name, state in states.items()})
    for name in sorted(states.keys() - reached):
        yield f"{name}: no way leads to this state"
    backwards: dict[str, set[str]] = {name: set() for name in states}
    for name, state in states.items():
        for target in set(_targets(state)) & states.keys():
            backwards[target].add(name)
    ends = {name for name, state in states.items() if state.get("End") or state.get("Type") in _ENDS}
    for name in sorted(reached & states.keys() - _reached(ends, backwards)):
        yield f"{name}: no way leads from this state to an end"


def _targets(state: Mapping[str, Any]) -> Iterator[str]:
    for part in (state, *state.get("Choices", []), *state.get("Catch", [])):
        if "Next" in part:
            yield part["Next"]
    if "Default" in state:
        yield state["Default"]


def _reached(first: set[str], following: Mapping[str, set[str]]) -> set[str]:
    reached, left = set[str](), set(first)
    while left:
        name = left.pop()
        reached.add(name)
        left |= following.get(name, set()) - reached
    return reached


def _expressions(value: Any, at: str) -> Iterator[str]:
    """Yield JSONata expressions that can not be parsed."""
    match value:
        case Mapping():
            for name, item in value.items():
                yield from _expressions(item, f"{at}.{name}")
        case list():
            for index, item in enumerate(value):
                yield from _expressions(item, f"{at}[{index}]")
        case str() if value.startswith("{%"):
            try:
                Jsonata.jsonata(value.removeprefix("{%").removesuffix("%}").strip())
            except JException as error:
                yield f"{at}: {value!r} is no JSONata expression: {error}"
        case _:
            return


def _paths(value: Any, at: str, key: str = "") -> Iterator[str]:
    """Yield paths that are none: in fields that hold one, and in payload templates' keys that end with `.$`."""
    match value:
        case Mapping():
            for name, item in value.items():
                yield from _paths(item, f"{at}.{name}", name)
        case list():
            for index, item in enumerate(value):
                yield from _paths(item, f"{at}[{index}]", key)
        case str() if key.endswith(".$") and not (_PATH.fullmatch(value) or _INTRINSIC.fullmatch(value)):
            yield f"{at}: {value!r} is neither a path nor an intrinsic function"
        case str() if key in {"InputPath", "OutputPath", "ResultPath", "Variable"} and not _PATH.fullmatch(value):
            yield f"{at}: {value!r} is no path"
        case _:
            return
