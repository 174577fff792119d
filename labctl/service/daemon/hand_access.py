"""Offer the table by hand, while no run owns it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from labctl.core.readings import Scalar
from labctl.service.daemon.live import LiveSpectrum, spectrum_from
from labctl.service.daemon.supervisor import Supervisor

COMMAND_S = 30.0
"""How long a command may take to be accepted, in s of the machine's time."""


class HandAccess:
    """Command the table through its supervisor; every method may be called from any thread."""

    _supervisor: Supervisor

    def attach(self) -> None:
        """Open the table for commands by hand; raises `UsageError` while a run owns it."""
        self._supervisor.by_hand("snapshot")

    def release(self) -> None:
        """Close the table again; it is also closed before a run starts."""
        self._supervisor.order("release").result(COMMAND_S)

    def read_channel(self, channel: str) -> dict[str, Any]:
        """Read a channel now: value, unit, utc, quality, reason."""
        return dict(self._supervisor.by_hand("read", channel=channel))

    def set_channel(self, channel: str, value: Scalar) -> dict[str, Any]:
        """Move a channel and return its read-back, as `read_channel`.

        Raises
        ------
        UsageError
            If a run owns the table, or there is no such channel.
        LimitError
            If the value may not be set; nothing has moved then.
        """
        return dict(self._supervisor.by_hand("set", channel=channel, value=value))

    def acquire(
        self,
        exposure_s: float,
        *,
        accumulations: int = 1,
        beams: Sequence[str] = (),
        mode: Literal["spectrum", "image"] = "spectrum",
        device: str = "spectrometer",
    ) -> LiveSpectrum:
        """Expose once and return it; it is not saved."""
        found = self._supervisor.by_hand_in_full(
            "acquire",
            device=device,
            exposure_s=exposure_s,
            accumulations=accumulations,
            beams=list(beams),
            mode=mode,
        )
        return spectrum_from(found.fields, found.payload, self._supervisor.bus.seq)

    def start_live(
        self,
        exposure_s: float,
        *,
        beams: Sequence[str] = (),
        mode: Literal["spectrum", "image"] = "spectrum",
        device: str = "spectrometer",
    ) -> None:
        """Expose again and again; a live view that is on goes on with these settings.

        Each exposure is an event `spectrum` with `saved` false, and the newest of `exposures`.
        """
        self._supervisor.by_hand(
            "live",
            device=device,
            exposure_s=exposure_s,
            beams=list(beams),
            mode=mode,
            accumulations=1,
        )

    def stop_live(self) -> None:
        """End the live view, with the shutters closed."""
        self._supervisor.by_hand("still")

    def estimate(self, procedure: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Walk through a procedure without moving anything: points, total_s, dose_j, violations.

        Raises
        ------
        UsageError
            If a run owns the table, or the parameters are wrong.
        """
        fields = {"procedure": procedure, "values": dict(values)}
        return dict(self._supervisor.by_hand("estimate", **fields))
