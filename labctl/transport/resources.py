"""Read resource strings and open the link that they name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labctl.core.errors import ConfigError
from labctl.core.link import Backend, Link, LinkSettings

_VISA = re.compile(r"(ASRL|GPIB|USB|TCPIP|VXI|PXI|PRLGX)[^/]*.*::[A-Z]+\Z|GPIB\d*::\d+\Z", re.I)
_VISA_SOCKET = re.compile(r"TCPIP\d*::([^:]+|\[.+\])::(\d+)::SOCKET\Z", re.IGNORECASE)
_TCP = re.compile(r"([^:/\[\]]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})/?\Z")
_DEVICE = re.compile(r"(/dev/.+|COM\d+)\Z", re.IGNORECASE)
_REMEDY = (
    "write sim://NAME, tcp://HOST:PORT, serial:///dev/ttyUSB0, COM3, or a VISA resource such as "
    "ASRL3::INSTR"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """Say which port is meant: equal `key` means the same port."""

    text: str
    kind: str
    """`serial`, `tcp`, `visa`, or the scheme of a backend."""
    address: str

    @property
    def key(self) -> str:
        """Return a name that all spellings of the port share."""
        if self.kind == "serial":
            device = Path(self.address)
            return f"serial:{device.resolve() if device.exists() else self.address.upper()}"
        if self.kind in ("tcp", "visa"):
            return f"{self.kind}:{self.address.lower()}"
        return f"{self.kind}:{self.address}"


def parse_resource(text: str, schemes: Mapping[str, object]) -> Resource:
    """Return which port a resource string means.

    `TCPIP::HOST::PORT::SOCKET` is opened as `tcp://HOST:PORT`: pyvisa-py 0.8.1 opens a refused
    port without complaint, and reports a dropped line as a timeout.

    Raises
    ------
    ConfigError
        If it names no byte port.
    """
    scheme, separator, address = text.partition("://")
    if separator and scheme in schemes:
        return Resource(text, scheme, address)
    if socket := _VISA_SOCKET.match(text):
        return Resource(text, "tcp", f"{socket[1]}:{socket[2]}")
    if _VISA.match(text):
        return Resource(text, "visa", text)
    if scheme == "tcp" and (match := _TCP.match(address)) and 0 < int(match[2]) < 65536:
        return Resource(text, "tcp", f"{match[1]}:{match[2]}")
    device = address if scheme == "serial" and separator else text
    if _DEVICE.match(device):
        return Resource(text, "serial", device)
    raise ConfigError(f"{text!r} is no resource of a byte port", remedy=_REMEDY)


def open_link(resource: Resource, settings: LinkSettings, backends: Mapping[str, Backend]) -> Link:
    """Open the link of a resource; raises `ConnectionFailed` with cause and remedy."""
    if resource.kind == "visa":
        from labctl.transport.visa_link import VisaLink

        return VisaLink(resource.address, settings)
    if resource.kind == "tcp":
        from labctl.transport.tcp_link import TcpLink

        return TcpLink(resource.address, resource.text, settings)
    if resource.kind == "serial":
        from labctl.transport.serial_link import SerialLink

        return SerialLink(resource.address, resource.text, settings)
    return backends[resource.kind].open_link(resource.text, settings)
