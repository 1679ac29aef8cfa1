"""The OpenAPI document says what the code takes; the page shows it and loads nothing."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from cocoon.gateway.openapi import PAGE_HEADERS, document, document_json, page_html
from cocoon.gateway.openapi.endpoints import ENDPOINTS
from cocoon.gateway.openapi.errors import STATUSES
from cocoon.gateway.openapi.native import NATIVE
from cocoon.gateway.operations import OPERATIONS
from cocoon.gateway.reading import chat_fields
from cocoon.gateway.reading.draft import STAY_HERE
from cocoon.gateway.reading.native import NATIVE_FIELDS
from cocoon.wire import features
from cocoon.worker.validation import ENDPOINTS as RULES

BY_PATH = {item.path: item for item in ENDPOINTS}
HERE = set(NATIVE) | set(STAY_HERE) | {"max_completion_tokens"}
"""Fields that never reach a worker."""


def test_every_operation_is_in_the_document() -> None:
    assert {operation.path for operation in OPERATIONS} <= set(document()["paths"])
    assert set(features.ENDPOINTS) <= set(document()["paths"])


@pytest.mark.parametrize("path", sorted(RULES))
def test_the_fields_are_those_that_workers_take(path: str) -> None:
    """In both directions: nothing is undocumented, and nothing documented is refused."""
    documented = set(BY_PATH[path].fields or {})
    taken = set(RULES[path].fields)
    assert taken - documented == set()
    extra = documented - taken - HERE
    assert extra <= ({"file"} if RULES[path].is_form else set())
    required = {name for name, field in (BY_PATH[path].fields or {}).items() if field.required}
    assert required - {"file"} == set(RULES[path].required)


def test_fields_that_the_gateway_checks_are_documented() -> None:
    chat = set(BY_PATH["/v1/chat/completions"].fields or {})
    refused = {"audio", "web_search_options", "modalities"}
    assert set(chat_fields.CHAT) - refused <= chat
    assert set(chat_fields.COMPLETION) <= set(BY_PATH["/v1/completions"].fields or {})
    assert NATIVE_FIELDS - {"user"} == set(NATIVE)


def test_references_and_names_fit() -> None:
    text = document_json().decode()
    schemas = document()["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', text)) <= set(schemas)
    names = [item.name for item in ENDPOINTS]
    assert len(set(names)) == len(names)
    assert json.loads(text)["openapi"].startswith("3.1")


def test_every_error_status_of_the_code_is_in_the_document() -> None:
    from cocoon import errors

    found = {
        value.http_status
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.CocoonError)
    }
    assert found <= set(STATUSES)


class Page(HTMLParser):
    """Collects tags, targets of links, and ids."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.append(name)
            if name == "href":
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")


@pytest.fixture(scope="module")
def page() -> Page:
    made = Page()
    made.feed(page_html().decode())
    return made


def test_the_page_loads_and_runs_nothing(page: Page) -> None:
    assert not {"script", "img", "link", "iframe", "form", "object"} & set(page.tags)
    assert not [name for name in page.attributes if name.startswith("on") or name == "src"]
    assert "style" not in page.attributes
    policy = dict(PAGE_HEADERS)[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert len(page_html()) < 300_000


def test_links_of_the_page_lead_somewhere(page: Page) -> None:
    assert len(set(page.ids)) == len(page.ids)
    inside = {link[1:] for link in page.links if link.startswith("#")}
    assert inside <= set(page.ids)
    assert [link for link in page.links if not link.startswith("#")] == ["/openapi.json"]


def test_the_page_can_be_used_by_everybody(page: Page) -> None:
    text = page_html().decode()
    assert '<html lang="en">' in text
    assert "width=device-width" in text
    assert "prefers-color-scheme:dark" in text
    assert ":focus-visible" in text
    assert page.tags.count("h1") == 1
    for item in ENDPOINTS:
        assert item.name in page.ids


@pytest.mark.anyio
async def test_both_are_served_without_a_key() -> None:
    from cocoon.gateway import Gateway, GatewaySettings
    from cocoon.testing.scripted_client import ScriptedClient

    gateway = Gateway(
        ScriptedClient(lambda _: ValueError()), GatewaySettings(api_key_hashes=(b"x" * 32,))
    )
    for path, kind in (("/openapi.json", b"application/json"), ("/docs", b"text/html")):
        sent: list[Any] = []

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
        await gateway(scope, receive, send)
        assert sent[0]["status"] == 200
        assert dict(sent[0]["headers"])[b"content-type"].startswith(kind)
