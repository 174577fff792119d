"""Enter the reference signals of a run into the ledger, so that a change over weeks is seen."""

from collections.abc import Mapping
from pathlib import Path

from labctl.core.errors import AnalysisError
from labctl.service.night.comparison import rate_of
from labctl.service.night.ledger import Entry, spot_name
from labctl.service.night.sentinel import spectra_of
from labctl.store.reader import RunReader


def reference_entries(folder: Path, places: Mapping[str, Mapping[str, float]]) -> list[Entry]:
    """Return the signal of every reference of a run, in photoelectrons per s and W.

    `places` are the named positions of the station file. References without light say nothing.
    """
    found: list[Entry] = []
    with RunReader(folder) as reader:
        measured = list(spectra_of(reader))
        darks = [spectrum for _, _, spectrum in measured if not spectrum.beams]
        for kind, reference, spectrum in measured:
            place = places.get(str(reference.settings.get("stage.position")), {})
            if kind != "reference" or not spectrum.beams or not {"x_um", "y_um"} <= set(place):
                continue
            try:
                per_w, sigma = rate_of(spectrum, darks)
            except AnalysisError:
                continue
            window = str(reference.settings.get("spectrometer.window", ""))
            found.append(
                Entry(
                    spot_name(place["x_um"], place["y_um"], places), f"reference {window}".strip(),
                    per_w, "e/s/W", reader.run, reference.point, spectrum.utc.isoformat(),
                    "+".join(spectrum.beams), sigma,
                )
            )  # fmt: skip
    return found
