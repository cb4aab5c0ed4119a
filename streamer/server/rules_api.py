"""Lines and zones of a camera over HTTP: those of the configuration to read, those drawn on the page to change."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter, HTTPException

from streamer.config import RulesConfig
from streamer.errors import ConfigError, StoreError
from streamer.own_thread import in_own_thread
from streamer.server.figures_schemas import RulesModel
from streamer.server.problems import SafeJSONResponse, problem_response, unknown_camera
from streamer.server.services import Services
from streamer.store.rule_book import RuleBook

__all__ = ["rules_router"]

_PATH = "/api/v1/cameras/{camera_id}/rules"
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: problem_response("No camera has this id")}
_REFUSED: dict[int | str, dict[str, Any]] = {
    400: problem_response("The body is no JSON"),
    408: problem_response("The body did not arrive in time"),
    409: problem_response("The configuration has a line or zone of this name"),
    413: problem_response("The body is too large"),
    422: problem_response("A line or zone is wrong"),
    503: problem_response("The database can't keep them now; nothing has changed"),
}


def rules_router(services: Services) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["footfall"], responses=_UNKNOWN)
    cameras = services.config.cameras
    book = services.rule_book or RuleBook(cameras, None, lambda _camera, _rules: None)
    known = {camera.id for camera in cameras}

    def check(camera_id: str) -> None:
        if camera_id not in known:
            raise HTTPException(404, unknown_camera(camera_id))

    @router.get(_PATH, response_model=RulesModel)
    async def get_rules(camera_id: str) -> SafeJSONResponse:
        """The lines and zones of a camera, and where each comes from."""
        check(camera_id)
        return SafeJSONResponse(_document(book, camera_id))

    @router.put(_PATH, response_model=RulesModel, responses=_REFUSED)
    async def put_rules(camera_id: str, rules: RulesConfig) -> SafeJSONResponse:
        """Draw these instead of all that were drawn before; they count from the camera's next frame on, and stay.

        Needs a token of the role operator or admin.
        """
        check(camera_id)
        try:
            await in_own_thread(partial(book.draw, camera_id, rules), "rules")
        except ConfigError as error:
            raise HTTPException(409, str(error)) from None
        except StoreError as error:
            raise HTTPException(503, str(error)) from None
        return SafeJSONResponse(_document(book, camera_id))

    return router


def _document(book: RuleBook, camera: str) -> dict[str, Any]:
    sources = {"config": book.configured(camera), "page": book.drawn(camera)}
    return {
        kind: [
            rule.model_dump(mode="json") | {"source": source}
            for source, rules in sources.items()
            for rule in getattr(rules, kind)
        ]
        for kind in ("lines", "zones")
    }
