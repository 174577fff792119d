"""Other machines reach the service only if somebody asked for it, over TLS, with a token."""

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

import labctl
from labctl.core.errors import ConfigError, ConnectionFailed, UsageError
from labctl.service.api.listeners import RemoteSettings, check_private, open_unix
from labctl.service.api.server import ApiServer, ApiSettings

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificate")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost",
         "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    files[1].chmod(0o600)
    return files


def settings(certificate, **changes):
    fields = {
        "host": "127.0.0.1",
        "port": free_port(),
        "certificate": certificate[0],
        "key": certificate[1],
        "names": ("localhost",),
    }
    return ApiSettings(remote=RemoteSettings(**(fields | changes)))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@needs_openssl
def test_a_remote_client_needs_tls_a_token_and_the_right_name(scripted, certificate):
    chosen = settings(certificate)
    with ApiServer(scripted, chosen) as server:
        url = f"https://localhost:{chosen.remote.port}"
        with labctl.connect(scripted.place.data) as here:
            secret = here.add_token("phone", "operate", 1.0)["secret"]
        with labctl.connect(url, token=secret, certificate=certificate[0]) as table:
            assert table.me()["is_present"] is False
            assert table.safe() == []
            for forbidden in (table.start, table.proceed, table.reset_latch, table.attach):
                with pytest.raises(UsageError, match="a token never may"):
                    forbidden()
            with pytest.raises(UsageError, match="a token never may"):
                table.set("probe.power", 1e-6)
            assert next(iter(table.events())).kind == "status"
        assert [call[0] for call in scripted.calls] == ["safe"]
        with pytest.raises(UsageError, match="token is needed"):
            labctl.connect(url, certificate=certificate[0])
        with pytest.raises(UsageError, match="unknown"):
            labctl.connect(url, token=server.token, certificate=certificate[0])
        with pytest.raises(ConnectionFailed, match=r"(?i)certificate"):
            labctl.connect(url, token=secret)
        with pytest.raises(ConnectionFailed):
            labctl.connect(f"http://127.0.0.1:{chosen.remote.port}", token=secret)


@needs_openssl
def test_the_remote_door_knows_its_own_name_only(scripted, certificate):
    chosen = settings(certificate)
    with ApiServer(scripted, chosen):
        context = ssl.create_default_context(cafile=certificate[0])
        for host, status in (
            ("evil.example", b"403"),
            ("127.0.0.1", b"403"),
            ("localhost", b"401"),
        ):
            with (
                socket.create_connection(("127.0.0.1", chosen.remote.port), 10) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as secure,
            ):
                secure.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())
                assert secure.recv(200).split()[1] == status, host


@needs_openssl
def test_a_key_that_others_can_read_is_refused(scripted, certificate, tmp_path):
    loose = tmp_path / "key.pem"
    shutil.copy(certificate[1], loose)
    loose.chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others") as caught:
        ApiServer(scripted, settings(certificate, key=loose))
    assert "chmod 600" in caught.value.remedy
    assert not scripted.place.socket.exists() or _is_dead(scripted.place.socket)


def _is_dead(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) != 0


@needs_openssl
@pytest.mark.parametrize("changes", [{"names": ()}, {"port": 99999}, {"host": "no.such.host.x"}])
def test_remote_settings_that_cannot_work_are_refused(scripted, certificate, changes):
    with pytest.raises(ConfigError):
        ApiServer(scripted, settings(certificate, **changes))


def test_without_a_certificate_nothing_listens_to_the_network(scripted, tmp_path):
    missing = (tmp_path / "certificate.pem", tmp_path / "key.pem")
    with pytest.raises(ConfigError):
        ApiServer(scripted, settings(missing, host="0.0.0.0"))
    with pytest.raises(ConfigError, match="cannot be read"):
        check_private(missing[1])


def test_a_socket_in_an_open_folder_is_refused(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(ConfigError, match="entered by other accounts"):
        open_unix(folder / "service.sock")


def test_a_path_that_is_too_long_for_a_socket_is_served_at_the_loopback(tmp_path):
    assert open_unix(tmp_path / ("x" * 200) / "service.sock") is None


def test_a_taken_port_is_named(scripted):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}"):
            ApiServer(scripted, ApiSettings(port=port))


def test_a_service_without_a_port_has_only_its_socket(scripted):
    with ApiServer(scripted, ApiSettings(port=None)) as server:
        assert server.port is None
        assert "port" not in scripted.announced
        with labctl.connect(scripted.place.data) as table:
            assert table.me()["is_present"] is True
    assert not Path(scripted.place.socket).exists()
