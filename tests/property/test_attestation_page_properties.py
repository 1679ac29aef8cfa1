"""No changed page, and no changed evidence on it, ever passes as something else."""

import contextlib
import json
import time
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.attestation.document import AttestationDocument, ChallengeAnswer
from cocoon.attestation.evidence import EvidenceKind
from cocoon.cli.attest.judging import Basis
from cocoon.cli.attest.targets import Loaded, Origin
from cocoon.cli.attest.verification import Beside, verify_loaded
from cocoon.collateral.library import Books
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import EvidenceError
from cocoon.net.attestation_page import AttestationPage, PageFacts
from cocoon.net.identity import Identity

NONCE = bytes(range(32))
printable = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=80)


def now() -> int:
    """Asked for by each test: a long run begins minutes before it comes to this file."""
    return int(time.time())


@cache
def setting() -> tuple[SimulatedTee, bytes]:
    tee = SimulatedTee(Path(mkdtemp()) / "tee", now())
    source = SimulatedTdx(tee, "worker")
    page = AttestationPage(Identity.generate(source), source, PageFacts(role="worker"))
    return tee, anyio.run(page.document, NONCE).to_bytes()


@given(
    st.builds(
        AttestationDocument,
        role=printable,
        software=printable,
        kind=printable,
        certificate=st.binary(min_size=1, max_size=300),
        image_hash=st.none() | st.binary(min_size=32, max_size=32),
        config_hash=st.none() | st.binary(min_size=32, max_size=32),
        model=st.none() | printable,
        event_log=st.none() | st.binary(min_size=1, max_size=300),
        start_up_log=st.none() | st.text(max_size=80),
        challenge=st.none()
        | st.builds(
            ChallengeAnswer,
            nonce=st.binary(min_size=32, max_size=32),
            form=st.sampled_from([EvidenceKind.TDX, EvidenceKind.SNP, EvidenceKind.FAKE_TDX]),
            evidence=st.binary(min_size=1, max_size=300),
        ),
    )
)
def test_every_page_survives_its_json_form(document: AttestationDocument) -> None:
    assert AttestationDocument.from_bytes(document.to_bytes()) == document


@given(st.binary(max_size=400))
def test_bytes_raise_one_class(data: bytes) -> None:
    with contextlib.suppress(EvidenceError):
        AttestationDocument.from_bytes(data)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_page_is_refused_or_means_the_same(data: st.DataObject) -> None:
    tee, good = setting()
    at = data.draw(st.integers(0, len(good) - 1))
    changed = bytearray(good)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    basis = Basis("test", Books(), policy=tee.policy(now()), role="worker")
    loaded = Loaded("page", Origin.PAGE, bytes(changed), NONCE)
    verdict = verify_loaded(loaded, basis, now(), Beside())
    if verdict.verified:
        before, after = json.loads(good), json.loads(bytes(changed))
        # Words that nobody signs may differ; whatever is signed may not.
        for name in ("software", "kind", "role"):
            before.pop(name), after.pop(name)
        same = AttestationDocument.from_bytes(bytes(changed)).certificate
        assert same == AttestationDocument.from_bytes(good).certificate
        assert after.get("challenge", {}).keys() == before["challenge"].keys()
