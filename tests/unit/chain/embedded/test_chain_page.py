"""The page for people: what it shows, and that nothing on it is anybody's HTML."""

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from cocoon.chain import Address, Builder
from cocoon.chain.embedded import EmbeddedChain
from cocoon.chain.embedded.http import create_app
from cocoon.chain.embedded.http.call import HTML, Call
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.probe import ADD_FAILS, Probe, add

NOBODY = Address(bytes([0x77]) * 32)
HOSTILE = "<script>alert(\"x\")</script><img src=x onerror='alert(1)'>&amp;"
VOID = {"meta", "th", "td", "br"}
KNOWN = VOID | {
    *("html", "head", "title", "style", "body", "h1", "h2", "p", "a"),
    *("time", "span", "table", "thead", "tbody", "tr"),
}


class Page(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        yield chain


def load(chain: EmbeddedChain) -> Page:
    answer = create_app(chain).answer(Call("GET", "/"))
    assert (answer.status, answer.content_type) == (200, HTML)
    policy = dict(answer.headers)[b"content-security-policy"]
    assert policy.startswith(b"default-src 'none'")
    page = Page(answer.body.decode())
    assert page.open == []
    assert set(page.tags) <= KNOWN
    return page


def test_empty_chain_has_a_page(chain: EmbeddedChain) -> None:
    page = load(chain)
    assert page.texts.count("None yet.") == 2
    assert "2027-01-15 08:00:00" in page.texts


def test_page_shows_what_happened(chain: EmbeddedChain) -> None:
    probe = Probe().deploy(chain)
    chain.faucet(probe.address, TON, body=add(ADD_FAILS))
    chain.faucet(NOBODY, 3 * TON // 2)
    page = load(chain)
    assert "1.5" in page.texts
    assert f"exit code {100 + ADD_FAILS}" in page.texts
    assert "received" in page.texts
    assert NOBODY.raw() in page.texts
    newest = chain.recent_transactions(limit=1)[0]
    assert f"/devnet/transaction/{newest.hash.hex()}" in page.links
    app = create_app(chain)
    for link in page.links:  # every one leads somewhere on this server
        assert app.answer(Call("GET", link)).status == 200


def test_nothing_outside_is_loaded(chain: EmbeddedChain) -> None:
    chain.faucet(NOBODY, TON)
    page = load(chain)
    assert all(link.startswith("/devnet/") for link in page.links)
    assert page.attributes <= {"lang", "charset", "name", "content", "href", "class", "id"}


@pytest.mark.parametrize("text", [HOSTILE, "é\x00\x1b[31m", "\ufeff</style>", "“" * 60])
def test_what_strangers_write_stays_text(chain: EmbeddedChain, text: str) -> None:
    plain = load(chain).tags
    data = text.encode()
    rest = Builder().raw(data[100:]).cell()
    body = Builder().uint(0, 32).raw(data[:100]).ref(rest).cell()
    chain.faucet(NOBODY, TON, body=body)
    page = load(chain)
    assert not {"script", "img"} & set(page.tags)
    assert len(page.tags) > len(plain)
    assert any(text[:20] in shown for shown in page.texts) or "\x00" in text
