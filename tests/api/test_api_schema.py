"""The API that is written down is the one that is served."""

import json
from pathlib import Path

from labctl.service.api.openapi import openapi, openapi_text

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_committed_document_is_the_present_one():
    found = DOCUMENT.read_text(encoding="utf-8")
    assert found == openapi_text(), "run 'python -m labctl.service.api > docs/openapi.json'"


def test_every_address_is_described():
    for path, item in openapi()["paths"].items():
        for method, operation in item.items():
            assert operation["description"], (method, path)
            assert operation["security"] == [{"token": []}], (method, path)
            assert {"401", "403"} <= set(operation["responses"]), (method, path)


def test_every_body_is_closed_and_bounded():
    schemas = json.loads(openapi_text())["components"]["schemas"]
    for name, schema in schemas.items():
        if schema.get("type") != "object":
            continue
        assert "additionalProperties" in schema, name
