"""How the URL of a camera is read: which schemes there are, and where its user part ends. Pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote

__all__ = ["URL_SCHEMES", "split_credentials", "user_part_is_unclear"]

URL_SCHEMES = ("rtsp", "rtsps", "http", "https")

_HOST = re.compile(r"^(\[[0-9A-Fa-f:.%]+\]|[^\s:@/?#\[\]]+)(:\d*)?$")


def split_credentials(rest: str) -> tuple[str, str, str]:
    """User name, password and remainder of a URL, given without its scheme; both are decoded.

    People paste passwords as they are. So where what stands before the first slash can't end in a host and port, as in
    `admin:pa/ss@host/path`, the user part is taken to reach to the last "@".
    """
    authority = _authority(rest)
    before, at, host = authority.rpartition("@")
    if _HOST.match(host) or "@" not in rest:
        if not at:
            return "", "", rest
        userinfo, remainder = before, host + rest[len(authority) :]
    else:
        userinfo, _, remainder = rest.rpartition("@")
    user, _, password = userinfo.partition(":")
    return unquote(user), unquote(password), remainder


def user_part_is_unclear(rest: str) -> bool:
    """Whether a URL, given without its scheme, can be read in two ways, one of which shows a piece of its password.

    `u:p@ss/w@cam` has the host `cam` and a password with "@" and "/", or the host `ss` and a path with "@";
    `u:12/34@cam` has the host `cam`, or the host `u` at port 12.
    """
    authority = _authority(rest)
    _, at, host = authority.rpartition("@")
    if "@" not in rest[len(authority) :] or not _HOST.match(host):
        return False
    name, colon, _ = host.rpartition(":")
    return bool(at) or (bool(colon) and not _is_ip_address(name))


def _authority(rest: str) -> str:
    return re.split(r"[/?#]", rest, maxsplit=1)[0]


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
