"""Where cameras come from: the configuration alone. No route takes an address that the server would then open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from streamer.config import CameraConfig
from streamer.server.app import create_app
from tests.server_harness import make_services

# Names of fields and parameters that hold an address
ADDRESS = re.compile(r"(^|_)(url|uri|source|host|address|endpoint|callback|webhook|proxy|path|file)$", re.IGNORECASE)


def names_in(schema: Any, definitions: Any, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The fields of a JSON schema, at any depth."""
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if reference and reference not in seen:
            yield from names_in(definitions[reference.rpartition("/")[2]], definitions, seen | {reference})
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from names_in(value, definitions, seen)
    elif isinstance(schema, list):
        for value in schema:
            yield from names_in(value, definitions, seen)


def test_no_route_takes_an_address_that_the_server_would_open() -> None:
    document = create_app(make_services()[0]).openapi()
    definitions = document["components"]["schemas"]
    taken = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters = [parameter["name"] for parameter in operation.get("parameters", ())]
            body = [content.get("schema") for content in operation.get("requestBody", {}).get("content", {}).values()]
            taken[f"{method.upper()} {path}"] = {*parameters, *names_in(body, definitions)}
    assert {"lines", "zones", "points"} <= taken["PUT /api/v1/cameras/{camera_id}/rules"]  # so it does look inside
    assert {route: found for route, names in taken.items() if (found := list(filter(ADDRESS.search, names)))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "file:///etc/passwd",
        "ftp://10.0.0.1/x",
        "gopher://10.0.0.1/x",
        "data://text/plain,x",
        "subfile://x",
        "crypto://x",
        "rtp://239.0.0.1:5000",
        "udp://0.0.0.0:5000",
        "tcp://10.0.0.1:22",
        "javascript://x",
    ],
)
def test_of_the_schemes_only_those_of_cameras_are_taken(source: str) -> None:
    with pytest.raises(ValueError, match=re.escape(source.partition("://")[0])):
        CameraConfig(id="a", source=source)
