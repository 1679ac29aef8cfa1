"""The page at ``/docs``: the document as HTML that loads nothing and runs nothing."""

import base64
import hashlib
import json
from functools import cache
from html import escape
from pathlib import Path

from cocoon.gateway.openapi.endpoints import ENDPOINTS, Endpoint
from cocoon.gateway.openapi.errors import STATUSES, errors_of
from cocoon.gateway.openapi.limits import limits_text, type_text
from cocoon.gateway.openapi.native import ANSWER_HEADERS
from cocoon.gateway.openapi.schema import Field
from cocoon.gateway.openapi.snippets import curl, python

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PAGE_HEADERS: list[tuple[bytes, bytes]] = [
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'".encode(),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
]
"""Sent with the page: nothing is loaded, no script runs, nobody frames it."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Cocoon gateway API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><style>{style}</style></head>
<body><a class="skip" href="#content">Skip to the endpoints</a>
<header><h1>Cocoon gateway API</h1>
<p>The OpenAI API over a confidential network: existing clients only need this address.
<span class="own">own</span> marks what exists only here. For programs:
<a href="/openapi.json">openapi.json</a>.</p></header>
<nav aria-label="Endpoints">{index}</nav>
<main id="content">{groups}{errors}</main></body></html>
"""


@cache
def page_html() -> bytes:
    """The page, in UTF-8."""
    groups = list(dict.fromkeys(item.group for item in ENDPOINTS))
    members = {name: [item for item in ENDPOINTS if item.group == name] for name in groups}
    return _PAGE.format(
        style=STYLE,
        index="".join(_index(name, members[name]) for name in groups),
        groups="".join(_group(name, members[name]) for name in groups),
        errors=_errors(),
    ).encode()


def _index(name: str, members: list[Endpoint]) -> str:
    links = "".join(
        f'<li><a href="#{item.name}">{_method(item)} <code>{escape(item.path)}</code></a></li>'
        for item in members
    )
    return f"<h2>{escape(name)}</h2><ul>{links}</ul>"


def _group(name: str, members: list[Endpoint]) -> str:
    return f"<section><h2>{escape(name)}</h2>{''.join(map(_endpoint, members))}</section>"


def _endpoint(item: Endpoint) -> str:
    parts = [
        f'<article id="{item.name}"><h3>{_method(item)} <code>{escape(item.path)}</code></h3>',
        f"<p><strong>{escape(item.summary)}.</strong> {_prose(item.text)}</p>",
        _parameters(item),
        _fields(item),
        _answers(item),
        _example("curl", curl(item)),
        _example("Python", python(item)),
    ]
    return "".join(parts) + "</article>"


def _parameters(item: Endpoint) -> str:
    if not item.parameters:
        return ""
    rows = [
        _row(
            entry["name"],
            Field(entry["schema"], entry["description"], entry.get("required", False)),
        )
        for entry in item.parameters
    ]
    return _table(f"Parameters ({len(rows)})", ("parameter", "value", "meaning"), rows)


def _fields(item: Endpoint) -> str:
    if item.fields is None:
        return ""
    ordered = sorted(item.fields.items(), key=lambda pair: not pair[1].required)
    rows = [_row(name, field) for name, field in ordered]
    return _table(f"Fields ({len(rows)})", ("field", "value", "meaning"), rows)


def _row(name: str, field: Field) -> str:
    mark = ' <span class="must">required</span>' if field.required else ""
    if field.native:
        mark += ' <span class="own">own</span>'
    value = escape(type_text(field.schema))
    limits = limits_text(field.schema)
    if limits:
        value += f"<br><small>{escape(limits)}</small>"
    return (
        f'<tr><th scope="row"><code>{escape(name)}</code>{mark}</th><td>{value}</td>'
        f"<td>{_prose(field.text)}</td></tr>"
    )


def _answers(item: Endpoint) -> str:
    kind = item.answer or item.answer_media
    stream = f"; with <code>stream</code>, events of <code>{item.event}</code>"
    text = f"<code>{item.success}</code> <code>{kind}</code>{stream if item.event else ''}"
    headers = ""
    if item.runs:
        headers = " Headers: " + ", ".join(f"<code>{name}</code>" for name in ANSWER_HEADERS) + "."
    codes = ", ".join(
        f'<a href="#status-{status}"><code>{status}</code></a>' for status in errors_of(item)
    )
    return f"<p>Answers {text}.{headers} Fails with {codes}.</p>"


def _example(title: str, text: str) -> str:
    if not text:
        return ""
    return (
        f"<details><summary>{title}</summary>"
        f'<pre tabindex="0"><code>{escape(text)}</code></pre></details>'
    )


def _errors() -> str:
    body = {"error": {"message": "…", "type": "…", "param": None, "code": "…"}}
    rows = [
        f'<tr id="status-{status}"><th scope="row"><code>{status}</code></th>'
        f"<td>{_prose(text)}</td></tr>"
        for status, text in STATUSES.items()
    ]
    table = f"<table><tbody>{''.join(rows)}</tbody></table>"
    return (
        "<section><h2>Errors</h2><p>Every error is "
        f"<code>{escape(json.dumps(body, ensure_ascii=False))}</code>, on the Anthropic paths in "
        "Anthropic's form. A stream that breaks off ends with such an object as its last event. "
        f"<code>X-Should-Retry</code> says whether the same request may succeed.</p>{table}"
        "</section>"
    )


def _table(title: str, heads: tuple[str, ...], rows: list[str]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return (
        f"<details><summary>{title}</summary>"
        f'<div class="wide" tabindex="0" role="region" aria-label="{title}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        "</details>"
    )


def _method(item: Endpoint) -> str:
    return f'<span class="method {item.method}">{item.method.upper()}</span>'


def _prose(text: str) -> str:
    """Text with ``code`` in backticks."""
    parts = escape(text).split("`")
    return "".join(
        f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)
    )
