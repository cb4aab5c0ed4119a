"""Configurations that chance has spoiled: values of other kinds, keys gone or misspelt, characters lost and doubled."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any, Final

import yaml

from streamer.config_file import parse_config
from streamer.errors import ConfigError
from tests.system.faults.broken_configs import SECRET

__all__ = ["fuzzed"]

_WHOLE: Final[dict[str, Any]] = {
    "cameras": [
        {
            "id": "door",
            "source": f"rtsp://me:{SECRET}@10.0.0.9:554/live",
            "max_fps": 10,
            "lines": [{"name": "gate", "start": [0.5, 0.9], "end": [0.5, 0.1]}],
            "zones": [{"name": "till", "points": [[0, 0], [1, 0], [1, 1]]}],
        },
        {"id": "yard", "source": "rtsp://10.0.0.10/live", "username": "me", "password": SECRET},
    ],
    "inference": {"workers": 2, "detect_width": 640},
    "tracking": {"confirm_hits": 3},
    "footfall": {"age_groups": [18, 40, 65]},
    "server": {"port": 8000, "auth": {"token": SECRET}},
    "store": {"url": f"postgresql://me:{SECRET}@db/figures", "retention": {"visits": 30}},
    "mqtt": {"host": "broker", "username": "me", "password": SECRET},
    "webhooks": {"targets": [{"name": "shop", "url": f"https://shop/hook/{SECRET}", "secret": SECRET}]},
    "log": {"level": "info"},
}
_OTHERS: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 10**30, 1.5, float("inf"), "", "x" * 5000, "${NOT_SET}", "\x1b[31m", "\u202e", [], {}, [[]],
    {"x": 1}, [None, None],
)  # fmt: skip
_CHARACTERS: Final = "{}[]:,'\"#&*!|>%@\n\t -"


def fuzzed(count: int, *, seed: int) -> list[str]:
    """So many that the program has to refuse, always the same for a seed."""
    dice = random.Random(seed)
    found: list[str] = []
    while len(found) < count:
        text = _spoiled(dice)
        try:
            parse_config(text, name="fuzz", environ={})
        except ConfigError:
            found.append(text)
    return found


def _spoiled(dice: random.Random) -> str:
    document = copy.deepcopy(_WHOLE)
    for _ in range(dice.randint(1, 3)):
        _spoil(document, dice)
    text = yaml.safe_dump(document, sort_keys=False)
    for _ in range(dice.choice((0, 0, 1, 3))):
        at = dice.randrange(len(text))
        text = text[:at] + dice.choice(("", dice.choice(_CHARACTERS))) + text[at + 1 :]
    return text


def _spoil(document: dict[str, Any], dice: random.Random) -> None:
    """One value, somewhere."""
    holder, key = dice.choice(list(_places(document)))
    what = dice.randrange(4)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, dict):
        holder[dice.choice((f"{key}s", str(key)[1:], 7, ""))] = holder.pop(key)
    elif what == 2:
        holder[key] = [holder[key]] if dice.random() < 0.5 else {"x": holder[key]}
    else:
        holder[key] = copy.deepcopy(dice.choice(_OTHERS))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value within, as what holds it and its key or index there."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])
