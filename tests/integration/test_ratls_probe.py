"""A stranger asks a node for its certificate, over real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from cocoon.attestation.policy import Policy
from cocoon.cli.attest.judging import Basis
from cocoon.cli.attest.targets import Loaded, Origin
from cocoon.cli.attest.verification import Beside, verify_loaded
from cocoon.collateral.books import Books
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import CocoonError, DeadlineError, RemoteProtocolError, UnavailableError
from cocoon.net.identity import Identity
from cocoon.net.ratls import RatlsTimeouts, listen_ratls
from cocoon.net.ratls_probe import fetch_certificate
from cocoon.testing.certificates import CertificateRecipe
from cocoon.testing.ratls import Recorder, identity_of
from cocoon.wire import pow as proof

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1"
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


def now() -> int:
    """Asked for by each test: a long run begins minutes before it comes to this file."""
    return int(time.time())


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("probe") / "tee", now())


@asynccontextmanager
async def node(identity: Identity, policy: Policy, difficulty: int = 4) -> AsyncIterator[int]:
    server = await listen_ratls(
        Recorder, HOST, 0, identity=identity, policy=policy, pow_difficulty=difficulty
    )
    try:
        yield server.port
    finally:
        await server.close()


@asynccontextmanager
async def stranger(answer: Answer) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            result = answer(reader, writer)
            if asyncio.iscoroutine(result):
                await result
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def test_a_node_that_asks_for_evidence_still_shows_its_own(tee: SimulatedTee) -> None:
    identity = Identity.generate(SimulatedTdx(tee, "proxy"))
    async with node(identity, tee.policy(now())) as port:
        der = await fetch_certificate(HOST, port)
    assert der == identity.current().certificate_der
    loaded = Loaded("node", Origin.PORT, der)
    basis = Basis("devnet", Books(), policy=tee.policy(now()))
    found = verify_loaded(loaded, basis, now(), Beside())
    assert found.verified
    assert "holds the certificate's key" in found.report.steps[1].reason
    refused = verify_loaded(loaded, Basis("production", Books()), now(), Beside())
    assert not refused.verified


@pytest.mark.parametrize(
    "recipe",
    [
        CertificateRecipe(now() - 10_000, lifetime=100),
        CertificateRecipe(now() + 10_000),
        CertificateRecipe(now() - 10, dns_names=("elsewhere",)),
        CertificateRecipe(now() - 10, quote=b"nonsense"),
    ],
    ids=["expired", "not valid yet", "another name", "no quote"],
)
async def test_a_certificate_that_peers_refuse_is_kept_and_then_judged(
    recipe: CertificateRecipe, tee: SimulatedTee
) -> None:
    der = recipe.to_der()
    async with node(identity_of(recipe, der), tee.policy(now())) as port:
        assert await fetch_certificate(HOST, port) == der
    basis = Basis("devnet", Books(), policy=tee.policy(now()))
    assert not verify_loaded(Loaded("node", Origin.PORT, der), basis, now(), Beside()).verified


async def test_a_proof_of_work_that_is_too_hard_is_refused(tee: SimulatedTee) -> None:
    async with node(Identity.generate(None), tee.policy(now()), difficulty=30) as port:
        with pytest.raises(CocoonError):
            await fetch_certificate(HOST, port, max_pow_difficulty=20)


@pytest.mark.parametrize("what", ["nothing", "short", "nonsense", "closes", "plain", "silent"])
async def test_whoever_does_not_speak_the_protocol_is_left(what: str) -> None:
    challenge = proof.Challenge(1, bytes(16)).to_bytes()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = {"nothing": b"", "short": challenge[:10], "nonsense": b"HTTP/1.1 400 Bad Request"}
        writer.write(sent.get(what, challenge))
        if what in ("plain", "silent"):
            await reader.readexactly(proof.Response.SIZE)
            if what == "plain":
                writer.write(b"hello, this is no TLS\n" * 10)
            await asyncio.sleep(0.5)

    limits = RatlsTimeouts(connect=2, pow=2, tls=0.2)
    async with stranger(answer) as port:
        with pytest.raises((UnavailableError, RemoteProtocolError, DeadlineError)):
            await fetch_certificate(HOST, port, timeouts=limits)


async def test_nobody_there() -> None:
    with pytest.raises(UnavailableError, match="cannot connect"):
        await fetch_certificate(HOST, 1)
