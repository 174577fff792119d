"""Give what a form asks for to the service: as a new item, as a change of one, or to run now."""

from collections.abc import Callable, Mapping
from typing import Any

from labctl.core.errors import LabctlError
from labctl.gui.queue.conditions import ConditionsBox
from labctl.gui.queue.desk import QueueDesk


class Orders:
    """Order runs at the desk.

    Parameters
    ----------
    desk
        What carries the orders to the service.
    done
        Gets the identity of the item and a sentence about it when the service has taken it.
    failed
        Gets why the service refused.
    """

    def __init__(
        self,
        desk: QueueDesk,
        done: Callable[[str, str], None],
        failed: Callable[[LabctlError], None],
    ) -> None:
        self._desk, self._done, self._failed = desk, done, failed

    def add(
        self, box: ConditionsBox, procedure: str, values: Mapping[str, Any], label: str
    ) -> None:
        """Add an item where the desk puts new ones; `UsageError` if its conditions are wrong."""
        conditions, at = box.value(), self._desk.place()
        self._desk.do(
            lambda table: table.queue.add(
                procedure, values, label=label, conditions=conditions, at=at
            ),
            lambda job: self._done(job.id, f"{procedure} added to the queue"),
            self._failed,
        )

    def change(
        self,
        item: str,
        box: ConditionsBox,
        procedure: str,
        values: Mapping[str, Any],
        label: str,
    ) -> None:
        """Change an item that waits; `UsageError` if its conditions are wrong."""
        before = next((one for one in self._desk.snapshot.items if one.id == item), None)
        conditions = None if before is None else box.merged(before)
        self._desk.do(
            lambda table: table.queue.edit(
                item, procedure=procedure, parameters=values, label=label, conditions=conditions
            ),
            lambda changed: self._done(changed.id, "the item was changed"),
            self._failed,
        )

    def run_now(self, procedure: str, values: Mapping[str, Any], label: str) -> None:
        """Have it measured in front of all others."""
        self._desk.do(
            lambda table: table.run_now(procedure, values, label=label),
            lambda job: self._done(job.id, f"{procedure} begins"),
            self._failed,
        )
