"""Do actions one after the other in one thread, so that what they share needs no locks."""

import queue
import threading
from collections.abc import Callable
from functools import partial

TURN_S = 0.05
MOST_ACTIONS = 500
"""Actions done in a row before a turn is taken, however many more wait."""

Action = Callable[[], None]


class ActionThread:
    """Do in order what other threads put in, and take a turn at least every `TURN_S`.

    Parameters
    ----------
    name
        Name of the thread.
    begin
        Done once in the thread, before anything else.
    turn
        Done between the actions, again and again.
    failed
        Gets what an action or a turn raised; the thread goes on.
    """

    def __init__(
        self, name: str, *, begin: Action, turn: Action, failed: Callable[[Exception], None]
    ) -> None:
        self._begin, self._turn, self._failed = begin, turn, failed
        self._inbox: queue.SimpleQueue[Action] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    @property
    def is_alive(self) -> bool:
        """Tell whether it was started and has not ended."""
        return self._thread.is_alive()

    @property
    def is_own(self) -> bool:
        """Tell whether this is called in the thread itself."""
        return threading.current_thread() is self._thread

    def start(self) -> None:
        """Start the thread; what was put in before is done then."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """End the thread after its turn; waits for that at most `timeout_s`."""
        self._stop.set()
        self._thread.join(timeout_s)

    def put(self, action: Action) -> None:
        """Have an action done; may be called from any thread."""
        self._inbox.put(action)

    def later(self, action: Callable[..., None]) -> Callable[..., None]:
        """Return a callable, for any thread, that has an action done with its arguments."""
        return lambda *arguments: self._inbox.put(partial(action, *arguments))

    def _work(self) -> None:
        self._begin()
        while not self._stop.is_set():
            try:
                action: Action | None = self._inbox.get(timeout=TURN_S)
            except queue.Empty:
                action = None
            for _ in range(MOST_ACTIONS):
                if action is None:
                    break
                self._guarded(action)
                action = None if self._inbox.empty() else self._inbox.get()
            self._guarded(self._turn)

    def _guarded(self, action: Action) -> None:
        try:
            action()
        # a mistake in one action must not end all others
        except Exception as error:  # noqa: BLE001
            self._failed(error)
