"""A page comes from whoever sends it: the verdict says what still has to be compared."""

import time
from pathlib import Path

import anyio

from cocoon.cli.attest.judging import Basis
from cocoon.cli.attest.targets import Loaded, Origin
from cocoon.cli.attest.verification import Beside, verify_loaded
from cocoon.collateral.books import Books
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.net.attestation_page import AttestationPage, PageFacts
from cocoon.net.identity import Identity

NONCE = bytes(range(32))


def now() -> int:
    """Asked for by each test: a long run begins minutes before it comes to this file."""
    return int(time.time())


def test_a_relayed_page_verifies_and_the_verdict_says_that_it_may_be_one(tmp_path: Path) -> None:
    tee = SimulatedTee(tmp_path / "tee", now())
    source = SimulatedTdx(tee, "worker")
    page = AttestationPage(Identity.generate(source), source, PageFacts(role="worker"))
    data = anyio.run(page.document, NONCE).to_bytes()
    # A stranger's server asked the genuine node our nonce, and passes its answer on.
    loaded = Loaded("https://stranger.example", Origin.PAGE, data, NONCE)
    verdict = verify_loaded(loaded, Basis("t", Books(), policy=tee.policy(now())), now(), Beside())
    assert verdict.verified
    assert any("the same public key" in note for note in verdict.notes)
