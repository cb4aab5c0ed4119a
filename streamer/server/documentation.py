"""The OpenAPI document as a plain page of our own: no script, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

__all__ = ["documentation_page"]


def documentation_page(document: dict[str, Any], path_prefix: str = "") -> str:
    """HTML. document: what /openapi.json answers. path_prefix: below which the server is found."""
    operations = "".join(
        _operation(path_prefix + path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "head"
    )
    info = document["info"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title>"
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="login.css"></head><body>'
        f'<main class="wide"><h1>{escape(info["title"])} {escape(info["version"])}</h1>'
        f"<p>{escape(info.get('description', ''))}</p>"
        f'<p>The same for programs: <a href="openapi.json">{escape(path_prefix)}/openapi.json</a></p>'
        f"{_authorization(document)}{operations}</main></body></html>"
    )


def _authorization(document: dict[str, Any]) -> str:
    """By what means requests show on whose behalf they are, where any is needed."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(_scheme(scheme))}</td><td>{escape(scheme['description'])}</td></tr>"
        for name, scheme in schemes.items()
    )
    return f"<h2>Authorize</h2><table>{rows}</table>" if rows else ""


def _scheme(scheme: dict[str, Any]) -> str:
    return f"the {scheme['in']} {scheme['name']}" if scheme["type"] == "apiKey" else "the header Authorization"


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(_type(each['schema']))}</td>"
        f"<td>{escape(each.get('description', ''))}</td></tr>"
        for each in operation.get("parameters", ())
    )
    table = f"<table>{rows}</table>" if rows else ""
    answers = ", ".join(f"{code} {_media(answer)}".strip() for code, answer in operation["responses"].items())
    needs = ""
    if operation.get("security"):
        needs = f"<p>Authorize: {escape(' or '.join(s for each in operation['security'] for s in each))}"
        needs += f", of the role {escape(' or '.join(operation['x-roles']))}</p>"
    return (
        f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation.get('description', ''))}</p>"
        f"{table}{needs}<p>Answers: {escape(answers)}</p>"
    )


def _type(schema: dict[str, Any]) -> str:
    """Such as `integer, 64 to 4096, or nothing`."""
    arms = schema.get("anyOf", [schema])
    words = []
    for arm in arms:
        kind = "nothing" if arm.get("type") == "null" else " | ".join(arm.get("enum", [arm.get("type", "")]))
        low, high = arm.get("minimum", arm.get("exclusiveMinimum")), arm.get("maximum")
        words.append(f"{kind}, {low} to {high}" if high is not None else kind)
    default = schema.get("default")
    return " or ".join(words) + (f"; {default} if not given" if default is not None else "")


def _media(answer: dict[str, Any]) -> str:
    return ", ".join(answer.get("content", {}))
