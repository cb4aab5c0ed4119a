from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from streamer.config import AuthConfig, Config
from streamer.config_file import load_config, parse_config
from streamer.errors import ConfigError
from streamer.redaction import redact

REPOSITORY = Path(__file__).resolve().parents[2]
CAMERA = "cameras: [{id: door, source: rtsp://10.0.0.9/live}]\n"


def problems(text: str, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="config.yaml", environ=environ)
    return caught.value.problems or (str(caught.value),)


def test_the_repositorys_own_file_is_valid_and_shows_every_default() -> None:
    path = REPOSITORY / "config.yaml"
    config = load_config(path, environ={})
    beside = config.store.model_copy(update={"url": SecretStr(f"sqlite:///{REPOSITORY / 'streamer.sqlite3'}")})
    waiting = config.webhooks.model_copy(update={"queue_file": REPOSITORY / "webhooks.sqlite"})
    assert config == Config(cameras=config.cameras, store=beside, webhooks=waiting)
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(written) == set(Config.model_fields)
    for name, section in written.items():
        if isinstance(section, dict):
            left_out = set(type(getattr(config, name)).model_fields) - set(section)
            assert left_out <= {"auth"}, f"{name} does not show {left_out}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # unknown keys name the nearest known one
        (CAMERA + "modells: {}", "modells: unknown key; did you mean models?"),
        (CAMERA + "inference: {detect_witdh: 320}", "inference.detect_witdh: unknown key; did you mean detect_width?"),
        ("cameras: [{id: door, sorce: x, source: demo}]", "cameras[0].sorce: unknown key; did you mean source?"),
        # values: path, what would be right, what was found
        (CAMERA + "inference: {workers: many}", "inference.workers: a whole number from 1 to 64, or auto, found many"),
        (CAMERA + "inference: {workers: 0}", "inference.workers: a whole number from 1 to 64, or auto, found 0"),
        (
            CAMERA + "inference: {queue_size: -1}",
            "inference.queue_size: input should be greater than or equal to 1, found -1",
        ),
        (CAMERA + "privacy: blurr", "privacy: input should be 'none', 'blur' or 'metadata_only', found blurr"),
        (CAMERA + "server: {port: 70000}", "server.port: input should be less than or equal to 65535, found 70000"),
        # cameras
        ("cameras: []", "cameras: from 1 to 256 cameras"),
        ("inference: {}", "cameras: missing"),
        (
            "cameras: [{id: Front Door, source: demo}]",
            "cameras[0].id: lower-case letters, digits, _ and -, at most 63, found Front Door",
        ),
        (
            "cameras: [{id: a, source: demo}, {id: a, source: demo}]",
            "cameras: ids must differ: a stands more than once",
        ),
        ("cameras: [{id: a, source: demo, password: p}]", "cameras[0]: a password needs a username beside it"),
        (
            "cameras: [{id: a, source: demo, reconnect_max: 0.5}]",
            "cameras[0]: reconnect_max is shorter than reconnect_min",
        ),
        (
            "cameras: [{id: a, source: demo, lines: [{name: x, start: [0.5, 0.5], end: [0.5, 0.5]}]}]",
            "cameras[0].lines[0]: start and end are the same point",
        ),
        (
            "cameras: [{id: a, source: demo, zones: [{name: x, points: [[0, 0], [1, 1], [1, 0], [0, 1]]}]}]",
            "cameras[0].zones[0].points: its edges cross each other",
        ),
        # binding beyond loopback without a guard
        (CAMERA + "server: {host: 0.0.0.0}", "server: host 0.0.0.0 can be reached from other machines"),
        # the store
        (CAMERA + "store: {url: 'mysql://h/d'}", "store.url: a database's address: sqlite:///FILE, postgresql://"),
        (CAMERA + "store: {retention: {visits: 0}}", "store.retention.visits: input should be greater than or equal"),
        (CAMERA + "log: {level: '${NOPE}'}", "log.level: the environment variable NOPE is not set"),
    ],
)
def test_a_problem_names_the_key_and_what_was_found(text: str, expected: str) -> None:
    found = problems(text)
    assert len(found) == 1, found
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected keys such as `cameras:` at the top, found nothing"),
        ("- a\n- b", "expected keys such as `cameras:` at the top"),
        ("cameras: [", "line 1"),
        ("a: b: c", "line 1, column 5"),
        ("a: !!python/object/apply:os.system ['true']", "not YAML"),
        ("a: &a [*a, *a]\n" + CAMERA, "an alias (*) that contains itself"),
    ],
)
def test_what_is_not_a_configuration_is_said_with_its_place(text: str, expected: str) -> None:
    assert any(expected in problem for problem in problems(text))


def test_all_problems_are_told_at_once() -> None:
    found = problems("cameras: [{id: A, source: 'ftp://x'}]\nlog: {level: loud}\ninference: {workers: x}\nzzz: 1")
    assert len(found) == 5


@pytest.mark.parametrize("scheme", ["file", "ftp", "gopher", "concat", "data", "udp"])
def test_only_known_schemes_are_sources(scheme: str) -> None:
    assert f"the scheme {scheme}:// can't be read" in problems(f"cameras: [{{id: a, source: '{scheme}://host/x'}}]")[0]


@pytest.mark.parametrize("source", ["rtsp:/me:hunter2-marked@cam/1", "rtsp//me:hunter2-marked@cam", "HTTP:cam/x"])
def test_a_url_with_too_few_signs_is_no_file(source: str) -> None:
    [problem] = problems(f"cameras: [{{id: a, source: '{source}'}}]")
    assert re.search(r"cameras\[0\]\.source: a URL begins with (rtsp|http)://", problem)
    assert "hunter2" not in problem


def test_a_webcam_may_be_a_bare_index() -> None:
    assert parse_config("cameras: [{id: a, source: 0}]", name="c").cameras[0].source == "0"


def test_environment_variables_stand_in_values_of_any_type() -> None:
    text = (
        "cameras: [{id: a, source: 'rtsp://${HOST}:${PORT:-554}/x', username: u, password: '${PW}'}]\n"
        "server: {port: '${HTTP_PORT}'}\nmodels: {offline: '${OFFLINE:-true}'}"
    )
    config = parse_config(text, name="c", environ={"HOST": "cam", "PW": "12345678", "HTTP_PORT": "8080"})
    assert config.cameras[0].source == "rtsp://cam:554/x"
    assert config.cameras[0].password.get_secret_value() == "12345678"
    assert config.server.port == 8080
    assert config.models.offline is True


def test_the_content_of_a_variable_cannot_change_the_structure() -> None:
    evil = "x', source: 'file:///etc/passwd"
    config = parse_config("cameras: [{id: a, source: demo, name: '${NAME}'}]", name="c", environ={"NAME": evil})
    assert config.cameras[0].name == evil


@pytest.mark.parametrize(
    "text",
    [
        "cameras: [{id: a, source: 'rtsp://me:hunter2-marked@cam/1', max_fps: -1}]",
        "cameras: [{id: a, source: 'ftp://me:hunter2-marked@cam/1'}]",
        "cameras: [{id: a, source: demo, username: [], password: hunter2-marked}]",
        "cameras: [{id: a, source: demo, password: [hunter2-marked]}]",
        CAMERA + "server: {auth: {token: hunter2-marked}}",
        CAMERA + "server: {auth: hunter2-marked}",
        CAMERA + "server: {auth: {token: 'hunter2-marked', x: 1}}",
        "cameras: {password: hunter2-marked}",
        "mqtt: [{host: broker, username: somebody, a: bcdefghijkl, password: hunter2-marked-and-cut-off}]",
        "- {a: hunter2-marked}",
        "cameras: [{id: a, source: demo, password: *hunter2-marked}]",
        "cameras: [{id: a, source: demo, password: !hunter2-marked}]",
        "cameras: [{id: a, source: 'http://cam/x?user=me&pwd=hunter2-marked', max_fps: -1, name: ['hunter2-marked']}]",
    ],
)
def test_no_problem_shows_a_secret(text: str) -> None:
    assert not any("hunter2-marked" in problem for problem in problems(text))


def test_secrets_of_a_loaded_file_are_redacted_everywhere_afterwards() -> None:
    parse_config(
        "cameras: [{id: a, source: 'rtsp://u:in-the-url@c/', username: u, password: 'p@ss:w/o#r%d'}]", name="c"
    )
    assert redact("p@ss:w/o#r%d in-the-url p%40ss%3Aw%2Fo%23r%25d") == "*** *** ***"


def test_events_for_webhooks_wait_beside_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    for named, meant in (("", "webhooks.sqlite"), ("queue_file: spool/queue", "spool/queue"), ("queue_file: /q", "/q")):
        path.write_text(CAMERA + f"webhooks: {{{named}}}", encoding="utf-8")
        assert load_config(path).webhooks.queue_file == tmp_path / meant


def test_relative_search_paths_are_taken_from_the_files_folder(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CAMERA + "models: {search_path: [weights, /abs]}", encoding="utf-8")
    assert load_config(path).models.search_path == (tmp_path / "weights", Path("/abs"))


def test_the_file_of_tokens_lies_beside_the_configuration_and_is_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CAMERA + "server: {host: 0.0.0.0, auth: {file: tokens.json}}", encoding="utf-8")
    auth = load_config(path).server.auth
    assert isinstance(auth, AuthConfig)
    assert auth.file == tmp_path / "tokens.json"
    assert redact("tokens.json") == "tokens.json"


@pytest.mark.parametrize("auth", ["{}", "{token: null}"])
def test_auth_that_lets_nobody_in_is_refused(auth: str) -> None:
    [problem] = problems(CAMERA + f"server: {{auth: {auth}}}")
    assert problem.startswith("server.auth: set file: tokens.json")


def test_a_video_beside_the_file_is_found_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "monday.mp4").touch()
    path = tmp_path / "config.yaml"
    path.write_text("cameras: [{id: a, source: monday.mp4}, {id: b, source: demo}]", encoding="utf-8")
    assert [c.source for c in load_config(path).cameras] == [str(tmp_path / "monday.mp4"), "demo"]


@pytest.mark.parametrize("kind", ["missing", "folder", "binary", "huge"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe\x00")
    elif kind == "huge":
        path.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(ConfigError, match=r"config\.yaml: "):
        load_config(path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["cameras", "id", "source", "server", "auth", "token", "log", "models", "x"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_no_document_raises_anything_but_a_config_error(document: object) -> None:
    with contextlib.suppress(ConfigError):
        parse_config(yaml.safe_dump(document), name="fuzz", environ={})


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("sqlite:///figures.sqlite3", "sqlite:////etc/streamer/figures.sqlite3"),  # beside the configuration
        ("sqlite:////data/figures.sqlite3", "sqlite:////data/figures.sqlite3"),
        ("postgresql://streamer@db/figures", "postgresql://streamer@db/figures"),
        ("none", None),
        (None, None),
    ],
)
def test_the_stores_file_lies_beside_the_configuration_unless_it_says_otherwise(
    written: str | None, used: str | None
) -> None:
    text = yaml.safe_dump({"cameras": [{"id": "a", "source": "demo"}], "store": {"url": written}})
    url = parse_config(text, name="test", base=Path("/etc/streamer"), environ={}).store.url
    assert (url and url.get_secret_value()) == used


def test_a_databases_password_is_a_secret() -> None:
    text = CAMERA + "store: {url: 'postgresql://streamer:hunter2hunter2@db/figures'}"
    config = parse_config(text, name="test", environ={})
    assert "hunter2" not in redact("could not connect as hunter2hunter2")
    assert "hunter2" not in str(config)
