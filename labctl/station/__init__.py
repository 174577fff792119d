"""Turn a station file into a table of instruments by role."""

from labctl.station.calibrations import CalibrationFolder, load_calibration
from labctl.station.file import read_station_file
from labctl.station.instruments import DoctorRow
from labctl.station.load import doctor, load_station
from labctl.station.schema import station_file_schema
from labctl.station.sections import StationFile
from labctl.station.station import OpticalTable

__all__ = [
    "CalibrationFolder",
    "DoctorRow",
    "OpticalTable",
    "StationFile",
    "doctor",
    "load_calibration",
    "load_station",
    "read_station_file",
    "station_file_schema",
]
