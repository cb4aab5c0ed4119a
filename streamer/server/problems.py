"""Answers in JSON, errors as RFC 9457 problem documents; nothing secret leaves in either."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from streamer.redaction import redact_document
from streamer.server.schemas import Problem

__all__ = [
    "SafeJSONResponse",
    "install_problem_handlers",
    "problem",
    "problem_object",
    "problem_response",
    "unknown_camera",
]

log = logging.getLogger(__name__)

_MOST_TOLD = 20  # of what is wrong in one request


class SafeJSONResponse(JSONResponse):
    """JSON without the secrets that `streamer.redaction` knows."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return to_json(redact_document(content), inf_nan_mode="null")


class _Problem(SafeJSONResponse):
    media_type = "application/problem+json"


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **members: Any) -> SafeJSONResponse:
    """An error. detail: what is wrong and what to do; members: more that a program can use."""
    return _Problem(problem_object(status, detail) | members, status_code=status, headers=headers)


def problem_object(status: int, detail: str) -> dict[str, Any]:
    """An error as a JSON value, where it is a part of an answer."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def unknown_camera(camera: str) -> str:
    """What is told of a camera that isn't there, or not for who asks: nobody can tell the two apart."""
    return f"no camera has the id {camera[:80]!r}; /api/v1/cameras lists them"


def problem_response(description: str) -> dict[str, Any]:
    """An error in the OpenAPI document."""
    schema = Problem.model_json_schema()
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


def install_problem_handlers(app: FastAPI) -> None:
    """Have every error of this application answered as a problem."""

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> SafeJSONResponse:
        return problem(error.status_code, error.detail, headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> SafeJSONResponse:
        found = [
            {"parameter": ".".join(str(part) for part in details["loc"][1:]), "message": details["msg"]}
            for details in error.errors()[:_MOST_TOLD]
        ]
        detail = "; ".join(": ".join(filter(None, each.values())) for each in found)
        return problem(422, detail, errors=found)

    @app.exception_handler(Exception)
    async def unexpected(_: Request, __: Exception) -> SafeJSONResponse:
        # Logged with its traceback by the server; nothing of it is told to the viewer
        return problem(500, "the server failed to answer; its log says why")
