"""The HTTP API: status, cameras, snapshots, MJPEG, probes and metrics."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streamer import __version__
from streamer.analytics.age_groups import UNKNOWN, AgeGroups
from streamer.errors import PrivacyError
from streamer.monitoring.parts import camera_part
from streamer.server.access.rights import grant_of
from streamer.server.access.visitor import Visitor
from streamer.server.broadcaster import Broadcaster
from streamer.server.hub import FRESH_SECONDS
from streamer.server.mjpeg import MjpegResponse
from streamer.server.pictures import Variant
from streamer.server.presence import ClientLeft, while_connected
from streamer.server.problems import SafeJSONResponse, problem, problem_response, unknown_camera
from streamer.server.schemas import CameraModel, Readiness, StatusModel
from streamer.server.snapshots import TooManySnapshots
from streamer.types import CameraState, CameraStatus

__all__ = ["router"]

# A snapshot is of now: an older picture is refused, with its age.

Kind = Annotated[Literal["annotated", "clean"], Query(description="with boxes and labels, or without")]
Width = Annotated[int | None, Query(ge=64, le=4096, description="pixels, never more than the camera's own")]
Quality = Annotated[int, Query(ge=10, le=95, description="of the JPEG")]
MaxFps = Annotated[float | None, Query(gt=0, le=240, description="pictures a second")]


_Responses = dict[int | str, dict[str, Any]]
_UNKNOWN: _Responses = {404: problem_response("No camera has this id"), 422: problem_response("A parameter is wrong")}
_WITHHELD: _Responses = {403: problem_response("The config lets no picture out (privacy: metadata_only)")}
_JPEG: _Responses = _WITHHELD | {
    200: {"content": {"image/jpeg": {}}},
    503: problem_response("There is no fresh picture, or too many are asked for"),
}
_MJPEG: _Responses = {200: {"content": {"multipart/x-mixed-replace": {}}}, 503: problem_response("Too many viewers")}
_NOT_READY: _Responses = {503: problem_response("Of no camera is anything to be seen")}
_STREAM: _Responses = _WITHHELD | _MJPEG

router = APIRouter(default_response_class=SafeJSONResponse)


def _broadcaster(request: Request) -> Broadcaster:
    found: Broadcaster = request.app.state.broadcaster
    return found


Here = Annotated[Broadcaster, Depends(_broadcaster)]


def _known(here: Here, camera_id: Annotated[str, Path(description="the camera's id in the config")]) -> str:
    if camera_id not in here.cameras:
        raise HTTPException(404, unknown_camera(camera_id))
    return camera_id


Camera = Annotated[str, Depends(_known)]


def _shown(here: Here, camera: Camera) -> str:
    if not here.services.config.shows_pictures:
        raise HTTPException(403, str(PrivacyError("results and events come over the websocket at /ws")))
    return camera


Shown = Annotated[str, Depends(_shown)]


@router.get("/api/v1/status", response_model=StatusModel, tags=["operation"])
async def status(here: Here, visitor: Visitor) -> SafeJSONResponse:
    """The program: version, uptime, the nets that run and where they came from, workers, viewers, cameras."""
    services = here.services
    return SafeJSONResponse(
        {
            "version": __version__,
            "started_at": round(services.started_at, 3),
            "uptime": round(time.time() - services.started_at, 1),
            "models": dict(services.models()),
            "workers": services.config.inference.workers,
            "privacy": services.config.privacy,
            "age_groups": [*AgeGroups(services.config.footfall.age_groups).names, UNKNOWN],
            "degraded": visitor.degraded(services.health.degraded),
            "viewers": here.statistics.viewers(),
            "cameras": here.statistics.cameras(visitor),
        }
    )


@router.get("/api/v1/cameras", response_model=list[CameraModel], tags=["cameras"])
async def all_cameras(here: Here, visitor: Visitor) -> SafeJSONResponse:
    """Every camera that the token is for, in the order of the config."""
    return SafeJSONResponse(here.statistics.cameras(visitor))


@router.get("/api/v1/cameras/{camera_id}", response_model=CameraModel, responses=_UNKNOWN, tags=["cameras"])
async def one_camera(here: Here, visitor: Visitor, camera: Camera) -> SafeJSONResponse:
    """Where a camera stands, and what became of its frames."""
    found = [each for each in here.statistics.cameras(visitor) if each["id"] == camera]
    return SafeJSONResponse(found[0]) if found else problem(503, f"camera {camera} has not been started yet")


@router.get(
    "/api/v1/cameras/{camera_id}/snapshot.jpg", response_class=Response, responses=_UNKNOWN | _JPEG, tags=["cameras"]
)
async def snapshot(
    request: Request, here: Here, camera: Shown, *, kind: Kind = "annotated", width: Width = None, quality: Quality = 85
) -> Response:
    """The newest analysed picture; 503 when there is none of the last 10 s."""
    update = here.services.hub.newest(camera)
    if update is None:
        return problem(503, f"camera {camera} has not delivered a picture yet")
    age = time.monotonic() - update.frame.captured_at
    if age > FRESH_SECONDS:
        return problem(503, f"the newest picture of camera {camera} is {age:.0f} s old", age=round(age, 1))
    work = here.snapshots.take(update, Variant.of(kind, width, quality))
    try:
        picture = await while_connected(request.receive, work)
    except TooManySnapshots:
        return problem(503, "too many snapshots are asked for; try again later", headers={"Retry-After": "1"})
    except ClientLeft:
        return Response(status_code=499)
    shown = picture.result
    return Response(
        picture.jpeg,
        media_type="image/jpeg",
        headers={
            "Cache-Control": "no-store",
            "Last-Modified": formatdate(shown.wall_time, usegmt=True),
            "X-Frame-Seq": str(shown.seq),
            "X-Frame-Timestamp": f"{shown.wall_time:.3f}",
        },
    )


@router.get(
    "/api/v1/cameras/{camera_id}/stream.mjpg", response_class=Response, responses=_UNKNOWN | _STREAM, tags=["cameras"]
)
async def stream(
    request: Request,
    here: Here,
    camera: Shown,
    *,
    kind: Kind = "annotated",
    width: Width = None,
    quality: Quality = 80,
    max_fps: MaxFps = None,
) -> Response:
    """Pictures without end, as `multipart/x-mixed-replace`."""
    return MjpegResponse(here, camera, Variant.of(kind, width, quality), max_fps, grant_of(request.scope))


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", response_class=PlainTextResponse, tags=["operation"])
async def healthz() -> PlainTextResponse:
    """The process answers. Nothing more: a dead camera is no reason to restart the program."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", response_model=Readiness, responses=_NOT_READY, tags=["operation"])
async def readyz(here: Here, visitor: Visitor) -> SafeJSONResponse:
    """Ready while at least one camera is live and its frames are analysed: then there is something to see.

    Else 503, with each one's reason. With a token for some cameras, only of these.

    degraded: parts that can't do their work for now, each with the reason, in either answer.
    """
    statuses = [status for status in here.services.statuses() if visitor.sees(status.camera)]
    degraded = visitor.degraded(here.services.health.degraded)
    reasons = {status.camera: _why_unseen(here, status, degraded) for status in statuses}
    live = [camera for camera, reason in reasons.items() if reason is None]
    if live:
        return SafeJSONResponse({"ready": True, "live": live, "cameras": len(statuses), "degraded": degraded})
    return problem(503, "nothing is to be seen of any camera", reasons=reasons, degraded=degraded)


def _why_unseen(here: Broadcaster, status: CameraStatus, degraded: dict[str, str]) -> str | None:
    """Why nothing is to be seen of a camera; None where something is. degraded: as told to who asks."""
    reason = status.reason
    if status.state is CameraState.LIVE:
        reason = degraded.get(camera_part(status.camera), "")
        if not reason and here.services.hub.newest(status.camera) is not None:
            return None
        reason = reason or "none of its frames is analysed yet"
    return f"{status.state.value}: {reason}".rstrip(": ")


@router.get("/metrics", response_class=PlainTextResponse, tags=["operation"])
async def metrics(here: Here) -> Response:
    """Prometheus' text format, of all cameras. Needs a token of the role metrics or admin."""
    text = generate_latest(here.services.metrics.registry).decode()
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})
