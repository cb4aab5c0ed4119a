"""RTSP as far as it takes to ask for a stream's description: requests, answers, logins (RFC 2326, 7616). No socket.

HTTP's answers and logins are the same.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Self
from urllib.request import parse_http_list, parse_keqv_list

__all__ = ["Answer", "authorization", "request"]

_STATUS = re.compile(r"(RTSP|HTTP)/\d\.\d (\d{3})(?: |$)")
_HASHES = {"SHA-256": "sha256", "MD5": "md5"}  # by the name of the algorithm, the strongest first


class Answer(NamedTuple):
    """Of an answer, all but its body. headers: names in lower case; they may repeat."""

    status: int
    headers: Sequence[tuple[str, str]]

    @classmethod
    def parse(cls, head: bytes, protocol: Literal["RTSP", "HTTP"] = "RTSP") -> Self:
        """head: up to the empty line, without it. Raises ValueError if it is no answer of this protocol."""
        first, *lines = head.decode("utf-8", "replace").split("\r\n")
        found = _STATUS.match(first)
        if not found or found[1] != protocol:
            raise ValueError(f"not an {protocol} answer")
        parted = (line.partition(":") for line in lines)
        return cls(int(found[2]), [(name.strip().lower(), value.strip()) for name, _, value in parted])

    def all(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for known, value in self.headers if known == name]

    def first(self, name: str) -> str:
        """The value of a header, or nothing."""
        return next(iter(self.all(name)), "")


def request(method: str, url: str, number: int, login: str = "") -> bytes:
    """url: without user and password. number: counts a connection's requests up. login: see `authorization`."""
    lines = [f"{method} {url} RTSP/1.0", f"CSeq: {number}", "User-Agent: streamer"]
    if method == "DESCRIBE":
        lines.append("Accept: application/sdp")
    if login:
        lines.append(f"Authorization: {login}")
    return "\r\n".join([*lines, "", ""]).encode()


def authorization(challenges: Sequence[str], method: str, url: str, user: str, password: str) -> str:
    """The answer to the strongest of the challenges (of `WWW-Authenticate`); nothing if none is understood.

    Digest with SHA-256, Digest with MD5, Basic.
    """
    offered = [(scheme.lower(), rest) for scheme, _, rest in (challenge.partition(" ") for challenge in challenges)]
    digests = [_parameters(rest) for scheme, rest in offered if scheme == "digest"]
    for algorithm in _HASHES:
        for asked in digests:
            if _algorithm(asked) == algorithm and (answer := _digest(asked, method, url, user, password)):
                return answer
    if any(scheme == "basic" for scheme, _ in offered):
        return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    return ""


def _parameters(challenge: str) -> dict[str, str]:
    try:
        return {name.lower(): value for name, value in parse_keqv_list(parse_http_list(challenge)).items()}
    except (ValueError, IndexError):
        return {}


def _algorithm(asked: Mapping[str, str]) -> str:
    return asked.get("algorithm", "MD5").upper()


def _digest(asked: Mapping[str, str], method: str, url: str, user: str, password: str) -> str:
    methods = {method.strip() for method in asked.get("qop", "").split(",")}
    if not {"realm", "nonce"} <= asked.keys() or not {"auth", ""} & methods:
        return ""

    def hashed(*parts: str) -> str:
        return hashlib.new(_HASHES[_algorithm(asked)], ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    realm, nonce = asked["realm"], asked["nonce"]
    told = {"username": user, "realm": realm, "nonce": nonce, "uri": url}
    who, what = hashed(user, realm, password), hashed(method, url)
    more = f", algorithm={asked['algorithm']}" if "algorithm" in asked else ""
    if "auth" in methods:
        own = secrets.token_hex(8)
        told |= {"response": hashed(who, nonce, "00000001", own, "auth", what), "cnonce": own}
        more += ", qop=auth, nc=00000001"
    else:
        told["response"] = hashed(who, nonce, what)
    if "opaque" in asked:
        told["opaque"] = asked["opaque"]
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in told.items()) + more
