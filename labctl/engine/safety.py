"""Bring the table into the safe state, whatever happens on the way."""

from labctl.core.channels import Station


def make_safe(station: Station) -> list[str]:
    """Ask the station for its safe state, twice if the first attempt is broken off.

    Returns
    -------
    What could not be confirmed, one sentence each; empty if the table is known to be safe.
    """
    broken: BaseException | None = None
    for _ in range(2):
        try:
            return list(station.safe())
        # a second Ctrl-C must not keep a shutter open
        except BaseException as error:  # noqa: BLE001
            broken = error
    return [f"the way to the safe state broke off: {type(broken).__name__}: {broken}"]
