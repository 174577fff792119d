"""Find the service that is meant: in a data folder, or at an address."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from labctl.client.connection import Address
from labctl.core.errors import ConfigError, ConnectionFailed, UsageError

DATA = Path("data")
INFO = Path("station") / "service.json"
URL, TOKEN, CERTIFICATE, FOLDER = "LABCTL_URL", "LABCTL_TOKEN", "LABCTL_CERTIFICATE", "LABCTL_DATA"
"""Variables of the environment that say where the service is."""


def find_service(
    target: str | Path | None = None,
    *,
    token: str | None = None,
    certificate: str | Path | None = None,
) -> Address:
    """Return where a service is.

    Parameters
    ----------
    target
        The data folder of a service on this machine, or an address such as
        `https://table.example.org:8443`. Without one: $LABCTL_URL, else $LABCTL_DATA, else the
        folder `data`.
    token
        Token of a remote client; without one $LABCTL_TOKEN.
    certificate
        Certificate to trust; without one $LABCTL_CERTIFICATE, else what the system trusts.

    Raises
    ------
    ConnectionFailed
        If no service runs in the folder.
    UsageError
        If the address is none, or would send a token in the clear over the network.
    """
    env = os.environ
    if target is None:
        target = env.get(URL) or env.get(FOLDER) or DATA
    token = token if token is not None else env.get(TOKEN, "")
    if "://" in str(target):
        trusted = certificate or env.get(CERTIFICATE)
        return _remote(str(target), token, Path(trusted) if trusted else None)
    return _local(Path(target), token)


def _local(data: Path, token: str) -> Address:
    path = data / INFO
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(info, dict):
            raise ValueError("no object")
        socket, port = info.get("socket"), int(info.get("port") or 0)
    except FileNotFoundError:
        raise ConnectionFailed(
            f"no service runs with the data folder {data.resolve()}",
            remedy="'labctl serve' starts one; --data names the folder of another one",
        ) from None
    except PermissionError as error:
        raise ConnectionFailed(
            f"the service of {data.resolve()} belongs to another account",
            remedy="ask that person for a token ('labctl tokens add'), or work as that account",
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", remedy="restart the service") from None
    if isinstance(socket, str) and Path(socket).exists():
        return Address(socket=Path(socket), token=token)
    if not port:
        raise ConnectionFailed(f"the service of {data.resolve()} is starting or has gone")
    return Address(port=port, token=token or str(info.get("token", "")))


def _remote(text: str, token: str, certificate: Path | None) -> Address:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"{text!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/"):
        raise UsageError(
            f"{text!r} is no address of a service",
            remedy="write it as https://HOST:PORT, or name a data folder",
        )
    is_tls = parts.scheme == "https"
    if not is_tls and host not in ("127.0.0.1", "localhost", "::1"):
        raise UsageError(
            f"{text!r}: a token must not go over the network in the clear",
            remedy="use https, or a tunnel to this machine (ssh -L)",
        )
    return Address(None, host, port or (443 if is_tls else 80), is_tls, token, certificate)
