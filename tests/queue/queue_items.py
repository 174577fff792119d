"""Make items and look at queues, for the tests."""

from datetime import UTC, datetime

from labctl.core.items import Conditions, QueueItem, new_item_id

NIGHT = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


def make_item(label="", procedure="spectrum", parameters=None, **conditions) -> QueueItem:
    return QueueItem(
        id=new_item_id(),
        procedure=procedure,
        parameters=parameters or {},
        label=label,
        conditions=Conditions.model_validate(conditions),
    )


def labels(queue, *states) -> list[str]:
    return [item.label for item in queue.list(states)]
