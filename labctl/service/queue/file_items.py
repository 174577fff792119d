"""Turn the entries of a queue file into items: check hashes, expand loops, resolve `after`."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from labctl.core.errors import ConfigError
from labctl.core.items import (
    Conditions,
    ItemId,
    ItemState,
    QueueItem,
    Retry,
    check_plain,
    new_item_id,
)
from labctl.core.parameters import nearest_hint
from labctl.service.queue.content import content_hash
from labctl.service.queue.file_model import FileConditions, FileItem
from labctl.service.queue.loops import MOST_ITEMS, combinations, label_of, loop_problem
from labctl.service.queue.times import read_time

Key = tuple[str | int, ...]
_KNOWN: Mapping[str, type[BaseModel]] = {
    "": FileItem,
    "conditions": FileConditions,
    "retry": Retry,
}
_IDENTITY = re.compile(r"[0-9a-f]{12}")
MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one entry of a file and the items that it makes."""

    number: int
    content: FileItem
    items: list[QueueItem]


@dataclass
class FileReader:
    """Collect items and problems of one file.

    Parameters
    ----------
    path
        Name of the file, for messages.
    line_of
        Gives the line of a key.
    now_utc
        What times from now and times of day count from.
    """

    path: str
    line_of: Callable[[Sequence[str | int]], int]
    now_utc: datetime
    problems: list[tuple[Key, str]] = field(default_factory=list)

    def read(self, entries: Sequence[Any]) -> list[QueueItem]:
        """Return the items of a file in order.

        Raises
        ------
        ConfigError
            Naming every wrong key with file, line and what is allowed; then no item is read.
        """
        found = [self._entry(number, entry) for number, entry in enumerate(entries)]
        whole = [entry for entry in found if entry is not None]
        items = self._resolve(whole)
        if not self.problems and len(items) > MOST_ITEMS:
            self.problems.append((("item",), f"more than {MOST_ITEMS} items"))
        self.check()
        return items

    def check(self) -> None:
        """Raise `ConfigError` if there are problems."""
        if not self.problems:
            return
        lines = [f"{self.where(key)}: {text}" for key, text in self.problems[:MOST_SHOWN]]
        if len(self.problems) > MOST_SHOWN:
            lines.append(f"and {len(self.problems) - MOST_SHOWN} more")
        raise ConfigError(
            "\n".join(lines),
            remedy="correct the file; configs/queues/overnight.toml is a commented example",
        )

    def where(self, key: Key) -> str:
        """Return file, line and key for a message."""
        dotted = ".".join(str(part) for part in key) or "file"
        return f"{self.path}:{self.line_of(key)}: {printable(dotted)}"

    def _entry(self, number: int, raw: Any) -> Entry | None:
        key: Key = ("item", number)
        if not isinstance(raw, dict):
            self.problems.append((key, "an item is a table of keys and values"))
            return None
        content, problems = self._content(key, raw)
        if "hash" in raw:
            doubt = self._doubt(key, raw, problems)
            if doubt or content is None:
                return self._quarantined(number, raw, content, doubt)
        if content is None or problems:
            self.problems += problems
            return None
        if content.quarantined:
            return self._quarantined(number, raw, content, content.quarantined)
        return Entry(number, content, self._expand(content))

    def _content(self, key: Key, raw: dict[str, Any]) -> tuple[FileItem | None, list[Any]]:
        """Return the entry in its standard form, with what is wrong with it."""
        problems: list[tuple[Key, str]] = []
        try:
            check_plain(raw)
        except ValueError as error:
            return None, [(key, str(error))]
        try:
            content = FileItem.model_validate(raw)
        except ValidationError as error:
            return None, [_explain(key, one) for one in error.errors()]
        if content.kind == "run" and not content.procedure:
            problems.append((key, "a 'procedure' is required"))
        if content.kind == "pause" and (content.procedure or content.parameters or content.loop):
            problems.append((key, "a pause has a label and nothing else"))
        wrong = loop_problem(content.loop, content.parameters)
        if wrong:
            problems.append(((*key, "loop", wrong[0]), wrong[1]))
        problems += self._condition_problems(key, content)
        return content, problems

    def _condition_problems(self, key: Key, content: FileItem) -> list[tuple[Key, str]]:
        try:
            self._conditions(content)
        except ValidationError as error:
            return [_explain((*key, "conditions"), one) for one in error.errors()]
        except ValueError as error:
            return [((*key, "conditions"), str(error))]
        return []

    def _conditions(self, content: FileItem, after: ItemId | None = None) -> Conditions:
        values = content.conditions.model_dump(exclude={"after"})
        for name in ("not_before", "deadline"):
            if values[name] is not None:
                values[name] = read_time(values[name], self.now_utc)
        return Conditions.model_validate(values | {"after": after})

    def _doubt(self, key: Key, raw: dict[str, Any], problems: Sequence[tuple[Key, str]]) -> str:
        """Return why an exported entry must not be trusted, or an empty string."""
        if problems:
            wrong, text = problems[0]
            return f"{self.where(wrong)}: {text}"
        if raw["hash"] != item_hash(raw):
            return (
                f"{self.where(key)}: changed since it was exported (the hash does not fit): "
                "check it, then requeue it"
            )
        return ""

    def _quarantined(
        self, number: int, raw: dict[str, Any], content: FileItem | None, reason: str
    ) -> Entry:
        """Return an item that keeps what can be kept, and does not run."""
        safe = content or FileItem.model_construct(
            **{
                name: value
                for name, value in raw.items()
                if name in ("procedure", "label", "id") and _is_short_text(value)
            }
        )
        conditions = Conditions()
        if content is not None and not self._condition_problems((), content):
            conditions = self._conditions(content)
        item = QueueItem(
            id=new_item_id(),
            kind=safe.kind,
            procedure=safe.procedure,
            parameters=safe.parameters,
            label=safe.label,
            conditions=conditions,
            state=ItemState.QUARANTINED,
            reason=printable(reason),
        )
        return Entry(number, safe, [item])

    def _expand(self, content: FileItem) -> list[QueueItem]:
        conditions = self._conditions(content)
        return [
            QueueItem(
                id=new_item_id(),
                kind=content.kind,
                procedure=content.procedure,
                parameters=content.parameters | values,
                label=label_of(content.label, values),
                conditions=conditions,
            )
            for values in combinations(content.loop)
        ]

    def _resolve(self, entries: Sequence[Entry]) -> list[QueueItem]:
        """Replace names in `after` by identities; what has loops is waited for to its end."""
        named: dict[str, list[Entry]] = {}
        for entry in entries:
            for name in {entry.content.id, entry.content.label} - {""}:
                named.setdefault(name, []).append(entry)
        items = []
        for entry in entries:
            after = self._after(entry, named)
            for item in entry.items:
                conditions = item.conditions.model_copy(update={"after": after})
                items.append(item.model_copy(update={"conditions": conditions}) if after else item)
        return items

    def _after(self, entry: Entry, named: Mapping[str, Sequence[Entry]]) -> ItemId | None:
        name = entry.content.conditions.after
        if name is None:
            return None
        key = ("item", entry.number, "conditions", "after")
        found = named.get(name, ())
        if len(found) == 1 and found[0] is not entry:
            return found[0].items[-1].id
        if not found and _IDENTITY.fullmatch(name):
            return name
        if entry.items[0].state is ItemState.QUARANTINED:
            return None
        problem = (
            "an item cannot wait for itself"
            if len(found) == 1
            else f"{len(found)} items are called {name!r}: give the one meant an id"
            if found
            else f"no item has the label or id {name!r}{_hint(name, named)}"
        )
        self.problems.append((key, problem))
        return None


def item_hash(entry: Mapping[str, Any]) -> str:
    """Return the content hash of an entry; of its own key `hash` it is independent.

    An entry that cannot be written as JSON gets an empty one, which fits nothing.
    """
    try:
        return content_hash({name: part for name, part in entry.items() if name != "hash"})
    except (ValueError, TypeError):
        return ""


def printable(text: str) -> str:
    """Return a text on one line that every terminal and database takes."""
    clean = text.encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in clean)


def _is_short_text(value: object) -> bool:
    if not isinstance(value, str) or len(value) > 100:
        return False
    return printable(value) == value


def _hint(name: str, named: Mapping[str, object]) -> str:
    return nearest_hint(name, named) if named else ""


def _explain(key: Key, item: Any) -> tuple[Key, str]:
    place = (*key, *item["loc"])
    if item["type"] == "extra_forbidden":
        section = str(item["loc"][-2]) if len(item["loc"]) > 1 else ""
        known = _KNOWN.get(section)
        hint = nearest_hint(str(item["loc"][-1]), known.model_fields) if known else ""
        return place, f"unknown key{printable(hint)}"
    given = printable(repr(item["input"]))[:100]
    return place, f"{str(item['msg']).removeprefix('Value error, ')} (given: {given})"
