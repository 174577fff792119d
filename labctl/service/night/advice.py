"""Say what a person should do in the morning, most urgent first."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from labctl.core.items import ItemState
from labctl.service.night.digest import Digest

FREQUENT = 3
"""So many failed exchanges of one instrument in a night ask for a look at its line."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Hold one thing to do, with its reason, and the command that does it."""

    what: str
    why: str = ""
    command: str = ""
    urgent: bool = False


def advice_of(digest: Digest) -> list[Advice]:
    """Return what there is to do; empty if nothing is."""
    return [*_safety(digest), *_items(digest), *_references(digest), *_lines(digest)]


def _safety(digest: Digest) -> Iterator[Advice]:
    for sentence in digest.unconfirmed:
        yield Advice(
            "Look at the table now: shutters closed, lasers off by hand", sentence, urgent=True
        )


def _items(digest: Digest) -> Iterator[Advice]:
    for item in digest.waiting:
        if item.state is ItemState.QUARANTINED:
            yield Advice(
                f"Look into “{item.summary}” before it runs again", item.reason,
                f"labctl queue requeue {item.id}",
            )  # fmt: skip
        elif item.state is ItemState.INTERRUPTED:
            yield Advice(
                f"Decide whether “{item.summary}” goes on", item.reason,
                f"labctl queue requeue {item.id} --resume",
            )  # fmt: skip
    for one in digest.items:
        if one.item.state is ItemState.FAILED:
            remedies = [f.remedy for f in digest.faults if f.item == one.item.id and f.remedy]
            what = remedies[-1][:1].upper() + remedies[-1][1:] if remedies else "Find the cause"
            resumable = one.runs and one.runs[-1].state != "finished"
            yield Advice(
                f"{what}; then let “{one.item.label or one.item.procedure}” go on",
                one.item.reason, f"labctl resume {one.runs[-1].folder}" if resumable else "",
            )  # fmt: skip
    waiting = sum(item.state is ItemState.WAITING for item in digest.waiting)
    if waiting:
        what = "the item that waits" if waiting == 1 else f"the {waiting} items that wait"
        yield Advice(f"Let {what} run", digest.ended_by, "labctl queue run")


def _references(digest: Digest) -> Iterator[Advice]:
    for gap in digest.gaps:
        if gap.differs:
            yield Advice(
                f"Look at the sample: its reference changed at {gap.begin:%H:%M} in {gap.run}",
                gap.outcome,
            )
    for event in digest.events:
        if event.what == "dose warning":
            yield Advice("Choose another spot", event.why)
        elif event.what == "export failed":
            command = f"labctl runs export {event.run}"
            yield Advice("Export the run again, its points are safe", event.why, command)


def _lines(digest: Digest) -> Iterator[Advice]:
    counts = Counter(one.instrument for one in digest.exchanges)
    often = [f"{name} ({count})" for name, count in counts.most_common() if count >= FREQUENT]
    if often:
        yield Advice(
            f"Check cables and adapters: {', '.join(often)}",
            "so many exchanges with these instruments failed in this night", "labctl doctor",
        )  # fmt: skip
