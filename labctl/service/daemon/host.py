"""Host a vendor SDK in a process of its own, so that its crash takes nothing else down.

`python -m labctl.service.daemon.host DRIVER RESOURCE PORT [KEEP]` opens the SDK of a driver
(`drivers.andor.sdk2:AndorCamera`, `sdk2:///usr/lib/libandor.so.2`), serves it on a port of this
machine and prints one line of JSON. An SDK that already is in another process (`sdk+tcp://…`,
that of a simulated table) is passed on, so that both tables have the same processes.
"""

import importlib
import socket
import sys
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from labctl.core.errors import BadReply, ConfigError, LabctlError
from labctl.service.daemon.table import wait_for_end
from labctl.service.daemon.tell import error_fields
from labctl.service.daemon.wire import encode
from labctl.transport.sdk_remote import SdkServer, open_remote_sdk
from labctl.transport.sdk_wire import receive

SCHEMES = ("sdk2", "sdk+tcp")
"""Resources that are opened in a host."""
CONNECT_S = 5.0


def main(arguments: Sequence[str]) -> int:
    """Serve until the pipe ends."""
    driver, resource, port, *keep = arguments
    try:
        sdk, methods = open_sdk(driver, resource)
        server = SdkServer(sdk, methods=methods, port=int(port))
    except LabctlError as error:
        _print({"event": "refused", "error": error_fields(error)})
        return error.exit_code
    with server:
        _print({"event": "serving", "resource": server.resource})
        wait_for_end(int(keep[0]) if keep else 0)
    return 0


def open_sdk(driver: str, resource: str) -> tuple[object, Collection[str] | None]:
    """Return the SDK of a driver, and the methods that may be called (None: its `exports`).

    Raises
    ------
    ConfigError
        If the driver has no SDK.
    ConnectionFailed
        If it cannot be opened.
    """
    if resource.startswith("sdk+tcp://"):
        return open_remote_sdk(resource), _methods_at(resource)
    module, _, name = driver.partition(":")
    opener = getattr(getattr(importlib.import_module(module), name, None), "open_sdk", None)
    if opener is None:
        raise ConfigError(
            f"{driver} does not say how to open an SDK", remedy="correct the station file"
        )
    return opener(resource), None


def _methods_at(resource: str) -> Collection[str]:
    """Return what a server lets its clients call."""
    parts = urlsplit(resource)
    address = (parts.hostname or "", parts.port or 0)
    try:
        with socket.create_connection(address, CONNECT_S) as connection:
            methods = receive(connection, resource).get("methods")
    except OSError as error:
        raise BadReply(f"{resource}: no greeting of an SDK server: {error}") from error
    if not isinstance(methods, list):
        raise BadReply(f"{resource}: the greeting names no methods")
    return [str(method) for method in methods]


def _print(message: dict[str, object]) -> None:
    sys.stdout.buffer.write(encode(message))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
