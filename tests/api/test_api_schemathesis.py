"""What the written-down API allows, and what it does not, never makes the service fail."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from scripted_table import alarm, running

from labctl.core.clock import RealClock
from labctl.core.items import QueueItem

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
FUZZER = shutil.which("schemathesis") or shutil.which(
    "schemathesis", path=str(Path(sys.executable).parent)
)
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


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(FUZZER is None, reason="schemathesis is not installed")
def test_no_request_of_the_schema_makes_the_service_fail(served, scripted, tmp_path):
    clock = RealClock()
    scripted.becomes(**running(clock), alarms=(alarm(3),))
    scripted.exposes()
    scripted.queue.add([QueueItem(id=ITEM, procedure="power_series")])
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    report = tmp_path / "report.json"
    found = subprocess.run(
        [
            FUZZER, "--config-file", config, "run", DOCUMENT,
            "--url", f"http://127.0.0.1:{served.server.port}",
            "-H", f"Authorization: Bearer {served.server.token}",
            # a stream has no end
            "--exclude-path-regex", "/events",
            "--phases", "coverage,fuzzing", "--checks", CHECKS, "--max-examples", "10",
            "--seed", "1", "--workers", "2", "--continue-on-failure", "--no-color",
            "--report", "json", "--report-json-path", report,
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-6000:]
    assert "passed" in found.stdout
    assert json.loads(report.read_text())
    assert served.get("/status").status == 200
