"""Where faces were on a camera's picture, over HTTP."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from streamer.analytics.heat import COLUMNS, ROWS
from streamer.server.problems import SafeJSONResponse, problem_response, unknown_camera
from streamer.server.services import Services

__all__ = ["HeatModel", "heat_router"]


class HeatModel(BaseModel):
    """How long faces were where, in a grid over the picture. In memory only: it begins when the program starts."""

    camera: str
    since: float = Field(description="when counting began, at the earliest: UTC seconds")
    columns: int
    rows: int
    seconds: list[list[float]] = Field(description="face-seconds, by row from the top and column from the left")


def heat_router(services: Services) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["footfall"])
    known = {camera.id for camera in services.config.cameras}

    @router.get(
        "/api/v1/cameras/{camera_id}/heat",
        response_model=HeatModel,
        responses={404: problem_response("No camera has this id"), 422: problem_response("A time is no number")},
    )
    async def heat(
        camera_id: str,
        begin: Annotated[float, Query(alias="from", ge=0, description="UTC seconds")] = 0.0,
        end: Annotated[float | None, Query(alias="to", description="UTC seconds; left out: now")] = None,
    ) -> SafeJSONResponse:
        """Face-seconds over the hours of UTC that begin in a range; at most the last two weeks are known."""
        if camera_id not in known:
            raise HTTPException(404, unknown_camera(camera_id))
        grid = services.heat(camera_id, begin, time.time() if end is None else end)
        return SafeJSONResponse(
            {
                "camera": camera_id,
                "since": round(services.started_at, 3),
                "columns": COLUMNS,
                "rows": ROWS,
                "seconds": [[round(float(cell), 2) for cell in row] for row in grid],
            }
        )

    return router
