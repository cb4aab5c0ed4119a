from __future__ import annotations

import base64
import hashlib
import hmac
import re
from pathlib import Path

import pytest

from streamer.integrations.signature import signed_headers

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "integrations.md"


def test_the_signature_is_the_hmac_of_id_time_and_body() -> None:
    headers = signed_headers("key-1", 1_700_000_000, b'{"a":1}', "sixteen characters")
    digest = hmac.new(b"sixteen characters", b'key-1.1700000000.{"a":1}', hashlib.sha256).digest()
    assert headers == {
        "webhook-id": "key-1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def test_without_a_secret_nothing_is_signed() -> None:
    assert set(signed_headers("k", 1, b"", None)) == {"webhook-id", "webhook-timestamp"}


def test_a_key_with_the_name_of_a_line_in_any_language_fits_into_a_header() -> None:
    headers = signed_headers("s-door-1-Eingang Süd-1\r\nX: y", 1, b"", "sixteen characters")
    assert headers["webhook-id"] == "s-door-1-Eingang S%C3%BCd-1%0D%0AX: y"


@pytest.mark.parametrize("secret", ["sixteen characters", "whsec_" + base64.b64encode(bytes(range(24))).decode()])
def test_the_check_in_the_documentation_takes_what_is_ours_and_nothing_else(secret: str) -> None:
    code = re.search(r"```python\n(import base64.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    names: dict[str, object] = {}
    exec(code[1], names)  # noqa: S102 - the documentation's own lines
    is_ours = names["is_from_streamer"]
    assert callable(is_ours)
    now, body = 1_700_000_000, b'{"type":"event"}'
    headers = signed_headers("key-1", now, body, secret)
    assert is_ours(headers, body, secret, now)
    assert not is_ours(headers, body + b" ", secret, now)
    assert not is_ours(headers, body, "whsec_" + base64.b64encode(bytes(24)).decode(), now)
    assert not is_ours(headers, body, secret, now + 301)
    assert not is_ours(headers | {"webhook-id": "key-2"}, body, secret, now)
    unsigned = {name: value for name, value in headers.items() if name != "webhook-signature"}
    assert not is_ours(unsigned, body, secret, now)
