"""Every route, for every role, and for cameras that are somebody else's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi import APIRouter, FastAPI

from streamer.config import AuthConfig
from streamer.server.access import attempts
from streamer.server.access.rights import Role
from streamer.server.access.table import MESSAGES, ROUTES, Found, NotServed, check_complete, find
from streamer.server.access.tokens import TokenFile
from streamer.server.protocol import MESSAGE_TYPES, ClientMessage
from tests.unit.server.asking import application, browser, every_route

OWN, OTHER, NOWHERE = "yard", "lobby", "nowhere"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The empty login form is answered soon."""
    monkeypatch.setattr(attempts, "FAILURE_SECONDS", 0.001)


@pytest.fixture
def bearers(tmp_path: Path) -> tuple[FastAPI, dict[Role, str]]:
    """The application, and the header of each role."""
    file = TokenFile(tmp_path / "tokens.json")
    limited = {Role.VIEWER, Role.OPERATOR}
    made = {role: file.add(role, cameras=[OWN] if role in limited else None)[0] for role in Role}
    app = application(auth=AuthConfig(file=file.path))
    return app, {role: f"Bearer {token}" for role, token in made.items()}


def may(role: Role, method: str, path: str) -> bool:
    """What each role is for, written down a second time: a slip in the table shows."""
    if path in {"/healthz", "/readyz", "/login", "/login.css", "/logout"}:
        return True
    if path == "/metrics":
        return role in {Role.METRICS, Role.ADMIN}
    if method == "PUT" or path.endswith("/analyze"):
        return role in {Role.OPERATOR, Role.ADMIN}
    return role is not Role.METRICS


def answers(
    bearers: tuple[FastAPI, dict[Role, str]], role: Role, camera: str
) -> dict[tuple[str, str], tuple[int, str]]:
    """Of every route there is, but streams without end, asked for this camera."""
    app, headers = bearers

    async def scenario() -> dict[tuple[str, str], tuple[int, str]]:
        found = {}
        async with browser(app, Authorization=headers[role]) as client:
            for method, lobby_path in sorted(set(every_route(app))):
                path = lobby_path.replace("/lobby", f"/{camera}")
                if path.endswith(f"/{camera}/stream.mjpg") and may(role, method, path) and _there(role, camera):
                    continue
                answer = await client.request(method, path, json={"lines": [], "zones": []})
                found[method, path] = answer.status_code, answer.text
        return found

    return asyncio.run(scenario())


def _there(role: Role, camera: str) -> bool:
    return camera == OWN or (camera == OTHER and role in {Role.ADMIN, Role.METRICS})


@pytest.mark.parametrize("role", list(Role))
def test_every_route_takes_the_roles_that_it_is_for_and_no_other(
    bearers: tuple[FastAPI, dict[Role, str]], role: Role
) -> None:
    found = answers(bearers, role, OWN)
    assert len(found) > 25
    for (method, path), (status, text) in found.items():
        if may(role, method, path):
            assert status != 403, (method, path, text)
            assert status != 401 or (method, path) == ("POST", "/login")
        else:
            assert status == 403, (method, path, text)
            assert method == "HEAD" or f"the role {role} may not do this" in text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_camera_of_others_answers_as_one_that_does_not_exist(
    bearers: tuple[FastAPI, dict[Role, str]], role: Role
) -> None:
    others = answers(bearers, role, OTHER)
    nowhere = answers(bearers, role, NOWHERE)
    asked = {key: found for key, found in others.items() if "/cameras/" in key[1]}
    assert len(asked) == 6
    for (method, path), (status, text) in asked.items():
        assert status == (404 if may(role, method, path) else 403), path
        # not one byte tells the two apart
        assert (status, text.replace(OTHER, NOWHERE)) == nowhere[method, path.replace(OTHER, NOWHERE)]


def test_a_role_that_may_not_is_told_so_before_anything_of_the_camera(
    bearers: tuple[FastAPI, dict[Role, str]],
) -> None:
    drawn = [answers(bearers, Role.VIEWER, camera) for camera in (OWN, OTHER, NOWHERE)]
    puts = {found["PUT", path] for found in drawn for method, path in found if method == "PUT"}
    assert len(puts) == 1
    assert next(iter(puts))[0] == 403


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("/api/v1/cameras", [OWN]),
        ("/api/v1/status", [OWN]),
        ("/readyz", [OWN]),
        ("/docs", []),
        ("/openapi.json", []),
        ("/", []),
    ],
)
def test_lists_tell_of_the_token_s_cameras_only(
    bearers: tuple[FastAPI, dict[Role, str]], path: str, here: list[str]
) -> None:
    _, text = answers(bearers, Role.VIEWER, OWN)["GET", path]
    ids = [camera for camera in ("lobby", "entrance", "yard", "gate", "cellar", "roof") if f'"{camera}"' in text]
    assert ids == here


def test_a_route_without_an_entry_fails_at_the_start_and_an_entry_without_a_route_too() -> None:
    app = application()
    check_complete(app.routes, MESSAGE_TYPES)
    nested, outer = APIRouter(), APIRouter()
    nested.add_api_route("/api/v1/secret", lambda: None, methods=["GET"])
    outer.include_router(nested)
    app.include_router(outer)
    with pytest.raises(LookupError, match="GET /api/v1/secret"):
        check_complete(app.routes, MESSAGE_TYPES)
    fewer = [route for route in application().routes if getattr(route, "path", "") != "/docs"]
    with pytest.raises(LookupError, match="GET /docs"):
        check_complete(fewer, MESSAGE_TYPES)


def test_a_message_type_without_an_entry_fails_at_the_start() -> None:
    types = {get_args(message.model_fields["type"].annotation)[0] for message in get_args(ClientMessage)}
    assert types == set(MESSAGE_TYPES) == set(MESSAGES)
    with pytest.raises(LookupError, match="message type record"):
        check_complete(application().routes, [*MESSAGE_TYPES, "record"])


def test_what_is_not_listed_is_refused_even_if_something_were_served_there(
    bearers: tuple[FastAPI, dict[Role, str]],
) -> None:
    app, headers = bearers
    app.add_api_route("/api/v1/forgotten", lambda: "secret", methods=["GET"])

    async def scenario() -> None:
        async with browser(app) as client:
            for header, status in (({}, 401), ({"Authorization": headers[Role.ADMIN]}, 404)):
                answer = await client.get("/api/v1/forgotten", headers=header)
                assert (answer.status_code, "secret" in answer.text) == (status, False)

    asyncio.run(scenario())


def test_a_method_that_a_path_does_not_take_is_refused_with_those_that_it_does(
    bearers: tuple[FastAPI, dict[Role, str]],
) -> None:
    app, headers = bearers

    async def scenario() -> None:
        async with browser(app, Authorization=headers[Role.ADMIN]) as client:
            answer = await client.delete("/api/v1/cameras/yard/rules")
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")
            assert (await client.get("/ws")).status_code == 404

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("HEAD", "/metrics", Found(ROUTES["GET /metrics"])),
        ("GET", "/api/v1/cameras/yard", Found(ROUTES["GET /api/v1/cameras/{camera_id}"], "yard")),
        ("GET", "/static/js/../../x", Found(ROUTES["GET /static/{path:path}"])),
        ("GET", "/api/v1/cameras/yard/", NotServed()),
        ("GET", "/api/v1/cameras/a/b/rules", NotServed()),
        ("GET", "//metrics", NotServed()),
        ("GET", "/METRICS", NotServed()),
        ("GET", "/ws", NotServed(("WEBSOCKET",))),
        ("WEBSOCKET", "/", NotServed(("GET",))),
        ("DELETE", "/api/v1/cameras/yard/rules", NotServed(("GET", "PUT"))),
        ("BREW", "/api/v1/cameras/yard/rules", NotServed(("GET", "PUT"))),
    ],
)
def test_paths_are_found_as_the_application_finds_them(method: str, path: str, expected: Any) -> None:
    assert find(method, path) == expected
