"""The tokens and paths of DynamoDB's expressions, which conditions, updates and projections share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from tests.simulation.dynamodb.reserved import RESERVED_WORDS
from tests.simulation.dynamodb.values import AttributeValue, InvalidRequestError, Item

Names: TypeAlias = Mapping[str, str]
Values: TypeAlias = Mapping[str, AttributeValue]
Path: TypeAlias = tuple[str | int, ...]
"""Names as they were written, `#` placeholders included, and positions in lists."""

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<name>\#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>[0-9]+)|(?P<sign><=|>=|<>|[=<>(),.\[\]+-]))"
)


class Tokens:
    """An expression's tokens, read one after the other; keeps which placeholders were met."""

    def __init__(self, kind: str, expression: str) -> None:
        self._kind = kind
        self._expression = expression
        self._tokens = list(self._split())
        self._position = 0
        self.names: set[str] = set()
        self.values: set[str] = set()

    def _split(self) -> Iterable[tuple[str, str]]:
        text = self._expression.rstrip()
        if not text:
            raise self.invalid("The expression can not be empty;")
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise self.invalid(f'Syntax error; token: "{text[position:].split()[0]}"')
            yield match.lastgroup, match[match.lastgroup]
            position = match.end()

    def invalid(self, why: str) -> InvalidRequestError:
        """Return the error that this expression is no good."""
        return InvalidRequestError(f"Invalid {self._kind}: {why}")

    def unexpected(self) -> InvalidRequestError:
        """Return the error that the next token does not belong here."""
        return self.invalid(f'Syntax error; token: "{self.text or "<EOF>"}", near: "{self._expression}"')

    @property
    def kind(self) -> str:
        """Return what the next token is: word, name, value, number, sign, or nothing at the end."""
        return self._tokens[self._position][0] if self._position < len(self._tokens) else ""

    @property
    def text(self) -> str:
        """Return the next token as it was written."""
        return self._tokens[self._position][1] if self._position < len(self._tokens) else ""

    def take(self) -> str:
        """Return the next token and go on."""
        text = self.text
        self._position += 1
        return text

    def accept(self, *texts: str) -> str | None:
        """Take the next token if it is one of these; keywords are the same in upper and lower case."""
        if self.kind in {"word", "sign"} and self.text.upper() in texts:
            return self.take().upper()
        return None

    def expect(self, text: str) -> None:
        """Take the next token, which must be this one."""
        if self.accept(text) is None:
            raise self.unexpected()

    def function(self, *names: str) -> str | None:
        """Take the name of a function and its opening bracket if such a call comes next; names are lower case."""
        following = self._tokens[self._position + 1] if self._position + 1 < len(self._tokens) else ("", "")
        if self.kind == "word" and self.text in names and following[1] == "(":
            name = self.take()
            self.take()
            return name
        return None

    def value(self) -> str:
        """Take a `:` placeholder."""
        if self.kind != "value":
            raise self.unexpected()
        name = self.take()
        self.values.add(name)
        return name

    def path(self) -> Path:
        """Take the path of an attribute."""
        path: list[str | int] = [self._name()]
        while True:
            if self.accept("."):
                path.append(self._name())
            elif self.accept("["):
                if self.kind != "number":
                    raise self.unexpected()
                path.append(int(self.take()))
                self.expect("]")
            else:
                return tuple(path)

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self.kind:
            raise self.unexpected()

    def _name(self) -> str:
        if self.kind == "name":
            self.names.add(self.text)
        elif self.kind != "word":
            raise self.unexpected()
        elif self.text.upper() in RESERVED_WORDS:
            raise self.invalid(f"Attribute name is a reserved keyword; reserved keyword: {self.text}")
        return self.take()


def root(path: Path) -> str:
    """Return the attribute that a path starts at."""
    return str(next(iter(path)))


def resolve(path: Path, names: Names) -> Path:
    """Return a path with the names that its placeholders stand for."""
    return tuple(names[part] if isinstance(part, str) and part[0] == "#" else part for part in path)


def read(item: Item, path: Path, names: Names) -> AttributeValue | None:
    """Return what an item has at a path."""
    current: Any = {"M": item}
    for part in path:
        if isinstance(part, int):
            elements = current.get("L")
            if elements is None or part >= len(elements):
                return None
            current = elements[part]
        else:
            fields = current.get("M")
            current = None if fields is None else fields.get(names[part] if part[0] == "#" else part)
            if current is None:
                return None
    return current
