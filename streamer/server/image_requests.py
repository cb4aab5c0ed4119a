"""What a request with images asks for, and how the OpenAPI document tells that and the answers."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from typing import Any, Literal

from fastapi import Request

from streamer.inference.image_lane import ImageOptions
from streamer.server.schemas import ImageResult, Problem
from streamer.server.uploads import FIELD

__all__ = ["ANSWERS_TO_ONE", "ANSWERS_TO_SEVERAL", "jpeg_options", "request_document", "wanted"]

_PARAMETERS = {
    "width": (64, 16384, "of the picture sent back, pixels, never more than its own"),
    "quality": (10, 95, "of the JPEG sent back"),
}


@lru_cache(maxsize=256)
def wanted(accept: str, *, shows_pictures: bool = True) -> Literal["jpeg", "json"] | None:
    """JPEG, unless JSON is asked for before it. Where no picture may leave: JSON, or None if that isn't taken."""
    ranges: list[tuple[float, int, str]] = []
    for i, each in enumerate(accept.split(",")[:20]):
        kind, *parameters = (part.strip().lower() for part in each.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                with contextlib.suppress(ValueError):
                    weight = float(parameter[2:])
        ranges.append((-weight, i, kind))
    for weight, _, kind in sorted(ranges):
        if not shows_pictures and weight < 0 and kind in {"application/json", "application/*", "*/*"}:
            return "json"
        if shows_pictures and weight < 0 and kind in {"application/json", "image/jpeg", "image/*", "*/*"}:
            return "json" if kind == "application/json" else "jpeg"
    if shows_pictures:
        return "jpeg"
    return None if accept.strip() else "json"


def jpeg_options(request: Request, quality: int) -> ImageOptions:
    """Read by hand, which takes a tenth of the time that FastAPI needs: answers from the cache take little more.

    Raises ValueError.
    """
    if not request.scope["query_string"]:
        return ImageOptions("jpeg", None, quality)
    query = request.query_params
    numbers: dict[str, int | None] = {}
    for name, (low, high, _) in _PARAMETERS.items():
        value = query.get(name)
        if value is not None and not (value.isdecimal() and len(value) < 6 and low <= int(value) <= high):
            raise ValueError(f"{name}: a whole number from {low} to {high}")
        numbers[name] = None if value is None else int(value)
    return ImageOptions("jpeg", numbers["width"], numbers["quality"] or quality)


def _problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    said = {
        400: "No image in the request",
        406: "A picture is asked for, and the config lets none out (privacy: metadata_only)",
        408: "The request did not arrive in time",
        413: "Too many bytes or pixels, or too many images",
        415: "Not an image that can be read",
        422: "The image is damaged, or a parameter is wrong",
        503: "Too many images wait; Retry-After says when to try again",
    }
    schema = Problem.model_json_schema()
    return {c: {"description": said[c], "content": {"application/problem+json": {"schema": schema}}} for c in codes}


ANSWERS_TO_ONE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The image with its faces marked, or what was found in it",
        "content": {"image/jpeg": {}, "application/json": {"schema": ImageResult.model_json_schema()}},
    },
    **_problems(400, 406, 408, 413, 415, 422, 503),
}
ANSWERS_TO_SEVERAL: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "For each image, in their order, a result or a problem (as of 413, 415, 422)",
        "content": {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}},
    },
    **_problems(400, 408, 413, 415, 503),
}


def request_document(*, several: bool) -> dict[str, Any]:
    """What a request holds, for the OpenAPI document."""
    binary = {"type": "string", "format": "binary"}
    field = {"type": "array", "items": binary} if several else binary
    form = {"schema": {"type": "object", "required": [FIELD], "properties": {FIELD: field}}}
    parameters = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": description,
            "schema": {"type": "integer", "minimum": low, "maximum": high},
        }
        for name, (low, high, description) in _PARAMETERS.items()
    ]
    return {
        "parameters": [] if several else parameters,
        "requestBody": {"required": True, "content": {"multipart/form-data": form, "image/*": {"schema": binary}}},
    }
