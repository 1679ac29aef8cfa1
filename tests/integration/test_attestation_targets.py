"""Attestation pages over HTTP: ours, and those of nodes that mean harm."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from cocoon.attestation.document import MAX_DOCUMENT_BYTES, AttestationDocument
from cocoon.cli.attest.targets import Origin, load_page
from cocoon.cli.config.attestation_page import public_pages
from cocoon.cli.config.tables import PageTable
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import RemoteProtocolError, UnavailableError
from cocoon.net.attestation_page import CHALLENGE_BURST, AttestationPage, PageFacts
from cocoon.net.http_server import HttpServer
from cocoon.net.identity import Identity

pytestmark = pytest.mark.anyio

NOW = int(time.time())
Endpoint = Callable[[Request], Awaitable[Response]]


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    server = HttpServer(app, "127.0.0.1", 0, grace=1)
    await server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await server.stop()


def answering(endpoint: Endpoint) -> Starlette:
    return Starlette(routes=[Route("/attestation", endpoint)])


@pytest.fixture
def page(tmp_path_factory: pytest.TempPathFactory) -> AttestationPage:
    tee = SimulatedTee(tmp_path_factory.mktemp("pages") / "tee", NOW)
    source = SimulatedTdx(tee, "worker")
    return AttestationPage(Identity.generate(source), source, PageFacts(role="worker"))


async def test_a_page_is_found_at_its_usual_place(page: AttestationPage) -> None:
    async with serving(page.app()) as url:
        for target in (url, url + "/", url + "/attestation"):
            loaded = await load_page(target, challenge=True)
            document = AttestationDocument.from_bytes(loaded.data)
            assert loaded.origin is Origin.PAGE
            assert document.challenge is not None
            assert document.challenge.nonce == loaded.nonce
        plain = await load_page(url, challenge=False)
        assert plain.nonce is None


async def test_every_challenge_is_new(page: AttestationPage) -> None:
    async with serving(page.app()) as url:
        nonces = {(await load_page(url, challenge=True)).nonce for _ in range(3)}
    assert len(nonces) == 3


async def test_too_many_challenges_are_said(page: AttestationPage) -> None:
    async with serving(page.app()) as url:
        for _ in range(int(CHALLENGE_BURST)):
            await load_page(url, challenge=True)
        with pytest.raises(UnavailableError, match="too many challenges"):
            await load_page(url, challenge=True)


async def test_a_node_without_hardware_is_read_without_a_challenge() -> None:
    page = AttestationPage(Identity.generate(None), None, PageFacts(role="proxy"))
    async with serving(page.app()) as url:
        assert (await load_page(url, challenge=True)).nonce is None


async def test_a_page_that_is_too_long_is_refused() -> None:
    async def long() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65_536

    async def answer(_request: Request) -> Response:
        return StreamingResponse(long())

    async with serving(answering(answer)) as url:
        with pytest.raises(RemoteProtocolError, match=str(MAX_DOCUMENT_BYTES)):
            await load_page(url, challenge=False)


async def test_a_redirect_is_not_followed() -> None:
    async def answer(_request: Request) -> Response:
        return RedirectResponse("http://127.0.0.1:1/elsewhere")

    async with serving(answering(answer)) as url:
        with pytest.raises(UnavailableError, match="307"):
            await load_page(url, challenge=False)


async def test_an_error_page_does_not_write_to_the_terminal() -> None:
    async def answer(_request: Request) -> Response:
        return PlainTextResponse("\x1b[2J" + "x" * 10_000, 500)

    async with serving(answering(answer)) as url:
        with pytest.raises(UnavailableError) as caught:
            await load_page(url, challenge=True)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 500


async def test_the_public_port_has_the_page_alone(page: AttestationPage) -> None:
    assert public_pages(page, PageTable()) == []
    assert public_pages(None, PageTable(port=1)) == []
    async with serving(page.app()) as url:
        with pytest.raises(UnavailableError, match="404"):
            await load_page(url + "/jsonstats", challenge=False)
