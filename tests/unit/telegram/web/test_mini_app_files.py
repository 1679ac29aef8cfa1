"""The Mini App's files: only those that are there, in the smallest form, under a strict policy."""

import asyncio
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from cocoon.errors import ConfigError
from cocoon.telegram.settings import MoneySettings
from cocoon.telegram.web import files as module
from cocoon.telegram.web.files import Files, read_files
from cocoon.telegram.web.headers import page_headers, stand_in_origin, wallet_origins
from cocoon.testing.served_mini_app import served, settings

SCRIPT = b"console.log('hi');" * 100
BROTLI = b"not really brotli"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_bytes(b"<!doctype html><title>a</title>")
    (root / "icon.png").write_bytes(b"\x89PNG")
    (root / "assets" / "main-Ab3_dE9x.js").write_bytes(SCRIPT)
    (root / "assets" / "main-Ab3_dE9x.js.br").write_bytes(BROTLI)
    (root / "assets" / "main-Ab3_dE9x.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (root / "assets" / "style-12345678.css").write_bytes(b"a{}" * 400)
    (root / ".hidden").write_bytes(b"secret")
    (tmp_path / "outside.txt").write_bytes(b"secret")
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    return root


@pytest.fixture
def client(folder: Path, tmp_path: Path) -> TestClient:
    headers = page_headers(settings(tmp_path))
    app = Files(read_files(folder), headers, frozenset({"icon.png"}))
    return TestClient(Starlette(routes=[Route("/app/{path:path}", app, methods=["GET"])]))


def test_the_page_is_asked_for_again_and_assets_never(client: TestClient) -> None:
    page = client.get("/app/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    script = client.get("/app/assets/main-Ab3_dE9x.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/app/icon.png").headers["cache-control"] == "no-cache"


def test_what_the_browser_has_is_not_sent_again(client: TestClient) -> None:
    etag = client.get("/app/").headers["etag"]
    again = client.get("/app/", headers={"if-none-match": f'"x", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"]
    assert client.get("/app/", headers={"if-none-match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("br, gzip", "br"),
        ("gzip, deflate", "gzip"),
        ("identity", None),
        ("", None),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br;q=0, gzip; q=0", None),
        ("BR", "br"),
        ("xbr", None),
    ],
)
def test_the_smallest_form_that_is_taken(
    client: TestClient, accepted: str, coding: str | None
) -> None:
    with client.stream(
        "GET", "/app/assets/main-Ab3_dE9x.js", headers={"accept-encoding": accepted}
    ) as answer:
        data = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "accept-encoding"
    assert int(answer.headers["content-length"]) == len(data)
    forms = {"br": BROTLI, "gzip": gzip.compress(SCRIPT, mtime=0), None: SCRIPT}
    assert data == forms[coding]


def test_text_that_was_not_compressed_is(client: TestClient) -> None:
    answer = client.get("/app/assets/style-12345678.css", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == b"a{}" * 400


@pytest.mark.parametrize(
    "path",
    [
        "nothing.js",
        ".hidden",
        "link.txt",
        "assets/",
        "assets",
        "..%2foutside.txt",
        "%2e%2e/outside.txt",
        "assets/..%2findex.html",
        "/etc/passwd",
        "index.html%00",
        "assets/main-Ab3_dE9x.js.br",
        "assets/main-Ab3_dE9x.js.gz",
    ],
)
def test_nothing_else_is_there(client: TestClient, path: str) -> None:
    answer = client.get(f"/app/{path}")
    assert answer.status_code == 404
    assert b"secret" not in answer.content
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_head_and_other_methods(client: TestClient) -> None:
    answer = client.head("/app/icon.png")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "4"
    assert client.post("/app/").status_code == 405


def test_wallets_may_show_the_icon_and_nothing_else(client: TestClient) -> None:
    icon, page = client.get("/app/icon.png"), client.get("/app/")
    assert icon.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in page.headers
    assert page.headers["cross-origin-resource-policy"] == "same-origin"


def test_an_app_that_was_not_built_says_so(tmp_path: Path) -> None:
    app = Files(read_files(tmp_path / "none"), (), frozenset())
    client = TestClient(Starlette(routes=[Route("/app/{path:path}", app)]))
    answer = client.get("/app/")
    assert answer.status_code == 404
    assert b"make miniapp" in answer.content


def test_a_folder_with_too_much(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TOTAL", 1000)
    with pytest.raises(ConfigError):
        read_files(folder)


def policy(tmp_path: Path, **app: object) -> dict[str, str]:
    headers = dict(page_headers(settings(tmp_path, **app)))
    parts = headers[b"content-security-policy"].decode().split("; ")
    return dict(part.split(" ", 1) for part in parts)


def test_the_policy(tmp_path: Path) -> None:
    found = policy(tmp_path)
    assert found["default-src"] == "'none'"
    assert found["script-src"] == "'self'"
    assert found["style-src"] == "'self'"
    assert found["base-uri"] == found["form-action"] == "'none'"
    assert found["frame-ancestors"].split()[0] == "https://web.telegram.org"
    assert not any("unsafe" in value or "*" in value for value in found.values())
    more = policy(tmp_path, frame_ancestors=("http://127.0.0.1:8091", "https://a.example"))
    assert more["frame-ancestors"].split()[-2:] == ["http://127.0.0.1:8091", "https://a.example"]


def listed(*urls: str) -> bytes:
    bridges = [{"type": "sse", "url": url} for url in urls]
    return json.dumps([{"name": "w", "bridge": [*bridges, {"type": "js", "key": "w"}]}]).encode()


def test_only_bridges_of_listed_wallets_are_talked_to(tmp_path: Path) -> None:
    origins = wallet_origins(listed("https://a.example/bridge", "https://b.example:8/x?y"))
    assert origins == ("https://a.example", "https://b.example:8")
    text = dict(page_headers(settings(tmp_path), origins))[b"content-security-policy"]
    assert b"connect-src 'self' https://a.example https://b.example:8;" in text
    assert b"script-src 'self';" in text
    # Where no TON is taken, to nobody.
    base = replace(settings(tmp_path), money=MoneySettings())
    text = dict(page_headers(base, origins))[b"content-security-policy"]
    assert b"connect-src 'self';" in text


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff",
        listed("http://a.example"),
        listed("https://a.example; script-src *"),
        listed("https://*"),
        listed("https://["),
        listed("https://u@a.example/"),
        listed(""),
    ],
)
def test_lists_of_wallets_that_are_none(text: bytes) -> None:
    with pytest.raises(ConfigError):
        wallet_origins(text)


def test_the_apps_own_list_of_wallets() -> None:
    path = Path(__file__).parents[4] / "web" / "miniapp" / "public" / "wallets.json"
    assert "https://bridge.tonapi.io" in wallet_origins(path.read_bytes())


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https:",
        "http://example.org",
        "https://a.example; script-src *",
        "https://a.example/path",
        "javascript:alert(1)",
        "'self'",
        "",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
    ],
)
def test_origins_that_may_not_frame(tmp_path: Path, origin: str) -> None:
    with pytest.raises(ConfigError):
        page_headers(settings(tmp_path, frame_ancestors=(origin,)))


def test_a_stand_ins_wallet_only_on_loopback_and_never_in_production(tmp_path: Path) -> None:
    wallet = "http://127.0.0.1:8091/wallet.js"
    with pytest.raises(ConfigError):
        page_headers(settings(tmp_path, stand_in_wallet=wallet))
    base = replace(settings(tmp_path, stand_in_wallet=wallet), is_stand_in=True)
    assert stand_in_origin(base) == "http://127.0.0.1:8091"
    text = dict(page_headers(base))[b"content-security-policy"].decode()
    assert "script-src 'self' http://127.0.0.1:8091;" in text
    for other in ("https://wallet.example/w.js", "http://10.0.0.1/w.js", "//x", "", "http://["):
        bad = replace(settings(tmp_path, stand_in_wallet=other), is_stand_in=True)
        with pytest.raises(ConfigError):
            page_headers(bad)


@pytest.mark.anyio
async def test_what_is_asked_without_a_session(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        async with one.http.get(f"{one.url}/app/config.json") as answer:
            assert await answer.json() == {
                "title": "Cocoon",
                "bot_id": 123456,
                "stand_in": False,
                "stand_in_wallet": None,
                "ton_network": "-239",
            }
        async with one.http.get(f"{one.url}/app/tonconnect-manifest.json") as answer:
            assert answer.headers["access-control-allow-origin"] == "*"
            assert await answer.json() == {
                "url": "https://bot.example",
                "name": "Cocoon",
                "iconUrl": "https://bot.example/app/icon.png",
            }
        async with one.http.get(f"{one.url}/app?x=1", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["location"]) == (308, "/app/?x=1")
        async with one.http.get(f"{one.url}/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})


@pytest.mark.anyio
async def test_health_and_metrics(tmp_path: Path) -> None:
    given = {"healthy": lambda: False, "metrics": lambda: b"cocoon_up 1\n"}
    async with served(tmp_path, **given) as one:
        async with one.http.get(f"{one.url}/healthz") as answer:
            assert answer.status == 503
        async with one.http.get(f"{one.url}/metrics") as answer:
            assert await answer.text() == "cocoon_up 1\n"
        named = {"host": "bot.example"}
        async with one.http.get(f"{one.url}/metrics", headers=named) as answer:
            assert answer.status == 403


@pytest.mark.anyio
async def test_slow_heads_and_large_ones(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.server.port)
        writer.write(b"GET /app/ HTTP/1.1\r\n" + b"x: y\r\n" * 200 + b"\r\n")
        assert b" 431 " in await reader.readuntil(b"\r\n")
        writer.close()
