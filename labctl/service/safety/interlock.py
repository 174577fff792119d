"""Know whether an interlock circuit is closed, and since when nobody can tell."""

from labctl.service.safety.config import InterlockConfig


class Interlock:
    """Hold what was last seen of one interlock."""

    def __init__(self, config: InterlockConfig, now_s: float) -> None:
        self.config = config
        self.is_open = False
        self.is_known = False
        self.seen_s = now_s
        self.due_s = now_s

    def judge(self, reply: bytes, now_s: float) -> bool:
        """Take note of a reply; False if it is no answer."""
        config = self.config
        if config.closed is not None and config.closed.fullmatch(reply):
            self._see(False, now_s)
        elif config.open is not None and config.open.fullmatch(reply):
            self._see(True, now_s)
        else:
            return False
        return True

    def look(self, now_s: float) -> None:
        """Read the file of an interlock that has one, if that is due."""
        if self.config.file is None or now_s < self.due_s:
            return
        self.due_s = now_s + self.config.period_s
        try:
            with self.config.file.open("rb") as stream:
                text = stream.read(16).strip()
        except OSError:
            return
        if text in (b"0", b"1"):
            self._see(text == b"0", now_s)

    def is_blind(self, now_s: float) -> bool:
        """Tell whether it has gone unread for too long."""
        return now_s - self.seen_s > self.config.blind_s

    def excuse(self, now_s: float) -> None:
        """Ask next at once, and do not count the time until now: the line was busy closing."""
        self.due_s = self.seen_s = now_s

    def _see(self, is_open: bool, now_s: float) -> None:
        self.is_open, self.is_known, self.seen_s = is_open, True, now_s
