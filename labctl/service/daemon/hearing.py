"""Take in what workers say: their values, exposures, answers and safe states."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labctl.core.errors import BadReply
from labctl.service.daemon.crew import Worker
from labctl.service.daemon.live import spectrum_from
from labctl.service.daemon.wire import PAYLOAD

if TYPE_CHECKING:
    from labctl.service.daemon.supervisor import Supervisor

_SHOWN = ("kind", "run", "point", "utc", "saved", "shape")


class Hearing:
    """Pass each event of a worker on to whom it concerns.

    All but `overhear` is for the supervisor's thread.
    """

    def __init__(self, supervisor: "Supervisor") -> None:
        self._s = supervisor
        self._of_all: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "reading": self._read,
            "exposing": self._exposing,
            "spectrum": lambda _: None,
            "safe": supervisor.safety.reported,
            "closed": supervisor.safety.reported,
            "answer": supervisor.hands.answered,
            "trouble": self._trouble,
            "live": self._live,
            "resync": self._resync,
            "garbled": self._garbled,
        }

    def overhear(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Show an exposure at once, in the thread of the worker's pipe; return what is left.

        Images are too large to wait in line behind everything else that happens.
        """
        if message.get("event") != "spectrum":
            return message
        try:
            exposure = spectrum_from(message, message.get(PAYLOAD, b""), 0)
        except BadReply as error:
            return {"event": "garbled", "reason": error.message}
        shown = {name: message[name] for name in _SHOWN}
        event = self._s.bus.publish("spectrum", {"key": "spectrum", **shown})
        self._s.newest.show(replace(exposure, seq=event.seq))
        return {"event": "spectrum"}

    def hear(self, worker: Worker, message: Mapping[str, Any]) -> None:
        """Take an event."""
        if message.get("event") == "opened":
            self._s.describe(message)
        action = self._of_all.get(str(message.get("event")))
        if action is not None:
            action(message)
        elif worker is self._s.desk.worker:
            self._s.desk.hear(message)
        elif worker is self._s.hands.worker:
            self._of_hands(message)
        elif worker is self._s.safety.worker:
            self._s.safety.hear(message)

    def _of_hands(self, message: Mapping[str, Any]) -> None:
        if message["event"] == "opened":
            self._s.board.interactive = True
        elif message["event"] == "refused":
            self._s.safety.fail(f"the table cannot be opened: {message['error']['message']}")

    def _read(self, message: Mapping[str, Any]) -> None:
        self._s.board.read(message)
        fields = {key: value for key, value in message.items() if key != "event"}
        self._s.bus.publish("readings", {"key": f"reading {message['name']}", **fields})

    def _exposing(self, message: Mapping[str, Any]) -> None:
        self._s.board.exposing = tuple(str(beam) for beam in message["beams"])
        self._s.bus.publish("step", {"key": "exposing", "beams": list(message["beams"])})

    def _trouble(self, message: Mapping[str, Any]) -> None:
        text = str(message["error"]["message"])
        self._s.raise_alarm(text, level="warning", source="table")

    def _live(self, message: Mapping[str, Any]) -> None:
        self._s.board.live = bool(message["on"])
        self._s.board.live_beams = tuple(str(beam) for beam in message.get("beams", ()))

    def _resync(self, message: Mapping[str, Any]) -> None:  # noqa: ARG002
        self._s.bus.resync("the worker was too fast for the service")

    def _garbled(self, message: Mapping[str, Any]) -> None:
        self._s.raise_alarm(f"a worker wrote nonsense: {message['reason']}", source="service")
