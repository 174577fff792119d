"""Know which exposure a view shows: the newest, one that is kept, or a point of an opened run."""

from collections.abc import Sequence

from labctl.core.status import StationStatus
from labctl.gui.live_bar import LIVE
from labctl.gui.views.exposures import Pool, Pooling, Shown

NOTHING = "NO SPECTRUM YET"


class Following:
    """Follow the exposures as they come, unless the view is frozen or shows an opened run.

    What comes meanwhile waits; of several that wait only the last is kept.

    Attributes
    ----------
    newest
        The exposure that is shown; None before the first.
    past
        The spectrum of an opened run; None while the view follows.
    is_frozen
        Whether the view keeps what it shows.
    """

    def __init__(self, pooling: Pooling) -> None:
        self._pooling = pooling
        self.newest: Shown | None = None
        self.past: Pool | None = None
        self.is_frozen = False
        self._waiting: Shown | None = None

    @property
    def exposures(self) -> Sequence[Shown] | Pool:
        """Return what a temperature is of: the point of a run, or what was pooled."""
        newest = [] if self.newest is None else [self.newest]
        return self.past or self._pooling.frames or newest

    def take(self, frame: Shown) -> bool:
        """Take an exposure that came; tells whether it is the one to be shown now."""
        if self.is_frozen or self.past is not None:
            self._waiting = frame
            return False
        self._pooling.add(frame)
        self.newest = frame
        return True

    def show_past(self, frame: Shown, pool: Pool) -> None:
        """Show a point of an opened run, until `leave_past`."""
        if self.past is None:
            self._waiting = self.newest
        self.past, self.newest = pool, frame
        self._pooling.clear()

    def leave_past(self) -> None:
        """Show nothing of an opened run any more."""
        self.past, self.newest = None, None

    def caught_up(self) -> Shown | None:
        """Return, once, what came while the view did not follow, if it may be shown now."""
        waiting, self._waiting = self._waiting, None
        return None if self.is_frozen else waiting

    def mode(self, is_connected: bool, status: StationStatus | None) -> tuple[str, str]:
        """Return what is shown, in words and as a kind of `SpectrumHeader.show_mode`."""
        frame = self.newest
        if self.past is not None and frame is not None:
            return f"RUN {frame.run.split('_')[0]} point {frame.point} – RECORDED", "old"
        if not is_connected:
            return "NO CONNECTION – OLD SPECTRUM" if frame else "NO CONNECTION", "stale"
        if frame is None:
            return f"{NOTHING} – F5 starts the live view", "none"
        if self.is_frozen:
            return "FROZEN – NOT FOLLOWING", "stale"
        if frame.saved and frame.run:
            return f"REC {frame.run.split('_')[0]} point {frame.point}", "saved"
        if status is not None and status.live:
            return LIVE, "live"
        return "LAST EXPOSURE – NOT SAVED", "live"
