"""A table in one Region: its items by key, its indexes, and what its stream tells of each change."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

from tests.simulation.dynamodb.values import AttributeValue, InvalidRequestError, Item, sortable

Stamp: TypeAlias = tuple[float, int, str]
"""When and where a version was written, and a number that orders what one Region writes at one time."""
Key: TypeAlias = tuple[Any, Any]
"""The sortable partition and sort key; None where the table has no sort key."""

_NOTHING: Mapping[str, Any] = {}
NO_STAMP: Stamp = (float("-inf"), 0, "")


class Attribute(NamedTuple):
    """A key attribute and its type."""

    name: str
    type: str


class KeySchema:
    """The key attributes of a table or an index."""

    def __init__(self, hash_key: Attribute, range_key: Attribute | None) -> None:
        self.hash = hash_key
        self.range = range_key
        self._range_name = range_key.name if range_key else ""
        self._both_are_texts = range_key is not None and (hash_key.type, range_key.type) == ("S", "S")
        self.names = frozenset(attribute.name for attribute in (hash_key, range_key) if attribute)
        self.width = len(self.names)

    def key_of(self, item: Mapping[str, AttributeValue]) -> Key:
        """Return the key in an item or a request; raises InvalidRequestError where it is missing or malformed."""
        if self._both_are_texts:
            # The keys of most tables: no more than this is looked at where nothing is wrong.
            hash_key = item.get(self.hash.name, _NOTHING).get("S")
            sort_key = item.get(self._range_name, _NOTHING).get("S")
            if hash_key and sort_key:
                return hash_key, sort_key
        return self._part(item, self.hash), None if self.range is None else self._part(item, self.range)

    def sparse_key_of(self, item: Mapping[str, AttributeValue]) -> Key | None:
        """Return the key in an item, or None where it has none and is therefore in no index."""
        return self.key_of(item) if all(name in item for name in self.names) else None

    def part_of(self, item: Item) -> Item:
        """Return the key attributes of an item."""
        return {name: item[name] for name in self.names}

    @staticmethod
    def _part(item: Mapping[str, AttributeValue], attribute: Attribute) -> Any:
        value = item.get(attribute.name)
        if value is None:
            message = f"One of the required keys was not given a value: {attribute.name}"
            raise InvalidRequestError(message)
        if attribute.type not in value:
            message = (
                f"One or more parameter values were invalid: Type mismatch for key {attribute.name} "
                f"expected: {attribute.type} actual: {', '.join(value)}"
            )
            raise InvalidRequestError(message)
        if value[attribute.type] in {"", b""}:
            message = (
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                f"empty string value. Key: {attribute.name}"
            )
            raise InvalidRequestError(message)
        return sortable(value)


class Stored:
    """An item, or that it was deleted, with the stamp by which replicas decide between two versions."""

    __slots__ = ("image", "stamp")

    def __init__(self, image: Item | None, stamp: Stamp) -> None:
        self.image = image
        self.stamp = stamp


class Change(NamedTuple):
    """A change of one item, as its stream and the other replicas learn of it."""

    table: str
    key: Key
    before: Item | None
    after: Item | None
    stamp: Stamp


class Partition:
    """The items under one partition key, in the order of their sort keys."""

    __slots__ = ("_order", "items")

    def __init__(self) -> None:
        self.items: dict[Any, Stored] = {}
        self._order: list[Any] | None = None

    def put(self, sort_key: Any, stored: Stored) -> None:
        """Put an item or its tombstone."""
        if sort_key not in self.items:
            self._order = None
        self.items[sort_key] = stored

    def drop(self, sort_key: Any) -> None:
        """Forget an entry altogether."""
        if self.items.pop(sort_key, None) is not None:
            self._order = None

    def between(self, low: Any, high: Any) -> list[tuple[Any, Item]]:
        """Return the items from one sort key to another, both included; None is no bound."""
        if self._order is None:
            self._order = sorted(self.items) if None not in self.items else [None]
        order = self._order
        start = 0 if low is None else bisect_left(order, low)
        end = len(order) if high is None else bisect_right(order, high)
        found = ((sort_key, self.items[sort_key].image) for sort_key in order[start:end])
        return [(sort_key, image) for sort_key, image in found if image is not None]


class Index:
    """A global secondary index: it learns of a change some time after the table has it."""

    def __init__(self, name: str, schema: KeySchema, *, table: KeySchema, projected: frozenset[str] | None) -> None:
        self.name = name
        self.schema = schema
        self._table = table
        self.projected = projected
        self._partitions: dict[Any, Partition] = {}
        self._places: dict[Key, Key] = {}
        self._pending: deque[tuple[float, Key, Item | None]] = deque()

    def learn(self, key: Key, image: Item | None, *, due: float) -> None:
        """Take note of a change that is to be seen from a time on; changes are seen in their order."""
        self._pending.append((due, key, image))

    def partition(self, hash_key: Any, *, now: float) -> Partition | None:
        """Return what is seen of a partition by now."""
        self._catch_up(now)
        return self._partitions.get(hash_key)

    def partitions(self, *, now: float) -> Mapping[Any, Partition]:
        """Return all that is seen by now."""
        self._catch_up(now)
        return self._partitions

    def _catch_up(self, now: float) -> None:
        while self._pending and self._pending[0][0] <= now:
            _, key, image = self._pending.popleft()
            place = self._places.pop(key, None)
            if place is not None:
                self._partitions[place[0]].drop((place[1], key))
            new = None if image is None else self.schema.sparse_key_of(image)
            if new is not None and image is not None:
                self._places[key] = new
                partition = self._partitions.setdefault(new[0], Partition())
                partition.put((new[1], key), Stored(self._projection(image), NO_STAMP))

    def _projection(self, image: Item) -> Item:
        if self.projected is None:
            return image
        kept = self.projected | self.schema.names | self._table.names
        return {name: value for name, value in image.items() if name in kept}


class Table:
    """One replica of a table."""

    def __init__(self, name: str, schema: KeySchema, *, indexes: Mapping[str, Index]) -> None:
        self.name = name
        self.schema = schema
        self.indexes = dict(indexes)
        self.partitions: dict[Any, Partition] = {}
        self.listeners: list[Callable[[Change], None]] = []
        """Told of every change, in order: what reads the stream."""

    def get(self, key: Key) -> Stored | None:
        """Return the present version of an item, which may be a tombstone."""
        partition = self.partitions.get(key[0])
        return None if partition is None else partition.items.get(key[1])

    def put(self, key: Key, image: Item | None, stamp: Stamp, *, index_due: float) -> Change:
        """Write a version and tell the indexes and the stream of it; a write that changes nothing is no news."""
        partition = self.partitions.get(key[0])
        if partition is None:
            partition = self.partitions[key[0]] = Partition()
        stored = partition.items.get(key[1])
        before = None if stored is None else stored.image
        partition.put(key[1], Stored(image, stamp))
        change = Change(self.name, key, before, image, stamp)
        if before != image:
            for index in self.indexes.values():
                index.learn(key, image, due=index_due)
            for listener in self.listeners:
                listener(change)
        return change


def hash_place(key: Any) -> int:
    """Return where a partition key stands in a scan: the same in every process."""
    return crc32(str(key).encode())
