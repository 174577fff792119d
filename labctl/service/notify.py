"""Tell people who are not there: done, failed, alarm, silence, morning report.

Messages go out through Apprise, on a thread of its own: no run ever waits for one. Where they go
stands in a file that only its owner can read, because such an address is a secret.
"""

import logging
import threading
import tomllib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from labctl.core.clock import Clock, RealClock
from labctl.core.errors import ConfigError
from labctl.core.parameters import DurationS
from labctl.core.wording import in_plain_words
from labctl.service.api.listeners import check_private

log = logging.getLogger(__name__)

FILE = "notify.toml"
"""Name of the file in the folder of the station (`<data>/station`)."""

Kind = Literal["done", "failed", "alarm", "silence", "report"]
KINDS: tuple[Kind, ...] = ("done", "failed", "alarm", "silence", "report")

MOST_WAITING = 100
PAUSES_S = (1.0, 5.0, 30.0)
"""Pauses before a message that a channel did not take is sent again."""
LONGEST_TEXT = 2000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Channel(_Frozen):
    """Say where messages go: an address of Apprise, and what is sent there."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    url: SecretStr = Field(description="Address as Apprise takes it, such as ntfys://topic")
    kinds: tuple[Kind, ...] = KINDS


class NotifySettings(_Frozen):
    """Say who is told what; with several channels each message goes to all of them."""

    channel: tuple[Channel, ...] = Field(default=(), max_length=20)
    silence_s: DurationS = Field(
        default=1800.0, description="A run without a point for so long is reported; 0: never"
    )
    again_s: DurationS = Field(
        default=900.0, description="The same alarm is not told again within this time"
    )


def read_notify_file(path: Path) -> NotifySettings:
    """Return the settings of a file; without a file nobody is told anything.

    Raises
    ------
    ConfigError
        If others can read the file, or it is not what it should be; its secrets are not shown.
    """
    if not path.exists():
        return NotifySettings()
    check_private(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        settings = NotifySettings.model_validate(document)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, item['loc'])) or 'file'}: {in_plain_words(str(item['msg']))}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigError(f"{path}: {'; '.join(wrong)}", remedy="correct the file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", remedy="correct the file") from None
    for channel in settings.channel:
        if not _is_known(channel):
            raise ConfigError(
                f"{path}: the url of channel {channel.name!r} is none that Apprise knows",
                remedy="the list of services is at the documentation of Apprise",
            )
    return settings


@dataclass(frozen=True, slots=True)
class Notice:
    """Hold one message."""

    kind: Kind
    title: str
    text: str
    attachment: Path | None = None


class Sender(Protocol):
    """Deliver a notice to a channel."""

    def __call__(self, channel: Channel, notice: Notice) -> bool:
        """Return whether the channel took it."""
        ...


class Notifier:
    """Send notices from a thread of its own; a context manager.

    A notice that no channel took, after all attempts, is given to `on_failure`: that is the
    local alarm, because the way to the safe state never needs anybody to be told.

    Parameters
    ----------
    settings
        Who is told what.
    on_failure
        Called with a sentence that says what could not be told, and to whom.
    clock
        The clock of the machine.
    send
        What delivers; Apprise unless a test says otherwise.
    """

    def __init__(
        self,
        settings: NotifySettings,
        *,
        on_failure: Callable[[str], None] | None = None,
        clock: Clock | None = None,
        send: Sender | None = None,
    ) -> None:
        self.settings = settings
        self._on_failure = on_failure
        self._clock = clock or RealClock()
        self._send = send or send_with_apprise
        self._waiting: deque[Notice] = deque()
        self._ready = threading.Condition()
        self._is_closed = threading.Event()
        self._told: dict[tuple[str, str], float] = {}
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Notifier":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tell(self, kind: Kind, title: str, text: str, attachment: Path | None = None) -> bool:
        """Put a message on its way; returns at once.

        Returns False if nobody wants it, or the same alarm was told a short while ago.
        """
        if not any(kind in channel.kinds for channel in self.settings.channel):
            return False
        notice = Notice(kind, title[:200], text[:LONGEST_TEXT], attachment)
        with self._ready:
            if self._is_repeated(notice):
                return False
            if len(self._waiting) >= MOST_WAITING:
                # the newest matter most
                self._waiting.popleft()
            self._waiting.append(notice)
            self._ready.notify_all()
        return True

    def close(self, timeout_s: float = 10.0) -> None:
        """Send what waits, as far as it goes in time; allowed repeatedly."""
        with self._ready:
            self._is_closed.set()
            self._ready.notify_all()
        self._thread.join(timeout_s)

    def _is_repeated(self, notice: Notice) -> bool:
        now_s = self._clock.monotonic_s()
        key = (notice.kind, notice.text)
        self._told = {
            one: at_s for one, at_s in self._told.items() if now_s - at_s < self.settings.again_s
        }
        if notice.kind in ("alarm", "silence") and key in self._told:
            return True
        self._told[key] = now_s
        return False

    def _work(self) -> None:
        while (notice := self._next()) is not None:
            self._deliver(notice)

    def _next(self) -> Notice | None:
        with self._ready:
            self._ready.wait_for(lambda: self._waiting or self._is_closed.is_set())
            return self._waiting.popleft() if self._waiting else None

    def _deliver(self, notice: Notice) -> None:
        left = [one for one in self.settings.channel if notice.kind in one.kinds]
        wanted = len(left)
        for pause_s in (*PAUSES_S, None):
            left = [channel for channel in left if not self._try(channel, notice)]
            if not left or pause_s is None or self._is_closed.is_set():
                break
            self._is_closed.wait(pause_s)
        if left:
            names = ", ".join(channel.name for channel in left)
            log.error("%s could not be told of: %s", names, notice.title)
        if left and len(left) == wanted and self._on_failure is not None:
            self._on_failure(f"nobody could be told of {notice.title!r}: {names} did not take it")

    def _try(self, channel: Channel, notice: Notice) -> bool:
        try:
            return self._send(channel, notice)
        # a service's plug-in may raise anything; its message may hold the secret address
        except Exception as error:  # noqa: BLE001
            log.error("channel %s: %s", channel.name, type(error).__name__)
            return False


def send_with_apprise(channel: Channel, notice: Notice) -> bool:
    """Return whether Apprise delivered a notice."""
    sender = _apprise()
    if not sender.add(channel.url.get_secret_value()):
        return False
    kind = {"done": "success", "failed": "failure", "alarm": "failure", "silence": "warning"}
    attachment = notice.attachment
    return bool(
        sender.notify(
            title=notice.title,
            body=notice.text,
            notify_type=kind.get(notice.kind, "info"),
            attach=str(attachment) if attachment is not None and attachment.is_file() else None,
        )
    )


def _is_known(channel: Channel) -> bool:
    return bool(_apprise().add(channel.url.get_secret_value()))


def _apprise() -> Any:
    import apprise

    # what Apprise says of its own accord may hold addresses
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(app_id="labctl", secure_logging=True, plugin_paths=None)
    return apprise.Apprise(asset=asset)
