"""Remember in the folder of a run which item of the queue it belongs to.

The service learns the name of a run from its worker. If both die in between, this file says
which run the item has to go on with, so that nothing is measured twice.
"""

import json
from pathlib import Path

from labctl.service.daemon.place import write_private
from labctl.store.folders import run_folders

OWNER = "item.json"
NEWEST = 200
"""Runs that are looked at: the one that is sought is among the last."""


def write_owner(folder: Path, item: str) -> None:
    """Write down whose run this is."""
    write_private(folder / OWNER, json.dumps({"item": item}) + "\n")


def run_of(data: Path, item: str) -> str:
    """Return the name of the newest run of an item, or an empty string."""
    for _, folder in list(run_folders(data))[: -NEWEST - 1 : -1]:
        try:
            content = json.loads((folder / OWNER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and content.get("item") == item:
            return folder.name
    return ""
