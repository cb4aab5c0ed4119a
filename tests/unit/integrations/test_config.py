from __future__ import annotations

import base64

import pytest

from streamer.config import Config
from streamer.config_file import parse_config
from streamer.errors import ConfigError
from streamer.redaction import redact


def parse(text: str) -> Config:
    return parse_config("cameras: [{id: a, source: demo}]\n" + text, name="test.yaml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mqtt: {}", "mqtt.host: missing"),
        ("mqtt: {host: 'mqtt://broker'}", "mqtt.host"),
        ("mqtt: {host: b, base_topic: 'a/#'}", "mqtt.base_topic: an MQTT topic"),
        ("mqtt: {host: b, base_topic: /a}", "mqtt.base_topic: an MQTT topic"),
        ("mqtt: {host: b, discovery: 'a//b'}", "mqtt.discovery: an MQTT topic"),
        ("mqtt: {host: b, timezone: Europe/Berln}", "mqtt.timezone: no such time zone"),
        ("mqtt: {host: b, timezone: /etc/passwd}", "mqtt.timezone: no such time zone"),
        ("mqtt: {host: b, password: x}", "a password needs a username"),
        ("mqtt: {host: b, ca_file: x}", "ca_file is only used with tls"),
        ("mqtt: {host: b, pasword: x}", "did you mean password?"),
        ("webhooks: {targets: [{name: A b, url: 'http://x'}]}", "webhooks.targets[0].name"),
        ("webhooks: {targets: [{name: a, url: 'ftp://x'}]}", "webhooks.targets[0].url: the address of a web server"),
        ("webhooks: {targets: [{name: a, url: 'http://x', secret: short}]}", "at least 16 characters"),
        ("webhooks: {targets: [{name: a, url: 'http://x', secret: whsec_not-base-64}]}", "not base64"),
        ("webhooks: {targets: [{name: a, url: 'http://x', events: [visit]}]}", "'line_crossed'"),
        ("webhooks: {targets: [{name: a, url: 'http://x', events: []}]}", "at least 1"),
        ("webhooks: {targets: [{name: a, url: 'http://x'}, {name: a, url: 'http://y'}]}", "a stands more than once"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert problem in str(caught.value)


@pytest.mark.parametrize(("tls", "port"), [("false", 1883), ("true", 8883)])
def test_the_port_is_that_of_the_protocol_unless_set(tls: str, port: int) -> None:
    mqtt = parse(f"mqtt: {{host: broker, tls: {tls}}}").mqtt
    assert mqtt is not None
    assert mqtt.address == ("broker", port)
    mqtt = parse(f"mqtt: {{host: broker, tls: {tls}, port: 1234}}").mqtt
    assert mqtt is not None
    assert mqtt.address == ("broker", 1234)


def test_secrets_are_redacted_from_then_on() -> None:
    secret = "whsec_" + base64.b64encode(bytes(range(24))).decode()
    config = parse(
        "mqtt: {host: b, username: u, password: brokersecret}\n"
        f"webhooks: {{targets: [{{name: a, url: 'https://user:urlsecret@x/y?token=parameter1', secret: '{secret}'}}]}}"
    )
    for word in ("brokersecret", secret, "urlsecret", "parameter1"):
        assert word not in redact(f"said: {word}")
        assert word not in repr(config)


def test_the_path_of_a_webhook_is_redacted_where_it_is_repeated_and_a_common_word_is_not() -> None:
    parse("webhooks: {targets: [{name: a, url: 'https://x/hooks/T0P/s3cret'}, {name: b, url: 'https://x/live'}]}")
    assert redact("refused: POST /hooks/T0P/s3cret HTTP/1.1") == "refused: POST /*** HTTP/1.1"
    assert redact("/cameras/live") == "/cameras/live"


def test_a_wrong_address_of_a_webhook_is_not_shown_as_it_may_be_a_secret() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("webhooks: {targets: [{name: a, url: 'hooks.example/T0P/s3cret', secret: 0123456789abcdef}]}")
    assert "s3cret" not in str(caught.value)
