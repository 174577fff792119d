"""Keep what waits to be run: the durable queue, its files, and the plan of the night."""

from labctl.service.queue.database import DATABASE, StationDatabase
from labctl.service.queue.edits import Undone
from labctl.service.queue.examination import DryRuns, Examined, Examiner
from labctl.service.queue.files import read_queue_file, write_queue_file
from labctl.service.queue.night_plan import NightPlan, PlannedItem
from labctl.service.queue.planner import plan_night
from labctl.service.queue.queue import Queue
from labctl.service.queue.spread import learn_spreads

__all__ = [
    "DATABASE",
    "DryRuns",
    "Examined",
    "Examiner",
    "NightPlan",
    "PlannedItem",
    "Queue",
    "StationDatabase",
    "Undone",
    "learn_spreads",
    "plan_night",
    "read_queue_file",
    "write_queue_file",
]
