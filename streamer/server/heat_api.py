"""Where faces were on a camera's picture, over HTTP."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from streamer.analytics.heat import COLUMNS, ROWS
from streamer.server.footfall_api import Figures
from streamer.server.problems import SafeJSONResponse, problem_response, unknown_camera
from streamer.server.services import Services
from streamer.store.heat import heat as stored
from streamer.store.heat import heat_since

__all__ = ["HeatModel", "heat_router"]

_Time = Annotated[float, Field(ge=0, le=1e11)]  # UTC s; what lies beyond is none


class HeatModel(BaseModel):
    """How long faces were where, in a grid over the picture.

    Without a store it is in memory only, and begins when the program starts.
    """

    camera: str
    since: float = Field(description="before this nothing is known: UTC seconds")
    columns: int
    rows: int
    seconds: list[list[float]] = Field(description="face-seconds, by row from the top and column from the left")


def heat_router(services: Services) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["footfall"])
    figures = Figures(services)
    known = {camera.id for camera in services.config.cameras}

    @router.get(
        "/api/v1/cameras/{camera_id}/heat",
        response_model=HeatModel,
        responses={
            404: problem_response("No camera has this id"),
            422: problem_response("A time is no number"),
            503: problem_response("The database can't answer now, or not within 5 s"),
        },
    )
    async def heat(
        camera_id: str,
        begin: Annotated[_Time, Query(alias="from", description="UTC seconds")] = 0.0,
        end: Annotated[_Time | None, Query(alias="to", description="UTC seconds; left out: now")] = None,
    ) -> SafeJSONResponse:
        """Face-seconds over the hours of UTC that begin in a range; without a store the last two weeks are known."""
        if camera_id not in known:
            raise HTTPException(404, unknown_camera(camera_id))
        until = time.time() if end is None else end
        grid, since = services.heat(camera_id, begin, until), services.started_at
        if services.database is not None:
            kept, first = await figures.ask(
                lambda connection: (stored(connection, camera_id, begin, until), heat_since(connection, camera_id))
            )
            grid, since = grid + kept, min(since, first or since)
        return SafeJSONResponse(
            {
                "camera": camera_id,
                "since": round(since, 3),
                "columns": COLUMNS,
                "rows": ROWS,
                "seconds": [[round(float(cell), 2) for cell in row] for row in grid],
            }
        )

    return router
