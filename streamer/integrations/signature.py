"""Signs webhooks as the Standard Webhooks specification 1.0 has it, for which receivers have libraries. Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote

__all__ = ["signed_headers"]


def signed_headers(key: str, at: int, body: bytes, secret: str | None) -> dict[str, str]:
    """The headers that say which event this is, when it was sent (UTC s), and, with a secret, that it is ours.

    The id is the event's key, percent-encoded where it is not plain ASCII. secret: any text, or `whsec_` and base64.
    """
    identity = quote(key, safe=" !#$&'()*+,/:;=?@[]-_~")
    headers = {"webhook-id": identity, "webhook-timestamp": str(at)}
    if secret is not None:
        signed = b".".join((identity.encode(), str(at).encode(), body))
        digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix("whsec_")
    return secret.encode() if encoded == secret else base64.b64decode(encoded)
