"""What the written-down API allows, and what it does not, never makes the service fail."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from scripted_table import alarm, running, write_calibration, write_run

from labctl.core.clock import RealClock
from labctl.core.items import QueueItem

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
FUZZER = Path(sys.executable).with_name("schemathesis")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,ignored_auth,unsupported_method"
)
ITEM = "0123456789ab"
CONFIG = f"""
[parameters]
item = "{ITEM}"
alarm = 3
channel = "cryostat.temperature"
"""


EXAMPLES = os.environ.get("LABCTL_FUZZ_EXAMPLES", "")
"""Random requests to each address in the long form, which also tries, systematically, whatever
lies at the borders of the schema; about 1,700 requests more."""
PHASES = "coverage,fuzzing" if EXAMPLES else "fuzzing"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_request_of_the_schema_makes_the_service_fail(served, scripted, tmp_path):
    clock = RealClock()
    scripted.becomes(**running(clock), alarms=(alarm(3),))
    scripted.exposes()
    scripted.queue.add([QueueItem(id=ITEM, procedure="power_series")])
    run = write_run(scripted)
    write_calibration(scripted, run, "wavelength")
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG + f'run = "{run.name}"\n')
    report = tmp_path / "report.json"
    found = subprocess.run(
        [
            FUZZER, "--config-file", config, "run", DOCUMENT,
            "--url", f"http://127.0.0.1:{served.server.port}",
            "-H", f"Authorization: Bearer {served.server.token}",
            # streams have no end
            "--exclude-path-regex", "/(events|frames)$",
            "--phases", PHASES, "--checks", CHECKS, "--max-examples", EXAMPLES or "5",
            # a machine at its limits is slow, and no failure of the service
            "--request-timeout", "60", "--suppress-health-check", "all",
            "--seed", "1", "--workers", "2", "--continue-on-failure", "--no-color",
            "--report", "json", "--report-json-path", report,
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=580, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-6000:]
    assert "passed" in found.stdout
    assert json.loads(report.read_text())
    assert served.get("/status").status == 200
