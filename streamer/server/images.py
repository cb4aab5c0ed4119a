"""The image service over HTTP: annotated pictures and results for images that programs send."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic_core import to_json

from streamer.errors import ImageError, PrivacyError
from streamer.inference.image_lane import ImageOptions, Outcome
from streamer.monitoring.metrics import Metrics
from streamer.server.bodies import UnreadRefusal
from streamer.server.image_requests import ANSWERS_TO_ONE, ANSWERS_TO_SEVERAL, jpeg_options, request_document, wanted
from streamer.server.image_service import BusyError, ImageService
from streamer.server.presence import ClientLeft, while_connected
from streamer.server.problems import problem, problem_object
from streamer.server.services import Services
from streamer.server.uploads import Upload, UploadRefused, receive_images

__all__ = ["image_router"]

_STATUS = {"empty": 400, "unsupported": 415, "too_large": 413, "damaged": 422}
_RETRY_SECONDS = 1


def image_router(services: Services) -> APIRouter:
    """The routes. Without nets they answer 503."""
    router = APIRouter(tags=["images"])
    desk = None
    if services.images is not None:
        desk = _Desk(services.images, services.metrics, shows_pictures=services.config.shows_pictures)

    @router.post(
        "/analyze", response_class=Response, responses=ANSWERS_TO_ONE, openapi_extra=request_document(several=False)
    )
    async def analyze(request: Request) -> Response:
        """One image: back comes an annotated JPEG or, with `Accept: application/json`, what was found.

        Send it as the body, or as the field `image` of a multipart form.
        """
        return await _serving(desk).one(request)

    @router.post(
        "/api/v1/analyze",
        response_class=Response,
        responses=ANSWERS_TO_SEVERAL,
        openapi_extra=request_document(several=True),
    )
    async def analyze_several(request: Request) -> Response:
        """Images in fields `image`: for each, in their order, a result or the problem with it."""
        return await _serving(desk).several(request)

    return router


def _serving(desk: _Desk | None) -> _Desk:
    if desk is None:
        raise HTTPException(503, "this server has no nets to analyse images with")
    return desk


class _Desk:
    """Takes requests in, hands answers out, and counts both."""

    def __init__(self, service: ImageService, metrics: Metrics, *, shows_pictures: bool) -> None:
        self._service = service
        self._shows_pictures = shows_pictures
        self._default_quality = service.config.quality
        self._in_flight = metrics.image_requests_in_flight
        self._outcomes = {
            o: metrics.image_requests.labels(o) for o in ("answered", "refused", "busy", "failed", "gone")
        }
        self._seconds = {hit: metrics.image_answer_seconds.labels("hit" if hit else "miss") for hit in (True, False)}

    async def one(self, request: Request) -> Response:
        """An image in, a picture or a result out."""
        answer = wanted(request.headers.get("accept", ""), shows_pictures=self._shows_pictures)
        options = ImageOptions("json")
        if answer is None:
            self._outcomes["refused"].inc()
            return UnreadRefusal(problem(406, str(PrivacyError("send Accept: application/json for what was found"))))
        if answer == "jpeg":
            try:
                options = jpeg_options(request, self._default_quality)
            except ValueError as error:
                self._outcomes["refused"].inc()
                return UnreadRefusal(problem(422, str(error)))

        def respond(outcomes: Sequence[tuple[Outcome, bool]]) -> Response:
            ((outcome, hit),) = outcomes
            if isinstance(outcome, bytes):
                kind = "image/jpeg" if answer == "jpeg" else "application/json"
                return Response(outcome, media_type=kind, headers=_cache_header(hit=hit))
            return _refusal(outcome)

        return await self._serve(request, options, 1, respond)

    async def several(self, request: Request) -> Response:
        """Images in, a list of results and problems out."""

        def respond(outcomes: Sequence[tuple[Outcome, bool]]) -> Response:
            parts = [o if isinstance(o, bytes) else to_json(_problem_of(o)) for o, _ in outcomes]
            body = b"[" + b",".join(parts) + b"]"
            headers = _cache_header(hit=all(hit for _, hit in outcomes))
            return Response(body, media_type="application/json", headers=headers)

        return await self._serve(request, ImageOptions("json"), self._service.config.max_images, respond)

    async def _serve(
        self,
        request: Request,
        options: ImageOptions,
        most: int,
        respond: Callable[[Sequence[tuple[Outcome, bool]]], Response],
    ) -> Response:
        begin = time.perf_counter()
        outcome = "failed"
        self._in_flight.inc()
        try:
            with self._service.memory.lease() as take:
                uploads = await self._receive(request, take, most)
                outcomes = self._service.recall(uploads, options)
                if outcomes is None:
                    outcomes = await while_connected(request.receive, self._service.answer(uploads, options))
            response = respond(outcomes)
        except UploadRefused as refused:
            outcome = "busy" if refused.status == 503 else "refused"
            return UnreadRefusal(_with_retry(refused.status, refused.detail))
        except BusyError:
            outcome = "busy"
            return _with_retry(503, "too many images wait to be analysed; try again later")
        except (ClientLeft, ConnectionError):
            outcome = "gone"
            return Response(status_code=499)
        else:
            outcome = _outcome_of(response.status_code)
            if outcome == "answered":
                self._seconds[response.headers["x-cache"] == "hit"].observe(time.perf_counter() - begin)
            return response
        finally:
            self._in_flight.dec()
            self._outcomes[outcome].inc()

    async def _receive(self, request: Request, take: Callable[[int], None], most: int) -> Sequence[Upload]:
        lane = self._service.lane
        lane.arriving += 1
        try:
            return await receive_images(request.headers, request.receive, self._service.config, take, most=most)
        finally:
            lane.arriving -= 1


def _cache_header(*, hit: bool) -> dict[str, str]:
    return {"X-Cache": "hit" if hit else "miss"}


def _problem_of(error: Exception) -> dict[str, Any]:
    if isinstance(error, ImageError):
        return problem_object(_STATUS[error.fault], str(error))
    return problem_object(500, "the analysis failed; the server's log says why")


def _refusal(error: Exception) -> Response:
    members = _problem_of(error)
    return problem(members["status"], members["detail"])


def _with_retry(status: int, detail: str) -> Response:
    return problem(status, detail, headers={"Retry-After": str(_RETRY_SECONDS)} if status == 503 else None)


def _outcome_of(status: int) -> str:
    return "answered" if status < 400 else "refused" if status < 500 else "failed"
