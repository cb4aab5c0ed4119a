"""The running program is asked what its OpenAPI document allows, and what not: it answers as the document says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from streamer.server.access.rights import Role
from streamer.server.access.table import ROUTES
from streamer.server.access.tokens import TokenFile
from tests.system.program import Program, eventually

pytestmark = [pytest.mark.system, pytest.mark.models]

TOKEN = "a-token-of-the-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CAMERAS = ("demo", "yard")
ENDLESS = "/api/v1/cameras/{camera_id}/stream.mjpg"
PUBLIC = {"/healthz"}
EXAMPLES = 12  # of each operation and each kind of request
EXAMPLES_OF_A_ROLE = 4
# By what they are called: the role, and the cameras that they are for
TOKENS: dict[str, tuple[Role, list[str] | None]] = {
    "viewer": (Role.VIEWER, None),
    "operator": (Role.OPERATOR, None),
    "viewer of another camera": (Role.VIEWER, ["yard"]),
}
# Not the rest that schemathesis has: that valid requests are obeyed (no schema tells an image from other bytes)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contract")


@pytest.fixture(scope="module")
def bearers(folder: Path) -> dict[str, dict[str, str]]:
    """What each of TOKENS is sent as."""
    file = TokenFile(folder / "tokens.json")
    made = {name: file.add(role, cameras=cameras, name=name)[0] for name, (role, cameras) in TOKENS.items()}
    return {name: {"Authorization": f"Bearer {token}"} for name, token in made.items()}


@pytest.fixture(scope="module")
def program(folder: Path) -> Iterator[Program]:
    """With two cameras that are live, one of which is asked for."""
    config = {
        "cameras": [{"id": camera, "source": "demo", "max_fps": 2} for camera in CAMERAS],
        "server": {"auth": {"token": TOKEN, "file": "tokens.json"}},
    }
    with Program(folder, config) as running:
        shots = [f"{running.url}/api/v1/cameras/{camera}/snapshot.jpg" for camera in CAMERAS]
        eventually("pictures", lambda: all(httpx.get(s, headers=BEARER).status_code == 200 for s in shots), 20)
        yield running


@pytest.fixture(scope="module")
def operations(program: Program) -> list[APIOperation[Any, Any, Any, Any]]:
    """All of the document but the endless one. Who asks is said by the tests: no tokens are made up."""
    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
    schema = schemathesis.openapi.from_url(f"{program.url}/openapi.json", config=config, headers=BEARER)
    found = list(schema.get_all_operations())
    assert all(isinstance(each, Ok) for each in found)
    return [each.ok() for each in found if isinstance(each, Ok) and each.ok().path != ENDLESS]


def each_case(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, ask: Any, examples: int = EXAMPLES
) -> None:
    """Call `ask` with requests to this operation; half of those that name a camera name the one there is."""

    @seed(0)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
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


@pytest.mark.parametrize("name", list(TOKENS))
def test_no_role_gets_at_what_the_table_keeps_from_it_whatever_it_asks(
    operations: list[APIOperation[Any, Any, Any, Any]], bearers: dict[str, dict[str, str]], name: str
) -> None:
    role, cameras = TOKENS[name]
    refused = []

    def ask(case: schemathesis.Case[Any]) -> None:
        answer = case.call(headers=bearers[name])
        case.validate_response(answer, checks=CHECKS)
        needs = ROUTES[f"{case.method} {case.path}"]
        if needs is not None and role not in needs:
            assert answer.status_code == 403, (case.method, case.path)
            refused.append(case.path)
        elif cameras is not None and "camera_id" in case.path_parameters:
            assert answer.status_code in {404, 422}, (case.method, case.path)
        else:
            assert answer.status_code not in {401, 403}, (case.method, case.path)

    for operation in operations:
        each_case(operation, GenerationMode.POSITIVE, ask, EXAMPLES_OF_A_ROLE)
    assert "/metrics" in refused
    assert ("/analyze" in refused) is (role is Role.VIEWER)
