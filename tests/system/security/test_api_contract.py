"""The running program is asked what its OpenAPI document allows, and what not: it answers as the document says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.system.program import Program, eventually

pytestmark = [pytest.mark.system, pytest.mark.models]

TOKEN = "a-token-of-the-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ENDLESS = "/api/v1/cameras/{camera_id}/stream.mjpg"
PUBLIC = {"/healthz"}
EXAMPLES = 12  # of each operation and each kind of request
# Not the rest that schemathesis has: that valid requests are obeyed (no schema tells an image from other bytes)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """With a camera that is live."""
    config = {"cameras": [{"id": "demo", "source": "demo", "max_fps": 2}], "server": {"auth": {"token": TOKEN}}}
    with Program(tmp_path_factory.mktemp("contract"), config) as running:
        snapshot = f"{running.url}/api/v1/cameras/demo/snapshot.jpg"
        eventually("a picture", lambda: httpx.get(snapshot, headers=BEARER).status_code == 200, 20)
        yield running


@pytest.fixture(scope="module")
def operations(program: Program) -> list[APIOperation[Any, Any, Any, Any]]:
    """All of the document but the endless one."""
    schema = schemathesis.openapi.from_url(f"{program.url}/openapi.json", headers=BEARER)
    found = list(schema.get_all_operations())
    assert all(isinstance(each, Ok) for each in found)
    return [each.ok() for each in found if isinstance(each, Ok) and each.ok().path != ENDLESS]


def each_case(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, ask: Any) -> None:
    """Call `ask` with requests to this operation; half of those that name a camera name the one there is."""

    @seed(0)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def asking(case: schemathesis.Case[Any], real: bool) -> None:
        if real and "camera_id" in case.path_parameters:
            case.path_parameters["camera_id"] = "demo"
        ask(case)

    asking()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_request_is_answered_as_the_document_says_and_never_with_an_error_of_the_server(
    operations: list[APIOperation[Any, Any, Any, Any]], mode: GenerationMode
) -> None:
    for operation in operations:
        can_be_wrong = len(operation.query) + len(operation.body) > 0
        if can_be_wrong or mode is GenerationMode.POSITIVE:
            each_case(operation, mode, lambda case: case.call_and_validate(headers=BEARER, checks=CHECKS))


def test_without_the_token_every_request_is_refused_and_nothing_is_told(
    operations: list[APIOperation[Any, Any, Any, Any]],
) -> None:
    def ask(case: schemathesis.Case[Any]) -> None:
        answer = case.call()
        assert answer.status_code == 401, (case.method, case.path)
        assert "demo" not in answer.text
        case.validate_response(answer, checks=CHECKS)

    for operation in operations:
        if operation.path not in PUBLIC:
            each_case(operation, GenerationMode.POSITIVE, ask)
