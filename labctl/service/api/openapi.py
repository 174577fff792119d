"""Write down the API: `python -m labctl.service.api > docs/openapi.json`."""

import json
from typing import Any, cast

from labctl.core.status import StationStatus
from labctl.service.api.app import build_app
from labctl.service.api.table import Table


class _NoTable:
    """Stand for a table of which nothing is asked."""

    database = queue = place = None

    def status(self) -> StationStatus:
        return StationStatus(station="", simulated=True)


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of the API."""
    document = build_app(cast("Table", _NoTable()), local_token="").openapi()
    shared: dict[str, Any] = {}
    for path in document["paths"].values():
        for operation in path.values():
            for code, response in operation["responses"].items():
                if int(code) >= 400:
                    # the same for all addresses: said once
                    shared[f"Problem{code}"] = response
                    operation["responses"][code] = {"$ref": f"#/components/responses/Problem{code}"}
    document["components"]["responses"] = shared
    return document


def openapi_text() -> str:
    """Return the document as it stands in `docs/openapi.json`."""
    return json.dumps(openapi(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
