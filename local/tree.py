"""Shows the deployment as it goes: one status line while it runs, then a tree of each stack."""

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, TextIO

_MARKS: Final = {"emulated": "emulated", "process": "process", "stand-in": "stand-in", "recorded": "recorded only"}
_CELL: Final = "RegionalCell"
_COLOURS: Final = {"emulated": "32", "process": "36", "stand-in": "35", "recorded": "90"}


class Tree:
    """Takes the deployer's news; plain lines when nobody watches a terminal."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._begun: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._finished: list[str] = []
        self._groups: dict[str, Counter[tuple[str, str, str]]] = {}

    def say(self, line: str) -> None:
        """Write a line of its own."""
        self._clear()
        self._out.write(line + "\n")
        self._out.flush()

    def doing(self, what: str) -> None:
        """Show on a terminal what goes on until the next line is said."""
        if self._terminal:
            self._clear()
            # A line that reached the last column would wrap, and then could not be cleared.
            self._out.write(what[: shutil.get_terminal_size().columns - 1])
            self._out.flush()

    def take(self, news: Mapping[str, Any]) -> None:
        """Take one line of the deployer."""
        stack = str(news["stack"])
        match news["event"]:
            case "creating":
                if stack not in self._begun and not self._terminal:
                    self.say(f"deploying {stack}")
                self._begun[stack] += 1
            case "created":
                self._done[stack] += 1
                group = (component_of(news), short_type(str(news["type"])), str(news["handling"]))
                self._groups.setdefault(stack, Counter())[group] += 1
            case "finished":
                self._show(stack)
                self._finished.append(stack)
            case "failed":
                self.say(f"failed: {news['urn']}\n        {news['message']}")
            case other:
                self.say(f"{stack}: {other}")
        self._status(str(news.get("name", "")))

    def _show(self, stack: str) -> None:
        groups = self._groups.get(stack, Counter())
        same = next((other for other in self._finished if self._groups.get(other) == groups), None)
        if same:
            self.say(f"{stack}: {sum(groups.values())} resources, the same tree as {same}")
            return
        self.say(f"{stack}: {sum(groups.values())} resources")
        components = list(dict.fromkeys(component for component, _, _ in groups))
        for component in components:
            last = component == components[-1]
            self.say(f"{'└─' if last else '├─'} {component}")
            members = sorted(
                (type_, handling, count) for (of, type_, handling), count in groups.items() if of == component
            )
            for index, (type_, handling, count) in enumerate(members):
                branch = f"{'  ' if last else '│ '} {'└─' if index == len(members) - 1 else '├─'} "
                self.say(f"{branch}{f'{count:>3}  {type_}':<48} {self._mark(handling)}")

    def _mark(self, handling: str) -> str:
        text = _MARKS[handling]
        return f"\033[{_COLOURS[handling]}m{text}\033[0m" if self._terminal else text

    def _status(self, name: str) -> None:
        parts = [
            f"{stack} {self._done[stack]} done, {begun - self._done[stack]} under way"
            for stack, begun in self._begun.items()
            if stack not in self._finished
        ]
        if parts:
            self.doing(f"deploying {' · '.join(parts)}: {name}")

    def _clear(self) -> None:
        if self._terminal:
            self._out.write("\r\033[K")


def component_of(news: Mapping[str, Any]) -> str:
    """Return the box of the picture that a resource belongs to: the outermost component below the cell."""
    types = str(news["urn"]).split("::")[2].split("$")
    components = [type_.rsplit(":", 1)[-1] for type_ in types[:-1]]
    inner = [component for component in components if component != _CELL]
    return next(iter(inner or components), "program")


def short_type(type_: str) -> str:
    """Return `dynamodb Table` for `aws:dynamodb/table:Table`."""
    package, module, name = type_.split(":")
    service = module.split("/", maxsplit=1)[0]
    return f"{service} {name}" if package == "aws" else f"{package} {name}"
