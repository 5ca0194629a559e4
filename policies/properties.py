"""Reads a resource's properties so that absent, unknown and known are three different things.

In preview, whatever depends on a resource that does not exist yet is unknown. Most rules only ask whether something is
set, which can be answered; a rule that needs the value raises UnknownValueError, which the engine reports as advice.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from pulumi.output import Unknown
from pulumi_policy import proxy, secret

_TARGET: Final = "__target"
_UNKNOWN_TEXTS: Final = frozenset(
    {
        proxy.UNKNOWN_BOOLEAN_VALUE,
        proxy.UNKNOWN_NUMBER_VALUE,
        proxy.UNKNOWN_STRING_VALUE,
        proxy.UNKNOWN_ARRAY_VALUE,
        proxy.UNKNOWN_ASSET_VALUE,
        proxy.UNKNOWN_ARCHIVE_VALUE,
        proxy.UNKNOWN_OBJECT_VALUE,
    }
)
# Private classes of pulumi_policy: it offers no other way to look at a property without touching what is unknown.
_PROXIES: Final = (
    proxy._DictProxy,  # pyright: ignore[reportPrivateUsage]
    proxy._ListProxy,  # pyright: ignore[reportPrivateUsage]
    secret._DictSecretsProxy,  # pyright: ignore[reportPrivateUsage]
    secret._ListSecretsProxy,  # pyright: ignore[reportPrivateUsage]
)


class _NotYetKnown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _NotYetKnown()
"""Stands for a value that is known after the deployment only."""


class Properties:
    """One object of a resource's properties; paths are such as `serverSideEncryption.kmsKeyArn`."""

    def __init__(self, tree: Mapping[str, Any], path: str = "") -> None:
        self._tree = tree
        self._path = path

    @classmethod
    def of(cls, properties: Any) -> "Properties":
        """Read what the engine, or a test, hands over."""
        return cls(_plain(properties))

    def peek(self, path: str) -> Any:
        """Return the value, None if it is absent, or UNKNOWN."""
        node: Any = self._tree
        for key in path.split("."):
            if node is UNKNOWN:
                return UNKNOWN
            node = _member(node, key)
        return node

    def has(self, path: str) -> bool:
        """Return whether something is set; what is not known yet is."""
        return self.peek(path) not in (None, "", [], {})

    def get(self, path: str, default: Any = None) -> Any:
        """Return the value or the default; raises UnknownValueError."""
        found = self.peek(path)
        if _holds_unknown(found):
            self._raise_unknown(path)
        return default if found is None else found

    def is_true(self, path: str) -> bool:
        """Return whether a switch is on; raises UnknownValueError."""
        return self.get(path) is True

    def text(self, path: str) -> str:
        """Return a text, empty if it is absent; raises UnknownValueError."""
        return str(self.get(path, ""))

    def number(self, path: str) -> float | None:
        """Return a number, None if it is absent; raises UnknownValueError."""
        found = self.get(path)
        return None if found in (None, "") else float(found)

    def count(self, path: str) -> int:
        """Return how many members a list has, known or not; raises UnknownValueError if the list is unknown."""
        found = self.peek(path)
        if found is UNKNOWN:
            self._raise_unknown(path)
        return len(found) if isinstance(found, Sequence) else 0

    def objects(self, path: str) -> Iterator["Properties"]:
        """Yield the objects of a list (or the one object); raises UnknownValueError where one is unknown."""
        found = self.peek(path)
        members: Sequence[Any] = found if isinstance(found, list) else [] if found is None else [found]
        for index, member in enumerate(members):
            if member is UNKNOWN:
                self._raise_unknown(f"{path}.{index}")
            if isinstance(member, Mapping):
                yield Properties(member, f"{self._path}{path}.{index}.")

    def texts(self, path: str) -> list[str]:
        """Return the texts of a list; raises UnknownValueError."""
        found = self.get(path, [])
        return [str(member) for member in found] if isinstance(found, list) else [str(found)]

    def known_texts(self, path: str) -> list[str]:
        """Return those texts of a list, or of one value, that are known."""
        found = self.peek(path)
        members: Sequence[Any] = found if isinstance(found, list) else [found]
        return [member for member in members if isinstance(member, str)]

    def items(self, path: str) -> Iterator[tuple[str, Any]]:
        """Yield the keys of an object with their values, UNKNOWN included; raises if the object itself is unknown."""
        found = self.peek(path)
        if found is UNKNOWN:
            self._raise_unknown(path)
        if isinstance(found, Mapping):
            yield from found.items()

    def _raise_unknown(self, path: str) -> NoReturn:
        raise proxy.UnknownValueError(proxy.UNKNOWN_STRING_VALUE, f"{self._path}{path}".split("."))


def raw(properties: Any) -> dict[str, Any]:
    """Return a copy that a remediation may change: unknown and secret values stay what they are."""
    while isinstance(properties, _PROXIES):
        properties = properties[_TARGET]
    return dict(properties)


def _plain(node: Any) -> Any:
    match node:
        case _ if isinstance(node, _PROXIES):
            return _plain(node[_TARGET])
        case secret.Secret():
            return _plain(node.value)
        case Unknown() | str() if isinstance(node, Unknown) or node in _UNKNOWN_TEXTS:
            return UNKNOWN
        case Mapping():
            return {str(key): _plain(value) for key, value in node.items()}
        case list() | tuple():
            return [_plain(member) for member in node]
        case _:
            return node


def _member(node: Any, key: str) -> Any:
    """Pulumi writes some single blocks as an object and some as a list of one: both are read alike."""
    if isinstance(node, list) and not key.isdigit():
        node = node[0] if len(node) == 1 else None
    match node:
        case Mapping():
            return node.get(key)
        case list() if int(key) < len(node):
            return node[int(key)]
        case _:
            return UNKNOWN if node is UNKNOWN else None


def _holds_unknown(node: Any) -> bool:
    match node:
        case _NotYetKnown():
            return True
        case Mapping():
            return any(_holds_unknown(value) for value in node.values())
        case list():
            return any(_holds_unknown(member) for member in node)
        case _:
            return False
