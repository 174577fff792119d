"""Hold the connection of a stream that the service sends for as long as somebody listens."""

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from labctl.client.connection import PREFIX, Connection, refuse
from labctl.core.errors import ConnectionFailed

SILENCE_S = 8.0
"""The service says something every 2 s; after so much silence the connection is taken for dead."""
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)

_Part = TypeVar("_Part")


class Stream:
    """Listen until `close`, which may come from any thread; a context manager."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: http.client.HTTPConnection | None = None
        self._is_closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the iteration; allowed repeatedly."""
        self._is_closed.set()
        opened = self._open
        if opened is not None and opened.sock is not None:
            try:
                opened.sock.shutdown(2)
            except OSError:
                return

    def _follow(self, listen: Callable[[], Iterator[_Part]]) -> Iterator[_Part | ConnectionFailed]:
        """Yield what one connection after the other brings, and the error that ended each.

        The more often a connection failed in a row, the longer is the pause before the next.
        """
        failures = 0
        while not self._is_closed.is_set():
            try:
                for part in listen():
                    failures = 0
                    yield part
                    if self._is_closed.is_set():
                        return
            except ConnectionFailed as error:
                if self._is_closed.is_set():
                    return
                yield error
                self._is_closed.wait(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1

    def _receive(
        self,
        path: str,
        query: Mapping[str, Any],
        parse: Callable[[http.client.HTTPResponse], Iterator[_Part]],
    ) -> Iterator[_Part]:
        """Yield what one connection brings; its end raises `ConnectionFailed`."""
        address = self._connection.address
        opened = self._open = address.open(SILENCE_S)
        try:
            opened.request("GET", f"{PREFIX}{path}?{urlencode(query)}", headers=address.headers())
            response = opened.getresponse()
            if response.status >= 400:
                refuse(response.status, response.read())
            yield from parse(response)
            raise ConnectionFailed(f"the service at {address} ended the connection")
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionFailed(f"no connection to {address}: {error}") from error
        finally:
            opened.close()
