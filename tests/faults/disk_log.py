"""Read what the shim wrote down, and make the disk that a power cut may have left."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Operation:
    """One write (`w`), truncation (`t`, to `offset`), removal (`u`) or sync (`s`) of a file.

    A removal is durable once its folder is synced.
    """

    kind: str
    path: Path
    offset: int
    data: bytes


def read_log(path: Path) -> list[Operation]:
    operations, left = [], path.read_bytes()
    while left:
        head, left = left.split(b"\n", 1)
        kind, offset, size, name = head.decode().split(" ", 3)
        has_data = kind == "w"
        data, left = (left[: int(size)], left[int(size) :]) if has_data else (b"", left)
        operations.append(Operation(kind, Path(name), int(offset), data))
    return operations


def acknowledged(operations: Sequence[Operation]) -> int:
    """How many points were acknowledged within some operations."""
    return sum(one.kind == "w" and one.path.name == "acks" for one in operations)


def surviving(operations: Sequence[Operation], chance: random.Random) -> list[Operation]:
    """What a disk holds after a power cut: what was synced, and any part of what was not.

    The last write that survives without a sync may be torn at a sector of 512 bytes.
    """
    durable: set[int] = set()
    pending: dict[Path, list[int]] = {}
    for number, one in enumerate(operations):
        if one.kind == "s":
            durable.update(pending.pop(one.path, []))
        else:
            what = one.path.parent if one.kind == "u" else one.path
            pending.setdefault(what, []).append(number)
    kept_part = chance.choice((0.0, 0.3, 0.7, 1.0))
    kept = []
    for number, one in enumerate(operations):
        if one.kind == "s":
            continue
        if number in durable:
            kept.append(one)
        elif chance.random() < kept_part:
            sectors = len(one.data) // 512
            torn = sectors and chance.random() < 0.2
            data = one.data[: 512 * chance.randrange(sectors)] if torn else one.data
            kept.append(Operation(one.kind, one.path, one.offset, data))
    return kept


def lay_out(operations: Sequence[Operation], old: Path, new: Path) -> None:
    """Write the files below `old` as some operations leave them, below `new`."""
    files: dict[Path, bytearray] = {}
    for one in operations:
        if one.kind == "u":
            files.pop(one.path, None)
            continue
        content = files.setdefault(one.path, bytearray())
        if one.kind == "t":
            del content[one.offset :]
            content.extend(bytes(one.offset - len(content)))
        else:
            content.extend(bytes(max(0, one.offset - len(content))))
            content[one.offset : one.offset + len(one.data)] = one.data
    for path, content in files.items():
        target = new / path.relative_to(old)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
