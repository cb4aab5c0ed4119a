"""What the store is asked over HTTP: footfall, dwell, occupancy, visits and events."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel
from pydantic_core import to_json
from sqlalchemy import Connection

from streamer.errors import StoreError
from streamer.own_thread import in_own_thread
from streamer.server.access.rights import Access
from streamer.server.access.visitor import Visitor
from streamer.server.figures_parameters import (
    DwellParameters,
    FootfallParameters,
    ListParameters,
    OccupancyParameters,
    RangeParameters,
)
from streamer.server.figures_schemas import (
    DwellModel,
    EventRow,
    EventsModel,
    FootfallModel,
    FootfallRow,
    OccupancyModel,
    OccupancyRow,
    VisitRow,
    VisitsModel,
)
from streamer.server.problems import problem_response, unknown_camera
from streamer.server.services import Services
from streamer.store import listing
from streamer.store.csv_cells import as_cell
from streamer.store.footfall import Question, TooManyRowsError, footfall
from streamer.store.lasting import dwell
from streamer.store.occupancy import bucket_for, occupancy

__all__ = ["footfall_router"]

T = TypeVar("T")
R = TypeVar("R")

_SECONDS = 5.0  # for one answer
_GRACE = 1.0  # s more, after which a database that has not even given up is not waited for
_AT_ONCE = 4  # questions that the database works on; more wait
_MOST_WAITING = 64
_RETRY_SECONDS = 2
_ROWS_WRITTEN_AT_ONCE = 1000  # meanwhile no other thread runs, the server's loop neither
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: problem_response("No camera has this id, or no figures are kept"),
    422: problem_response("A parameter is wrong; it is named"),
    503: problem_response("The database can't answer now, or not within 5 s, or too many questions wait"),
}


class Figures:
    """Asks the store off the loop, a few questions at a time."""

    def __init__(self, services: Services) -> None:
        self._database = services.database
        self._known = tuple(camera.id for camera in services.config.cameras)
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._asked = 0

    def cameras(self, asked: RangeParameters, visitor: Access) -> tuple[str, ...]:
        """Those that are meant, of those that the visitor sees. Raises HTTPException."""
        seen = visitor.of(self._known)
        if asked.camera and asked.camera not in seen:
            raise HTTPException(404, f"camera: {unknown_camera(asked.camera)}")
        return (asked.camera,) if asked.camera else seen

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """The answer. Raises HTTPException."""
        return await self.tell(question, lambda found: found)

    async def tell(self, question: Callable[[Connection], T], told: Callable[[T], R]) -> R:
        """What `told` makes of the answer, in the same thread: it takes a while to write a large one.

        Raises HTTPException.
        """
        if self._asked >= _AT_ONCE + _MOST_WAITING:
            headers = {"Retry-After": str(_RETRY_SECONDS)}
            raise HTTPException(503, "too many questions wait for the database; try again later", headers)
        self._asked += 1
        try:
            return await self._told(question, told)
        finally:
            self._asked -= 1

    async def _told(self, question: Callable[[Connection], T], told: Callable[[T], R]) -> R:
        database = self._database
        if database is None:
            raise HTTPException(404, "no figures are kept: store.url is none in the configuration")

        loop = asyncio.get_running_loop()

        def answer() -> R:
            with database.read(_SECONDS) as connection:
                found = question(connection)
            loop.call_soon_threadsafe(in_time)
            return told(found)

        def in_time() -> None:
            with contextlib.suppress(RuntimeError):  # nobody waits any more
                limit.reschedule(None)

        await self._turn.acquire()
        asked = in_own_thread(answer, "figures")
        asked.add_done_callback(self._answered)
        try:
            async with asyncio.timeout(_SECONDS + _GRACE) as limit:
                return await asyncio.shield(asked)
        except TimeoutError:
            raise HTTPException(503, f"{database.shown}: no answer within {_SECONDS + _GRACE:g} s") from None
        except StoreError as error:
            raise HTTPException(503, str(error)) from None
        except listing.CursorError as error:
            raise HTTPException(422, f"cursor: {error}") from None
        except TooManyRowsError as error:
            raise HTTPException(422, f"bucket: {error}") from None

    def _answered(self, asked: asyncio.Future[R]) -> None:
        """A question has its turn until the database lets go of it, also when nobody waits for it any more."""
        self._turn.release()
        if not asked.cancelled():
            asked.exception()  # looked at here, as nobody else may


def footfall_router(services: Services) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["footfall"], responses=_PROBLEMS)
    figures = Figures(services)

    @router.get("/api/v1/footfall", response_model=FootfallModel)
    async def get_footfall(
        request: Request, visitor: Visitor, asked: Annotated[FootfallParameters, Query()]
    ) -> Response:
        """How many visits, crossings of lines or stays in zones, by time and by group.

        Hours and days are those of `tz`, so a day may have 23 or 25 hours. These are visits and crossings, never
        unique people: who comes back counts again.
        """
        question = Question(
            asked.counted,
            figures.cameras(asked, visitor),
            asked.line or asked.zone_name,
            asked.begin,
            asked.end,
            asked.bucket,
            asked.groups,
            asked.zone,
        )
        about = {"count": asked.counted, "bucket": asked.bucket, "tz": asked.tz}
        return await figures.tell(
            lambda connection: footfall(connection, question),
            lambda rows: _answer(request, asked.format, rows, about, FootfallRow),
        )

    @router.get("/api/v1/occupancy", response_model=OccupancyModel)
    async def get_occupancy(
        request: Request, visitor: Visitor, asked: Annotated[OccupancyParameters, Query()]
    ) -> Response:
        """How many people were in sight at the same time: mean and most, null where nothing was observed."""
        cameras, bucket = figures.cameras(asked, visitor), asked.bucket or bucket_for(asked.begin, asked.end)
        about = {"bucket": bucket, "tz": asked.tz, "now": _there_now(services, cameras, asked.zone_name)}
        return await figures.tell(
            lambda connection: occupancy(
                connection,
                cameras,
                asked.zone_name,
                begin=asked.begin,
                end=asked.end,
                bucket=bucket,
                zone=asked.zone,
            ),
            lambda rows: _answer(request, asked.format, rows, about, OccupancyRow),
        )

    @router.get("/api/v1/dwell", response_model=DwellModel)
    async def get_dwell(visitor: Visitor, asked: Annotated[DwellParameters, Query()]) -> Response:
        """How long visits, or stays in a zone, lasted, as far as they have ended."""
        cameras = figures.cameras(asked, visitor)
        found = await figures.ask(
            lambda connection: dwell(connection, cameras, asked.begin, asked.end, line=asked.line, zone=asked.zone_name)
        )
        return _json(found)

    @router.get("/api/v1/visits", response_model=VisitsModel)
    async def get_visits(request: Request, visitor: Visitor, asked: Annotated[ListParameters, Query()]) -> Response:
        """Single visits in order of their beginning, a page at a time."""
        return await _page(request, figures, visitor, asked, listing.visits, row=VisitRow)

    @router.get("/api/v1/events", response_model=EventsModel)
    async def get_events(request: Request, visitor: Visitor, asked: Annotated[ListParameters, Query()]) -> Response:
        """Everything that happened, in the order in which it was stored.

        Ask again with `next` for what has come since: nothing is left out, and nothing comes twice.
        """
        return await _page(request, figures, visitor, asked, listing.events, row=EventRow)

    return router


async def _page(
    request: Request,
    figures: Figures,
    visitor: Access,
    asked: ListParameters,
    find: Callable[..., tuple[list[dict[str, Any]], str | None]],
    *,
    row: type[BaseModel],
) -> Response:
    cameras = figures.cameras(asked, visitor)
    return await figures.tell(
        lambda connection: find(connection, cameras, asked.begin, asked.end, cursor=asked.cursor, limit=asked.limit),
        lambda found: _answer(request, asked.format, found[0], {"next": found[1]}, row),
    )


def _there_now(services: Services, cameras: Sequence[str], zone: str) -> int | None:
    """People in sight at this moment; None where no camera delivers."""
    newest = [services.hub.newest(camera) for camera in cameras if services.hub.fresh(camera)]
    seen = [update.result.occupancy.get(zone, 0) for update in newest if update is not None]
    return sum(seen) if seen else None


def _answer(
    request: Request,
    wanted: str | None,
    rows: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
    row: type[BaseModel],
) -> Response:
    """JSON or CSV. What stands beside the rows is left out of CSV, but for the next page's cursor, as a header.

    row: what one is, so that a table without any has its columns all the same.
    """
    as_csv = wanted == "csv" or (wanted is None and request.headers.get("accept", "").startswith("text/csv"))
    if not as_csv:
        return _json_rows(rows, about)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0] if rows else row.model_fields))
    writer.writeheader()
    writer.writerows({name: as_cell(value) for name, value in each.items()} for each in rows)
    headers = {"Content-Disposition": 'attachment; filename="figures.csv"'}
    if following := about.get("next"):
        headers["X-Next-Cursor"] = following
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


def _json_rows(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> Response:
    begin = to_json({**about, "rows": []}).removesuffix(b"]}")
    step = _ROWS_WRITTEN_AT_ONCE
    some = (to_json(rows[i : i + step])[1:-1] for i in range(0, len(rows), step))
    return Response(b"%b%b]}" % (begin, b",".join(some)), media_type="application/json")


def _json(document: Mapping[str, Any]) -> Response:
    """Figures hold no free text, so there is nothing to redact."""
    return Response(to_json(document), media_type="application/json")
