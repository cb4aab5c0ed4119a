"""How the server is reached: what can't be meant is refused, with what to do instead."""

from __future__ import annotations

import pytest

from streamer.config import ServerConfig
from streamer.config_file import parse_config
from streamer.errors import ConfigError


def problem(server: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"cameras: [{{id: a, source: demo}}]\nserver: {{{server}}}", name="config.yaml")
    [found] = caught.value.problems
    return found


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("allowed_origins: ['*']", "server.allowed_origins[0]: no pattern: a * would let the pages of any site in"),
        ("allowed_origins: ['https://*.example']", "server.allowed_origins[0]: no pattern"),
        ("allowed_origins: [cams.example]", "server.allowed_origins[0]: scheme, host and port"),
        ("allowed_origins: ['https://cams.example/page']", "server.allowed_origins[0]: scheme, host and port"),
        ("allowed_origins: ['https://u:p@cams.example']", "server.allowed_origins[0]: scheme, host and port"),
        ("allowed_origins: ['null']", "server.allowed_origins[0]: scheme, host and port"),
        ("auth: none, trusted_proxies: ['*']", "server.trusted_proxies[0]: an address or a network"),
        ("auth: none, trusted_proxies: [proxy]", "server.trusted_proxies[0]: an address or a network"),
        ("auth: none, trusted_proxies: [10.0.0.5/24]", "server.trusted_proxies[0]: an address or a network"),
        ("auth: none, trusted_proxies: ['::/0']", "server.trusted_proxies[0]: everybody would be trusted"),
        ("auth: none, path_prefix: cams", "server.path_prefix: a path as /cams"),
        ("auth: none, path_prefix: /../x", "server.path_prefix: a path as /cams"),
        ("auth: none, path_prefix: '/a\"b'", "server.path_prefix: a path as /cams"),
        ("path_prefix: /cams", "server: through a proxy it can be reached from other machines"),
        ("trusted_proxies: [127.0.0.1]", "server: through a proxy it can be reached from other machines"),
        ("tls: {cert: a.pem}", "server.tls.key: missing"),
    ],
)
def test_what_cannot_be_meant_is_refused(server: str, expected: str) -> None:
    assert problem(server).startswith(expected)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://Cams.Example/", "https://cams.example"),
        ("https://cams.example:443", "https://cams.example"),
        ("http://cams.example:80", "http://cams.example"),
        ("http://cams.example:443", "http://cams.example:443"),
        ("http://[fd00::1]:8080", "http://[fd00::1]:8080"),
    ],
)
def test_an_origin_is_compared_as_browsers_send_it(written: str, sent: str) -> None:
    assert ServerConfig(allowed_origins=(written,)).allowed_origins == (sent,)


def test_the_certificate_lies_beside_the_configuration() -> None:
    config = parse_config(
        "cameras: [{id: a, source: demo}]\nserver: {tls: {cert: c.pem, key: /etc/k.pem}}", name="config.yaml"
    )
    assert config.server.tls is not None
    assert config.server.tls.cert.is_absolute()
    assert str(config.server.tls.key) == "/etc/k.pem"
