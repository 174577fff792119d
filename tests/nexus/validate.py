"""Validate NeXus files of runs with pynxtools; run it with the environment of `make nexus`.

`pynx validate` exits 0 on files that are not valid, so the library is called instead. Each file
must be valid; a copy of it that lacks a required field must not be.
"""

import logging
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
from pynxtools.dataconverter.helpers import collector
from pynxtools.dataconverter.validation import validate_hdf_group_against

REQUIRED = {
    "NXraman": "instrument/beam_incident/wavelength",
    "NXoptical_spectroscopy": "experiment_type",
}
"""A field, by definition, without which a file is not valid."""


def is_valid(path: Path) -> bool:
    """Tell whether the entry of a file fulfils the definition that it names."""
    # it adds up the problems of all files that it has seen
    collector.clear()
    with h5py.File(path, "r") as file:
        definition = file["entry/definition"].asstr()[()]
        return bool(validate_hdf_group_against(definition, file["entry"], str(path)))


def break_copy(path: Path, folder: Path) -> Path:
    """Return a copy without one of the fields that its definition requires."""
    broken = Path(shutil.copy(path, folder / f"broken-{path.name}"))
    with h5py.File(broken, "r+") as file:
        del file["entry"][REQUIRED[file["entry/definition"].asstr()[()]]]
    return broken


def main(paths: list[Path]) -> int:
    """Print one line for each file; returns 1 if any is not as it should be."""
    # what it says of units that no definition mentions is no finding
    logging.getLogger("pynxtools").setLevel(logging.WARNING)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            for candidate, expected in ((path, True), (break_copy(path, Path(folder)), False)):
                found = is_valid(candidate)
                wrong += found is not expected
                verdict = "as it should be" if found is expected else "WRONG"
                print(f"{candidate.name}: {'valid' if found else 'not valid'}: {verdict}")
    return 1 if wrong or not paths else 0


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
