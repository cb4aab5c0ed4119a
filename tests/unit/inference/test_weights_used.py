"""Which weights a configuration runs on."""

from __future__ import annotations

import pytest

from streamer.config import ModelsConfig
from streamer.inference.manifest import load_manifest
from streamer.inference.weights_used import ATTRIBUTE_FILES, weights_used

PAIR = ("dlib-age", "dlib-gender", "faceres")


@pytest.mark.parametrize(
    ("config", "used"),
    [
        ({}, ("yunet", *PAIR, "faceres-int8")),
        ({"precision": "float32"}, ("yunet", *PAIR)),
        ({"attributes": "none"}, ("yunet",)),
        ({"detector": "centerface", "attributes": "dlib"}, ("centerface", "dlib-age", "dlib-gender")),
        (
            {"detector": "ssd-res10", "attributes": "levi-hassner"},
            ("ssd-res10-layers", "ssd-res10-weights", "levi-hassner-age", "levi-hassner-gender"),
        ),
    ],
)
def test_a_configuration_runs_on_the_files_of_its_nets(config: dict[str, str], used: tuple[str, ...]) -> None:
    assert weights_used(ModelsConfig.model_validate(config)) == used


def test_all_of_them_stand_in_the_manifest() -> None:
    assert {file for files in ATTRIBUTE_FILES.values() for file in files} <= set(load_manifest())
