"""Take in what workers say: their values, exposures, answers and safe states."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from labctl.service.daemon.crew import Worker
from labctl.service.daemon.live import spectrum_from

if TYPE_CHECKING:
    from labctl.service.daemon.supervisor import Supervisor

_SHOWN = ("kind", "run", "point", "utc", "saved", "shape")


class Hearing:
    """Pass each event of a worker on to whom it concerns; in the supervisor's thread."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._s = supervisor
        self._of_all: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "reading": self._read,
            "exposing": self._exposing,
            "spectrum": self._exposed,
            "safe": supervisor.safety.reported,
            "closed": supervisor.safety.reported,
            "answer": supervisor.hands.answered,
            "trouble": self._trouble,
            "resync": self._resync,
            "garbled": self._garbled,
        }

    def hear(self, worker: Worker, message: Mapping[str, Any]) -> None:
        """Take an event."""
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

    def _exposed(self, message: Mapping[str, Any]) -> None:
        spectrum_from(message, 0)
        shown = {name: message[name] for name in _SHOWN}
        event = self._s.bus.publish("spectrum", {"key": "spectrum", **shown})
        self._s.board.spectrum = spectrum_from(message, event.seq)

    def _trouble(self, message: Mapping[str, Any]) -> None:
        self._s.board.live = False
        text = str(message["error"]["message"])
        self._s.raise_alarm(text, level="warning", source="table")

    def _resync(self, message: Mapping[str, Any]) -> None:  # noqa: ARG002
        self._s.bus.resync("the worker was too fast for the service")

    def _garbled(self, message: Mapping[str, Any]) -> None:
        self._s.raise_alarm(f"a worker wrote nonsense: {message['reason']}", source="service")
