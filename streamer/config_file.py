"""Reads config.yaml: YAML, then environment variables, then the schema. All problems are reported at once."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, SecretStr, ValidationError

from streamer.config import AuthConfig, CameraConfig, Config, ServerConfig, StoreConfig
from streamer.errors import ConfigError
from streamer.redaction import redact, register_secret, secrets_in_url

__all__ = ["load_config", "parse_config"]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET_KEYS = ("password", "token", "secret", "auth")
_SECRET_PATH = re.compile(r"webhooks\.targets\[\d+\]\.url")  # many programs know who sends by the URL alone
_NAME_IN_PROBLEM = re.compile(r"(undefined alias|the tag|tag handle) .*", re.DOTALL)  # of PyYAML's
_SHORTEST_PATH = 12
_NAME_OF_A_SECRET = re.compile(r"PASS|PWD|TOKEN|SECRET|KEY", re.IGNORECASE)
_SQLITE = "sqlite:///"
_LARGEST_FILE = 1024 * 1024
_MOST_VALUES = 20_000  # aliases count each time they are used, which ends those that multiply or contain themselves


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration in a file; relative paths in it are taken from the file's folder. Raises ConfigError."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ConfigError(f"{path}: larger than 1 MiB, so not a configuration")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Name another with -c, or write one: `streamer init`") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: a folder, not a file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    return parse_config(text, name=str(path), base=path.parent, environ=environ)


def parse_config(text: str, *, name: str, base: Path = Path(), environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration in a text. `name` stands in messages, `base` is the folder of relative paths."""
    try:
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{name}{where}: not YAML: {_without_values(error.problem)}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{name}: not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{name}: expected keys such as `cameras:` at the top, found {_show(document, '')}")

    unset: dict[str, str] = {}
    try:
        document = _Substitution(environ, unset).apply(document, "")
    except _TooLargeError:
        raise ConfigError(
            f"{name}: more than {_MOST_VALUES} values; is there an alias (*) that contains itself?"
        ) from None
    _register_secrets(document)
    problems = [f"{path}: the environment variable {variable} is not set" for path, variable in unset.items()]
    config = None
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        details = [d for d in error.errors(include_url=False) if not _is_other_union_arm(d)]
        problems += [_describe(d) for d in details if _path(d) not in unset]
    if problems or config is None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(f"{name}: {count}", [redact(problem) for problem in problems])
    cameras = tuple(_from_folder(camera, base) for camera in config.cameras)
    search_path = tuple((base / folder.expanduser()).resolve() for folder in config.models.search_path)
    queue_file = (base / config.webhooks.queue_file.expanduser()).resolve()
    mqtt = config.mqtt
    if mqtt is not None and mqtt.ca_file is not None:
        mqtt = mqtt.model_copy(update={"ca_file": (base / mqtt.ca_file.expanduser()).resolve()})
    return config.model_copy(
        update={
            "cameras": cameras,
            "models": config.models.model_copy(update={"search_path": search_path}),
            "store": _beside(config.store, base),
            "mqtt": mqtt,
            "server": _with_certificate_beside(_with_tokens_beside(config.server, base), base),
            "webhooks": config.webhooks.model_copy(update={"queue_file": queue_file}),
        }
    )


def _from_folder(camera: CameraConfig, base: Path) -> CameraConfig:
    """The camera, and where its source names a file in the configuration's folder, that file."""
    named = base / camera.source
    return camera.model_copy(update={"source": str(named)}) if named.is_file() else camera


def _beside(store: StoreConfig, base: Path) -> StoreConfig:
    """The store; where its file has no whole path, the file lies in the configuration's folder."""
    url = "" if store.url is None else store.url.get_secret_value()
    if not url.startswith(_SQLITE):
        return store
    file = (base / url.removeprefix(_SQLITE)).absolute()
    return store.model_copy(update={"url": SecretStr(f"{_SQLITE}{file}")})


def _with_tokens_beside(server: ServerConfig, base: Path) -> ServerConfig:
    """The server; where its file of tokens has no whole path, that lies in the configuration's folder."""
    auth = server.auth
    if not isinstance(auth, AuthConfig) or auth.file is None:
        return server
    file = (base / auth.file.expanduser()).absolute()
    return server.model_copy(update={"auth": auth.model_copy(update={"file": file})})


def _with_certificate_beside(server: ServerConfig, base: Path) -> ServerConfig:
    """The server; where the files of its certificate have no whole path, they lie in the configuration's folder."""
    if server.tls is None:
        return server
    cert, key = ((base / file.expanduser()).absolute() for file in (server.tls.cert, server.tls.key))
    return server.model_copy(update={"tls": server.tls.model_copy(update={"cert": cert, "key": key})})


def _without_values(problem: str | None) -> str:
    """What YAML complains of, without the name of an alias or tag: that may be a password which lacks its quotes."""
    shown = _NAME_IN_PROBLEM.sub(r"\1", problem or "")
    return shown if shown == problem else f"{shown}; a text that begins with * or ! needs quotes"


class _TooLargeError(Exception):
    pass


class _Substitution:
    """Replaces each ${NAME} or ${NAME:-default} in the texts of a document.

    This comes after parsing, so that no variable's content can change the file's structure. Variables that are not set
    are noted in `unset`, by key path.
    """

    def __init__(self, environ: Mapping[str, str], unset: dict[str, str]) -> None:
        self._environ = environ
        self._unset = unset
        self._values = 0

    def apply(self, value: Any, path: str) -> Any:
        """The value at this key path, replaced."""
        self._values += 1
        if self._values > _MOST_VALUES or path.count(".") + path.count("[") > 50:
            raise _TooLargeError
        if isinstance(value, dict):
            return {key: self.apply(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.apply(item, f"{path}[{i}]") for i, item in enumerate(value)]
        return self._text(value, path) if isinstance(value, str) else value

    def _text(self, text: str, path: str) -> Any:
        def replace(match: re.Match[str]) -> str:
            found = self._environ.get(match[1], match[2])
            if found is None:
                self._unset[path] = match[1]
                return match[0]
            if _NAME_OF_A_SECRET.search(match[1]):
                register_secret(found)
            return found

        replaced = _VARIABLE.sub(replace, text)
        is_scalar = _VARIABLE.fullmatch(text) and re.fullmatch(r"-?\d{1,15}(\.\d+)?|true|false", replaced)
        # a variable that is the whole value may stand for a number or a truth value, but a password is text
        return yaml.safe_load(replaced) if is_scalar and not _is_secret(path) else replaced


def _location(details: Any) -> list[str | int]:
    """Where an error of pydantic's lies in the file: its own marks for the arms of a union left out."""
    return [
        part
        for part in details["loc"]
        if not (isinstance(part, str) and (part.startswith(("literal[", "function-")) or part in {"int", "AuthConfig"}))
    ]


def _path(details: Any) -> str:
    """The same as `cameras[0].max_fps`."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in _location(details)).lstrip(".")


def _is_other_union_arm(details: Any) -> bool:
    """Whether this only says that a section is not a word, or a word not a section, as the other arm says it better."""
    is_arm = len(_location(details)) < len(details["loc"])
    return is_arm and details["type"] == ("literal_error" if isinstance(details["input"], dict) else "model_type")


def _describe(details: Any) -> str:
    """One of pydantic's errors as `cameras[0].max_fps: …, found -3`."""
    path, kind = _path(details), details["type"]
    if kind == "extra_forbidden":
        location = _location(details)
        near = difflib.get_close_matches(str(location[-1]), _known_keys(location[:-1]), n=1)
        return f"{path}: unknown key" + (f"; did you mean {near[0]}?" if near else "")
    if kind == "missing":
        return f"{path}: missing"
    message = details["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if kind == "value_error" and not isinstance(details["input"], (str, int, float)):
        return f"{path or 'the file'}: {message}"
    return f"{path}: {message}, found {_show(details['input'], path)}"


def _known_keys(location: list[Any]) -> list[str]:
    """The keys of the section at this place."""
    section: Any = Config
    for part in location:
        if isinstance(part, int):
            continue
        annotation = section.model_fields[part].annotation if part in section.model_fields else None
        arms = [annotation, *getattr(annotation, "__args__", ())]
        section = next((arm for arm in arms if isinstance(arm, type) and issubclass(arm, BaseModel)), Config)
    return list(section.model_fields)


def _is_secret(path: str) -> bool:
    return any(word in path.lower() for word in _SECRET_KEYS) or _SECRET_PATH.fullmatch(path) is not None


def _show(value: object, path: str) -> str:
    """The offending value, short, and never a secret."""
    if isinstance(value, SecretStr) or _is_secret(path):
        return "a value that is not shown"
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list) and not _is_of_numbers(value):
        return "a list"
    text = redact(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _is_of_numbers(value: object) -> bool:
    """Whether a list, with those in it, holds nothing else; texts in it may be secrets, whatever stands around them."""
    return all(map(_is_of_numbers, value)) if isinstance(value, list) else isinstance(value, (int, float))


def _register_secrets(document: Any, path: str = "") -> None:
    """Have every password and token of the document redacted from now on, also those of a document with errors."""
    if isinstance(document, dict):
        for key, value in document.items():
            if isinstance(value, (str, int)) and value != "none" and _is_secret(str(key)):
                register_secret(str(value))
            else:
                if key in {"source", "url"} and isinstance(value, str):
                    for secret in secrets_in_url(value):
                        register_secret(secret)
                    if _SECRET_PATH.fullmatch(f"{path}.{key}"):
                        _register_path(value)
                _register_secrets(value, f"{path}.{key}".lstrip("."))
    elif isinstance(document, list):
        for i, item in enumerate(document):
            _register_secrets(item, f"{path}[{i}]")


def _register_path(url: str) -> None:
    """Have the path of a webhook redacted: who is asked may repeat it. Short ones are words, such as /hook."""
    path = url.partition("://")[2].partition("/")[2]
    if len(path) >= _SHORTEST_PATH:
        register_secret(path)
