"""The container: its configuration keeps what it writes on the volume, and its image holds what that names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from streamer.config import AuthConfig, Config
from streamer.config_file import parse_config

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text("utf-8").replace("\\\n", "")
DATA = Path("/data")
READ_ONLY = {"models.search_path"}


def configured(text: str) -> Config:
    """As the program reads it in the container."""
    environ = {"STREAMER_TOKEN": "a-token-of-the-tests-0123456789"}
    return parse_config(text, name="container.yaml", base=Path("/etc/streamer"), environ=environ)


def paths(section: BaseModel, place: str = "") -> Iterator[tuple[str, Path]]:
    """Every path in a configuration, by its key."""
    for key in type(section).model_fields:
        value, where = getattr(section, key), f"{place}.{key}".lstrip(".")
        if isinstance(value, BaseModel):
            yield from paths(value, where)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Path):
                yield where, item


def written(config: Config) -> dict[str, Path]:
    """What the program writes to, by its key."""
    found = {where: path for where, path in paths(config) if where not in READ_ONLY}
    assert config.store.url is not None
    found["store.url"] = Path(config.store.url.get_secret_value().removeprefix("sqlite:///"))
    return found


@pytest.fixture(scope="module")
def text() -> str:
    return (REPOSITORY / "container.yaml").read_text("utf-8")


def test_nothing_that_is_written_lies_outside_the_volume(text: str) -> None:
    found = written(configured(text))
    assert set(found) == {"store.url", "webhooks.queue_file"}
    assert [where for where, path in found.items() if not path.is_relative_to(DATA)] == []


def test_nor_does_the_file_of_tokens_that_is_offered(text: str) -> None:
    config = configured(text.replace("# file: ", "file: "))
    assert isinstance(config.server.auth, AuthConfig)
    assert written(config)["server.auth.file"] == DATA / "tokens.json"


def test_the_user_of_the_image_owns_the_volume_and_works_in_it() -> None:
    assert re.search(r"^RUN useradd .*\bstreamer && mkdir /data && chown streamer /data$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^USER streamer$.*^WORKDIR /data$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    (cache,) = re.findall(r"XDG_CACHE_HOME=(\S+)", DOCKERFILE)
    assert Path(cache).is_relative_to(DATA)


def test_the_image_holds_the_weights_that_are_looked_for_in_it(text: str) -> None:
    (folder,) = configured(text).models.search_path
    assert f"COPY --from=weights /weights/models {folder}\n" in DOCKERFILE


def test_what_is_copied_into_the_image_is_in_the_repository() -> None:
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)]
    missing = [name for names in copied for name in names if not (REPOSITORY / name).exists()]
    assert (len(copied) >= 4, missing) == (True, [])
