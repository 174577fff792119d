"""Measure a reference again after a gap, exactly as it was measured before."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from labctl.core.errors import AnalysisError
from labctl.core.journal import RunState
from labctl.core.messages import Acquire, Plan, Record, Set
from labctl.core.parameters import ParameterModel
from labctl.core.procedure import Procedure
from labctl.core.readings import Scalar
from labctl.core.spectra import Spectrum
from labctl.engine import Control, execute
from labctl.service.night.comparison import Comparison, compare, fits
from labctl.service.night.doing import TEMPERATURE, Doing
from labctl.service.night.settings import ReferenceSettings
from labctl.service.session import Session
from labctl.store.folders import run_folders
from labctl.store.reader import RunReader
from labctl.store.writer import RunWriter


@dataclass(frozen=True, slots=True)
class Reference:
    """Hold a condition that was measured, and what was measured there.

    `settings` are in the order in which they were last set, on which a plan may rely. Without a
    `spectrum` the condition has not been measured yet.
    """

    run: str
    point: int
    settings: Mapping[str, Scalar]
    acquire: Acquire
    spectrum: Spectrum | None = None
    darks: Sequence[Spectrum] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Say what the repeated reference showed; without a comparison, why there is none.

    `words` follow "the reference"; `failed` says that the table could not measure it.
    """

    words: str
    comparison: Comparison | None = None
    reference: Reference | None = None
    run: str = ""
    failed: str = ""

    @property
    def differs(self) -> bool:
        """Tell whether the reference is known to have changed."""
        return self.comparison is not None and not self.comparison.agrees

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as plain JSON."""
        found = None if self.comparison is None else asdict(self.comparison)
        of = {} if self.reference is None else {"run": self.reference.run}
        return {"words": self.words, "run": self.run, "of": of, "numbers": found}


class Repeat(Procedure):
    """Measure one condition again."""

    name = "sentinel"

    class Parameters(ParameterModel):
        """Say which run's point is repeated, and what led to it."""

        run: str
        point: int
        settings: tuple[tuple[str, Scalar], ...] = ()
        exposure_s: float
        accumulations: int
        beams: tuple[str, ...]
        device: str = "spectrometer"

    def plan(self, p: Parameters) -> Plan:
        """Set everything as it was, expose, record."""
        for channel, value in p.settings:
            yield Set(channel, value)
        spectrum = yield Acquire(p.device, p.exposure_s, p.accumulations, p.beams)
        yield Record({"spectrum": spectrum, "of_run": p.run, "of_point": p.point}, "reference")


def find_reference(folder: Path, temperature_set: Scalar | None) -> Reference | None:
    """Return the last reference of a run at a set-point of the cryostat, else its last spectrum.

    Only what was measured with light and found good counts.
    """
    with RunReader(folder) as reader:
        found = list(spectra_of(reader))
    lit = [
        (kind, one, spectrum)
        for kind, one, spectrum in found
        if spectrum.beams and one.settings.get(TEMPERATURE) == temperature_set
    ]
    best = [one for one in lit if one[0] == "reference"] or lit
    if not best:
        return None
    _, last, lit_by = best[-1]
    darks = [dark for *_, dark in found if not dark.beams and fits(dark, lit_by)]
    return replace(last, darks=darks)


def configured_reference(session: Session, wanted: ReferenceSettings) -> Reference:
    """Return the reference of the settings, with the last spectrum taken of it if there is one."""
    settings: dict[str, Scalar] = {
        "stage.position": wanted.position,
        "spectrometer.window": wanted.window,
        f"{wanted.beam}.power": wanted.power_w,
    }
    acquire = Acquire("spectrometer", wanted.exposure_s, wanted.accumulations, (wanted.beam,))
    reference = Reference("", 0, settings, acquire)
    parameters = _parameters(reference).model_dump(mode="json")
    for _, folder in reversed(list(run_folders(session.output))):
        if folder.name.endswith("_sentinel"):
            with RunReader(folder) as reader:
                if len(reader) and reader.parameters == parameters:
                    return replace(reference, run=reader.run, spectrum=_measured(reader))
    return reference


def measure(session: Session, reference: Reference, control: Control | None) -> Verdict:
    """Measure a reference again in a run of its own, and compare.

    Returns a verdict without a comparison if the measurement did not come to its end.
    """
    clock = session.station.clock
    parameters = _parameters(reference)
    writer = RunWriter.create(session.output, "sentinel", clock=clock)
    outcome = execute(Repeat(), parameters, session.station, writer, control=control)
    if outcome.state is not RunState.FINISHED:
        why = f"could not be measured: {outcome.reason}"
        return Verdict(why, None, reference, outcome.run, failed=f"the reference {why}")
    with RunReader(writer.path) as reader:
        again = _measured(reader)
    if reference.spectrum is None:
        return Verdict("is measured for the first time", None, reference, outcome.run)
    try:
        comparison = compare(reference.spectrum, again, reference.darks)
    except AnalysisError as error:
        return Verdict(f"says nothing: {error.message}", None, reference, outcome.run)
    words = "agrees with" if comparison.agrees else "DIFFERS from"
    of_point = f"point {reference.point} of {reference.run}"
    return Verdict(f"{words} {of_point}: {comparison}", comparison, reference, outcome.run)


def _parameters(reference: Reference) -> Repeat.Parameters:
    acquire = reference.acquire
    return Repeat.Parameters(
        # the reference of the settings is one condition, whichever run repeated it last
        run=reference.run if reference.darks or reference.point else "",
        point=reference.point,
        settings=tuple(reference.settings.items()),
        exposure_s=acquire.exposure_s,
        accumulations=acquire.accumulations,
        beams=acquire.beams,
        device=acquire.device,
    )


def _measured(reader: RunReader) -> Spectrum:
    spectrum: Spectrum = reader.point(0).data["spectrum"]
    return spectrum


def spectra_of(reader: RunReader) -> Iterator[tuple[str, Reference, Spectrum]]:
    """Yield the last good spectrum of each point of a run, with its kind and its condition."""
    doing = Doing()
    for entry in reader.entries(skip_damaged=True):
        last: tuple[Acquire, dict[str, Scalar], Spectrum] | None = None
        for exchange in entry.exchanges:
            doing.follow(exchange.message)
            if isinstance(exchange.message, Acquire) and isinstance(exchange.answer, Spectrum):
                last = exchange.message, dict(doing.settings), exchange.answer
        if last is not None and not last[2].reason:
            acquire, settings, spectrum = last
            number = entry.point.number
            yield (
                entry.point.kind,
                Reference(reader.run, number, settings, acquire, spectrum),
                spectrum,
            )
