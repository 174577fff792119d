"""From a station file to what is guarded; and what the safety process refuses to start with."""

import ast
import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safety_rig import CONFIGS, NOWHERE, station_text

from labctl.core.errors import ConfigError
from labctl.service.guarding import plan_safety
from labctl.service.safety.config import ConfigProblem, read_config
from labctl.station import read_station_file

GUARDED = {"probe_laser", "pump_laser", "probe_shutter", "pump_shutter"}


@pytest.fixture
def station(tmp_path):
    def write(*changes):
        text = station_text(NOWHERE, 1.0)
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / "table.toml"
        path.write_text(text)
        return path

    return write


def test_the_lasers_and_shutters_of_all_beams_are_guarded_and_nothing_else(station, tmp_path):
    path = station()
    plan = plan_safety(path, tmp_path / "safety")
    assert {port["name"] for port in plan.config["ports"]} == GUARDED
    config, served = plan.write(tmp_path / "safety")
    before, after = read_station_file(path).instruments, read_station_file(served).instruments
    for name, section in before.items():
        wanted = f"guard://{name}" if name in GUARDED else section.resource
        assert after[name] == section.model_copy(update={"resource": wanted})
    read = read_config(config)
    resources = {port.name: port.resource for port in read.ports}
    assert resources == {name: before[name].resource for name in GUARDED}
    assert {port.name for port in read.ports if port.interlock} == {"probe_laser", "pump_laser"}


def test_the_served_station_file_names_its_calibrations_in_full(station, tmp_path):
    path = station((json.dumps(str(CONFIGS / "calibrations")), '"calibrations"'))
    plan = plan_safety(path, tmp_path / "safety")
    _, served = plan.write(tmp_path / "elsewhere")
    folder = read_station_file(served).station.calibrations_folder
    assert folder == str(tmp_path / "calibrations")


def test_neither_token_stands_in_a_file(station, tmp_path):
    plan = plan_safety(station(), tmp_path / "safety")
    for path in plan.write(tmp_path / "safety"):
        for place in (plan.holder, plan.local):
            assert place.token
            assert place.token not in path.read_text()


@pytest.mark.parametrize(
    ("resource", "wanted"),
    [
        ("serial:///dev/ttyUSB1", "serial:///dev/ttyUSB1"),
        ("/dev/serial/by-id/usb-0", "serial:///dev/serial/by-id/usb-0"),
        ("ASRL/dev/ttyUSB1::INSTR", "serial:///dev/ttyUSB1"),
        ("TCPIP0::10.0.0.7::4001::SOCKET", "tcp://10.0.0.7:4001"),
    ],
)
def test_spellings_of_a_port_are_understood(station, tmp_path, resource, wanted):
    plan = plan_safety(station((NOWHERE["sc10_pump"], resource)), tmp_path / "safety")
    found = {port["name"]: port["resource"] for port in plan.config["ports"]}
    assert found["pump_shutter"] == wanted


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([(NOWHERE["sc10_pump"], "sim://sc10_pump")], "pump_shutter: 'sim://.* cannot be guard"),
        ([(NOWHERE["sc10_pump"], "COM3")], "pump_shutter: 'COM3' cannot be guarded"),
        ([(NOWHERE["sc10_pump"], NOWHERE["tpg261"])], "pump_shutter shares .* with gauge"),
        (
            [("drivers.thorlabs.sc10:Sc10", "drivers.pfeiffer.tpg26x:Tpg26x")],
            "does not say how it is closed",
        ),
    ],
)
def test_what_cannot_be_guarded_is_refused_with_a_remedy(station, tmp_path, changes, words):
    with pytest.raises(ConfigError, match=words) as caught:
        plan_safety(station(*changes), tmp_path / "safety")
    assert caught.value.remedy


@pytest.fixture
def config(station, tmp_path):
    return plan_safety(station(), tmp_path / "safety").write(tmp_path / "safety")[0]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("address", "tcp://0.0.0.0:4000", "address"),
        ("address", "unix:relative", "address"),
        ("tokens", {"holder": "", "local": ""}, "SHA-256"),
        ("silence_s", 1000.0, "silence_s"),
        ("silence_s", None, "silence_s"),
        ("ports", [], "ports"),
        ("ports", [{}], "KeyError"),
        ("ports", 7, "TypeError"),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_key(config, key, value, words):
    config.write_text(json.dumps(json.loads(config.read_text()) | {key: value}))
    with pytest.raises(ConfigProblem, match=words):
        read_config(config)


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_a_configuration_or_a_problem(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(data)
    with pytest.raises(ConfigProblem):
        read_config(path)


def test_the_process_names_the_problem_and_ends_with_code_3(tmp_path):
    path = tmp_path / "safety.json"
    path.write_text("{}")
    command = [sys.executable, "-m", "labctl.service.safety", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 3
    assert ended.stderr.startswith(f"labctl-safety: {path}: ")
    assert "Traceback" not in ended.stderr


SOURCES = sorted((CONFIGS.parent / "labctl/service/safety").glob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_safety_process_needs_nothing_but_the_standard_library(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            ours = name.startswith("labctl.service.safety.")
            assert ours or name.partition(".")[0] in sys.stdlib_module_names, name
