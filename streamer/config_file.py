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

from streamer.config import Config
from streamer.errors import ConfigError
from streamer.redaction import redact, register_secret

__all__ = ["load_config", "parse_config"]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET_KEYS = ("password", "token", "secret")
_LARGEST_FILE = 1024 * 1024


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
        raise ConfigError(f"{name}{where}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{name}: not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{name}: expected keys such as `cameras:` at the top, found {_show(document, '')}")

    problems: list[str] = []
    document = _substitute(document, "", environ, problems)
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        _register_secrets(document)
        problems += [_describe(details) for details in error.errors(include_url=False)]
        config = None
    if problems or config is None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(f"{name}: {count}", [redact(problem) for problem in problems])
    _register_secrets(document)
    search_path = tuple((base / folder.expanduser()).resolve() for folder in config.models.search_path)
    return config.model_copy(update={"models": config.models.model_copy(update={"search_path": search_path})})


def _substitute(value: Any, path: str, environ: Mapping[str, str], problems: list[str]) -> Any:
    """The value with each ${NAME} or ${NAME:-default} in its texts replaced.

    This comes after parsing, so that no variable's content can change the file's structure.
    """
    if isinstance(value, dict):
        return {
            key: _substitute(item, f"{path}.{key}" if path else str(key), environ, problems)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_substitute(item, f"{path}[{i}]", environ, problems) for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        found = environ.get(match[1], match[2])
        if found is None:
            problems.append(f"{path}: the environment variable {match[1]} is not set")
            return match[0]
        return found

    replaced = _VARIABLE.sub(replace, value)
    if replaced != value and _VARIABLE.fullmatch(value):  # a whole value may stand for a number or a truth value
        scalar = yaml.safe_load(replaced) if re.fullmatch(r"-?\d+(\.\d+)?|true|false", replaced) else replaced
        return replaced if any(word in path.lower() for word in _SECRET_KEYS) else scalar
    return replaced


def _describe(details: Any) -> str:
    """One of pydantic's errors as `cameras[0].max_fps: …, found -3`."""
    location = [part for part in details["loc"] if not _is_union_arm(part)]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    kind, message = details["type"], details["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), _known_keys(location[:-1]), n=1)
        return f"{path}: unknown key" + (f"; did you mean {near[0]}?" if near else "")
    if kind == "missing":
        return f"{path}: missing"
    message = message[:1].lower() + message[1:]
    if kind == "value_error" and isinstance(details["input"], dict):
        return f"{path or 'the file'}: {message}"
    return f"{path}: {message}, found {_show(details['input'], path)}"


def _is_union_arm(part: object) -> bool:
    return isinstance(part, str) and (part.startswith(("literal[", "function-")) or part in {"int", "AuthConfig"})


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


def _show(value: object, path: str) -> str:
    """The offending value, short, and never a secret."""
    if isinstance(value, SecretStr) or any(word in path.lower() for word in _SECRET_KEYS):
        return "a value that is not shown"
    if value is None:
        return "nothing"
    text = redact(str(value)) if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _register_secrets(document: Any) -> None:
    """Have every password and token of the document redacted from now on, also those of a document with errors."""
    if isinstance(document, dict):
        for key, value in document.items():
            if isinstance(value, (str, int)) and any(word in str(key).lower() for word in _SECRET_KEYS):
                register_secret(str(value))
            else:
                if key == "source" and isinstance(value, str) and "://" in value and "@" in value:
                    userinfo = value.partition("://")[2].rpartition("@")[0]
                    register_secret(userinfo.partition(":")[2])
                _register_secrets(value)
    elif isinstance(document, list):
        for item in document:
            _register_secrets(item)
