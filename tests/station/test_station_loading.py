"""From a station file to a connected table, with the drivers and the simulated table."""

import json
import threading
from pathlib import Path

import pytest

from labctl.core import channels as contract
from labctl.core.errors import (
    ConfigError,
    ConnectionFailed,
    InstrumentError,
    SafetyError,
    WrongIdentity,
)
from labctl.core.messages import Acquire
from labctl.core.readings import Quality
from labctl.sim import build_simulation
from labctl.station import OpticalTable, doctor, load_station, read_station_file
from labctl.station.instruments import find_drivers

CONFIGS = Path(__file__).parents[2] / "configs"
SIMULATED = (CONFIGS / "simulated.toml").read_text(encoding="utf-8")


class SimulatedTable:
    """Hold the simulated table and how to load station files against it."""

    def __init__(self, folder):
        file = read_station_file(CONFIGS / "simulated.toml")
        self.clock = file.make_clock()
        settings = file.simulation.model_dump(include={"truth", "seed", "override"})
        self.simulation = build_simulation(settings, self.clock)
        self.path = folder / "table.toml"
        self.text = SIMULATED.replace(
            '"calibrations"  #', f'"{(CONFIGS / "calibrations").as_posix()}"  #'
        )

    def write(self, old="", new=""):
        assert old in self.text
        self.text = self.text.replace(old, new, 1)
        self.path.write_text(self.text, encoding="utf-8")
        return self.path

    @property
    def how(self):
        return {"clock": self.clock, "backends": {"sim": self.simulation.backend}}


@pytest.fixture
def simulated(tmp_path):
    return SimulatedTable(tmp_path)


@pytest.fixture
def station(simulated):
    with load_station(CONFIGS / "simulated.toml", **simulated.how) as station:
        yield station


def test_the_shipped_file_loads_and_every_channel_reads_good(station):
    assert isinstance(station, OpticalTable)
    readings = station.snapshot()
    assert {name: r.reason for name, r in readings.items() if r.quality is not Quality.GOOD} == {}
    assert readings["probe.shutter"].value == "closed"
    assert readings["probe.interlock"].value is True


def test_loading_moves_and_switches_nothing_on(simulated):
    ports = simulated.simulation.ports
    load_station(CONFIGS / "simulated.toml", **simulated.how).close()
    now_s = simulated.clock.monotonic_s()
    assert not ports.lasers["probe"].emission
    assert not ports.shutters["probe"].is_open(now_s)
    assert ports.rotators["probe"].angle_deg(now_s) == 0.0


@pytest.mark.parametrize("beam", ["probe", "pump"])
@pytest.mark.parametrize("power_w", [10e-6, 100e-6, 1e-3])
def test_the_shipped_power_calibrations_fit_the_simulated_table(station, simulated, beam, power_w):
    reading = station.channels[f"{beam}.power"].set(power_w)
    assert reading.quality is Quality.GOOD, reading.reason
    assert reading.number == pytest.approx(power_w, rel=0.05)
    assert reading.number == pytest.approx(_true_power_w(simulated, beam), rel=0.01)


def _true_power_w(simulated, beam):
    ports, now_s = simulated.simulation.ports, simulated.clock.monotonic_s()
    path = getattr(ports.parameters.path, beam)
    arriving_w = ports.lasers[beam].mean_power_w(now_s) * ports.rotators[beam].transmission(now_s)
    return arriving_w * (1 - path.pickoff) * path.transmission


def test_a_spectrum_of_the_simulated_table_is_good_and_dark_without_light(station):
    station.channels["stage.position"].set("intermediate")
    station.channels["spectrometer.window"].set("raman")
    station.channels["probe.power"].set(100e-6)
    acquirer = station.acquirers["spectrometer"]
    lit = acquirer.acquire(Acquire("spectrometer", 60.0, 2, ("probe",)))
    dark = acquirer.acquire(Acquire("spectrometer", 60.0, 2))
    assert lit.quality is Quality.GOOD, lit.reason
    near_250 = abs(lit.shift_cm1 - 250) < 5
    assert lit.counts[:, near_250].sum() - dark.counts[:, near_250].sum() > 1000
    assert station.channels["probe.shutter"].read().value == "closed"


def test_the_axis_agrees_with_where_the_light_really_falls(station, simulated):
    """Repositioning (0.02 nm rms) and room temperature shift the axis as a whole, no more."""
    station.channels["spectrometer.window"].set("raman")
    spectrum = station.acquirers["spectrometer"].acquire(Acquire("spectrometer", 1.0))
    true_nm = simulated.simulation.ports.spectrograph.axis_nm(simulated.clock.monotonic_s())
    error_nm = spectrum.wavelength_nm - true_nm
    assert abs(error_nm).max() < 0.1
    assert error_nm.std() < 0.001


def test_temperature_settles_on_the_simulated_table_about_when_expected(station, simulated):
    channel = station.channels["cryostat.temperature"]
    expected_s = channel.settling_s(298.0, 270.0)
    channel.set(270.0)
    start_s = simulated.clock.monotonic_s()
    reading = channel.wait()
    assert reading.quality is Quality.GOOD
    assert reading.number == pytest.approx(270.0, abs=0.1)
    assert simulated.clock.monotonic_s() - start_s == pytest.approx(expected_s, rel=0.15)


def test_safe_leaves_the_simulated_table_dark(station, simulated):
    station.channels["probe.power"].set(100e-6)
    assert simulated.simulation.ports.lasers["probe"].emission
    assert station.safe() == []
    assert not simulated.simulation.ports.lasers["probe"].emission


def test_laser_off_from_another_thread_ends_an_exposure_as_an_error(station, monkeypatch):
    station.channels["probe.power"].set(100e-6)
    camera = station._parts.camera
    expose = type(camera).acquire

    def expose_while_somebody_presses_laser_off(self, *arguments):
        thread = threading.Thread(target=station.safe)
        thread.start()
        thread.join()
        return expose(self, *arguments)

    monkeypatch.setattr(type(camera), "acquire", expose_while_somebody_presses_laser_off)
    with pytest.raises((InstrumentError, SafetyError)):
        station.acquirers["spectrometer"].acquire(Acquire("spectrometer", 1.0, 1, ("probe",)))
    assert station.channels["probe.shutter"].read().value == "closed"


def test_the_interlock_of_a_laser_is_read(station, simulated):
    simulated.simulation.ports.lasers["probe"].interlock_closed = False
    assert station.channels["probe.interlock"].read().value is False
    with pytest.raises((SafetyError, InstrumentError), match="interlock"):
        station.channels["probe.power"].set(100e-6)


def test_the_description_is_json_and_names_everything(station):
    description = json.loads(json.dumps(station.describe(), allow_nan=False))
    assert description["instruments"]["probe_laser"]["identity"]["serial"] == "12345"
    assert description["station_file"]["text"] == SIMULATED
    assert description["simulation"]["truth"] == "A"
    assert set(description["calibrations"]) == {"power.probe", "power.pump", "wavelength"}
    assert description["calibrations"]["wavelength"]["identity"].startswith("sha256:")


def test_the_table_offers_what_the_engine_asks_for(station):
    for name, channel in station.channels.items():
        assert channel.name == name
        assert isinstance(channel, contract.Channel)
    assert isinstance(station.acquirers["spectrometer"], contract.Acquirer)
    assert len(station.interlocks) == 4


def test_another_instrument_on_the_port_is_named_with_the_expected_one(simulated):
    path = simulated.write('"Zaber device [0-9]+ 45001"', '"Zaber device [0-9]+ 99999"')
    with pytest.raises(WrongIdentity, match=r"stage_x \(sim://zaber\)") as caught:
        load_station(path, **simulated.how)
    assert "99999" in caught.value.message
    assert "45001" in caught.value.message


def test_swapped_lasers_are_noticed(simulated):
    path = simulated.write('"sim://cobolt_probe"', '"sim://cobolt_pump"')
    with pytest.raises(WrongIdentity, match="probe_laser"):
        load_station(path, **simulated.how)


def test_a_port_that_does_not_exist_is_named_with_a_remedy(simulated):
    path = simulated.write('"sim://tpg261"', '"sim://tpg26"')
    with pytest.raises(ConnectionFailed, match=r"gauge \(sim://tpg26\)") as caught:
        load_station(path, **simulated.how)
    assert caught.value.remedy


def test_all_failures_are_reported_together_and_no_port_stays_open(simulated):
    simulated.write('"sim://tpg261"', '"sim://tpg26"')
    path = simulated.write('"Zaber device [0-9]+ 45001"', '"Zaber 1"')
    with pytest.raises(InstrumentError, match="2 of 15 instruments") as caught:
        load_station(path, **simulated.how)
    assert "gauge (sim://tpg26)" in caught.value.message
    assert "stage_x (sim://zaber)" in caught.value.message
    load_station(CONFIGS / "simulated.toml", **simulated.how).close()


def test_the_doctor_examines_every_instrument_and_goes_on_after_a_failure(simulated):
    path = simulated.write('"sim://tpg261"', '"sim://tpg26"')
    rows = {row.instrument: row for row in doctor(path, **simulated.how)}
    assert len(rows) == 15
    assert [name for name, row in rows.items() if not row.ok] == ["gauge"]
    assert rows["gauge"].remedy
    assert rows["probe_laser"].identity == "Cobolt 0532-06-01-0020-100 12345"


def test_a_connected_table_can_be_examined(station):
    assert all(row.ok for row in station.doctor())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("address = 0", "adress = 0", ["probe_rotator.adress", "did you mean 'address'"]),
        ("wavelength_nm = 532.0", "# gone", ["probe_laser.wavelength_nm", "is required"]),
        ("address = 0", 'address = "0"', ["valid integer", "given: '0'"]),
        ("spectrapro:SpectraPro", "spectrapro:SpectroPro", ["did you mean 'SpectraPro'"]),
        ("spectrapro:SpectraPro", "spectropro:SpectraPro", ["No module named"]),
    ],
)
def test_a_driver_or_option_that_does_not_exist_is_refused_with_its_line(
    simulated, old, new, words
):
    path = simulated.write(old, new)
    with pytest.raises(ConfigError, match=r"table\.toml:\d+: instruments\.") as caught:
        load_station(path, **simulated.how)
    assert all(word in caught.value.message for word in words), caught.value.message


@pytest.mark.parametrize("driver", ["builtins:dict", "pathlib:Path", "os:system", "json:"])
def test_what_is_no_driver_is_refused(simulated, driver):
    path = simulated.write("drivers.princeton.spectrapro:SpectraPro", driver)
    with pytest.raises(ConfigError, match=r"instruments\.monochromator\.driver"):
        load_station(path, **simulated.how)


def test_an_option_that_the_driver_refuses_names_the_instrument(simulated):
    path = simulated.write('sensor = "A"', 'sensor = "E"')
    with pytest.raises(ConfigError, match=r"temperature_controller .*'E'"):
        load_station(path, **simulated.how)


def test_leaving_an_unsafe_table_is_an_error(simulated, monkeypatch):
    station = load_station(CONFIGS / "simulated.toml", **simulated.how)
    monkeypatch.setattr(type(station._parts.camera), "abort", _explode)
    with pytest.raises(SafetyError, match="not known to be safe: camera"), station:
        pass


def _explode(_):
    raise RuntimeError("boom")


def test_an_instrument_in_the_wrong_part_is_refused(simulated):
    path = simulated.write('shutter = "probe_shutter"', 'shutter = "probe_meter"')
    with pytest.raises(ConfigError, match=r"beams\.probe\.shutter: 'probe_meter' is no Shutter"):
        load_station(path, **simulated.how)
    load_station(CONFIGS / "simulated.toml", **simulated.how).close()


def test_a_changed_calibration_keeps_the_table_from_loading(simulated, tmp_path):
    folder = tmp_path / "calibrations"
    folder.mkdir()
    for source in (CONFIGS / "calibrations").glob("*.json"):
        (folder / source.name).write_text(source.read_text().replace("0.1152", "0.2"))
    simulated.text = SIMULATED
    with pytest.raises(ConfigError, match="does not fit the content"):
        load_station(simulated.write(), **simulated.how)


def test_transcripts_are_written_on_request(simulated, tmp_path):
    folder = tmp_path / "bytes"
    folder.mkdir()
    path = CONFIGS / "simulated.toml"
    load_station(path, **simulated.how, transcripts=folder).close()
    assert "MODEL" in (folder / "monochromator.txt").read_text(errors="replace")


def test_the_drivers_and_options_of_the_real_table_exist():
    _, problems = find_drivers(read_station_file(CONFIGS / "example-table.toml"))
    assert problems == []


def test_closing_twice_is_allowed(simulated):
    station = load_station(CONFIGS / "simulated.toml", **simulated.how)
    station.close()
    station.close()
