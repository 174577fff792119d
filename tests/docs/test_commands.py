"""Run what README and docs tell people to type, in a fresh folder.

Shell blocks are run whole; of `make` only the target is looked up, and what needs a real table
(`sh at-the-table`) must be a command that exists. Python blocks are run, or written to the file
that their first line names.
"""

import os
import re
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@dataclass(frozen=True)
class Block:
    """Hold one fenced block of a document."""

    kind: str
    text: str


def blocks_of(document: Path) -> list[Block]:
    found = re.findall(r"^```([^\n]*)\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)
    return [Block(kind.strip(), text) for kind, text in found]


def with_blocks() -> list[Path]:
    kinds = {"sh", "python"}
    return [one for one in DOCUMENTS if kinds & {block.kind for block in blocks_of(one)}]


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    return tmp_path


def environment() -> dict[str, str]:
    binaries = Path(sys.executable).parent
    return {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}


def run_python(text: str, folder: Path) -> None:
    first = text.splitlines()[0]
    if named := re.fullmatch(r"# (\S+\.py)", first):
        path = folder / named[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def run_shell(text: str, folder: Path) -> None:
    script = []
    for line in text.splitlines():
        if line.startswith("make "):
            assert line.split()[1] in TARGETS, line
        elif line.startswith("labctl sim serve"):
            serve_for_a_moment(line, folder)
        elif line.startswith("labctl serve"):
            serve(line, folder)
        else:
            script.append(line)
    command = ["bash", "-euo", "pipefail", "-c", "\n".join(script)]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def serve(line: str, folder: Path) -> None:
    """Serve the table, as in another shell, until the document has been read to its end."""
    process = subprocess.Popen(
        line.split("#", maxsplit=1)[0].split(),
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    SERVED.append(process)
    assert process.stderr is not None
    assert "serving" in process.stderr.readline()


SERVED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _end_of_service():
    yield
    while SERVED:
        process = SERVED.pop()
        process.terminate()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said


def serve_for_a_moment(line: str, folder: Path) -> None:
    """Serve until the doctor has visited every instrument, then send Ctrl-C."""
    target = folder / line.rpartition(">")[2].strip()
    process = subprocess.Popen(
        ["bash", "-c", f"exec {line}"],
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    with process:
        assert "instruments" in process.stderr.readline()
        doctor = [sys.executable, "-m", "labctl.cli.main", "doctor", "--station", str(target)]
        visited = subprocess.run(doctor, cwd=folder, capture_output=True, text=True, check=False)
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    assert visited.returncode == 0, visited.stdout + visited.stderr


@pytest.mark.timeout(400)
@pytest.mark.parametrize("document", with_blocks(), ids=lambda one: one.name)
def test_every_command_of_the_documents_works(document, folder):
    for block in blocks_of(document):
        if block.kind == "python":
            run_python(block.text, folder)
        elif block.kind == "sh":
            run_shell(block.text, folder)
    assert not (ROOT / "data").exists() or document.parent != ROOT


def test_commands_for_a_real_table_exist():
    lines = [
        line
        for document in DOCUMENTS
        for block in blocks_of(document)
        if block.kind == "sh at-the-table"
        for line in block.text.splitlines()
    ]
    assert lines
    for line in lines:
        words = [word for word in line.split() if word.startswith("--")]
        command = line.split()[1]
        help_text = subprocess.run(
            [sys.executable, "-m", "labctl.cli.main", command, "--help"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert not [word for word in words if word not in help_text], line


def test_links_and_pictures_of_the_documents_exist():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)\)", document.read_text()):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_files_and_folders_that_the_readme_names_exist():
    names = re.findall(r"`((?:labctl|drivers|procedures|tests|configs|docs)/[\w./-]*)`", README)
    assert len(names) > 8
    assert not [name for name in names if not (ROOT / name).exists()]


README = (ROOT / "README.md").read_text()


class CornerGauge(socketserver.StreamRequestHandler):
    """Answer like the gauge whose driver the README writes."""

    def handle(self) -> None:
        while question := self.rfile.read(1):
            while not question.endswith(b"\r"):
                question += self.rfile.read(1)
            answers = {b"ID?\r": b"ACME G1 0042\r\n", b"P?\r": b"1.20e-03 Pa\r\n"}
            self.wfile.write(answers[question])


def test_the_driver_of_the_readme_reads_a_gauge(folder):
    blocks = blocks_of(ROOT / "README.md")
    (driver,) = [block.text for block in blocks if "class CornerGauge" in block.text]
    (section,) = [block.text for block in blocks if block.kind == "toml"]
    run_python(driver, folder)
    (folder / "ownlab" / "__init__.py").touch()
    station = folder / "configs" / "simulated.toml"
    with socketserver.TCPServer(("127.0.0.1", 0), CornerGauge) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        resource = f"tcp://127.0.0.1:{server.server_address[1]}"
        assert tomllib.loads(section)["instruments"]["gauge"]["resource"] in section
        section = section.replace("/dev/ttyUSB0", resource)
        text = re.sub(
            r"^\[instruments\.gauge\].*?(?=^\[|^#)", section + "\n", station.read_text(),
            flags=re.MULTILINE | re.DOTALL,
        )  # fmt: skip
        station.write_text(text)
        command = "run spectrum --set exposure_s='1 s' --output runs"
        visited = subprocess.run(
            [sys.executable, "-m", "labctl.cli.main", "doctor"],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert visited.returncode == 0, visited.stdout + visited.stderr
        assert "ACME G1 0042" in visited.stdout
        run_shell(f"labctl {command}", folder)
        server.shutdown()
    (run,) = (folder / "runs").glob("*/*/*/*_*")
    from labctl.store.reader import RunReader

    with RunReader(run) as reader:
        assert reader.end_snapshot["cryostat.pressure"].value == pytest.approx(1.2e-3)


def test_the_examples_of_the_readme_keep_the_rules_of_the_code(folder):
    for block in blocks_of(ROOT / "README.md"):
        if block.kind == "python":
            run_python(block.text, folder) if block.text.startswith("# ") else None
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "E,F,I,UP,N", "--line-length", "100",
         str(folder / "ownlab")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_a_block_that_does_not_work_is_noticed(folder):
    with pytest.raises(AssertionError):
        run_shell("labctl runn", folder)
    with pytest.raises(AssertionError):
        run_shell("make nothing", folder)
    with pytest.raises(AssertionError):
        run_python("raise SystemExit(1)", folder)
