"""The attestation page as a document, and answers to challenges."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocoon.attestation.document import (
    MAX_CERTIFICATE_BYTES,
    MAX_DOCUMENT_BYTES,
    MAX_EVENT_LOG_BYTES,
    AttestationDocument,
    ChallengeAnswer,
    challenge_report_data,
    der_of,
    form_of,
    pem_of,
)
from cocoon.attestation.evidence import EvidenceKind, report_data
from cocoon.errors import EvidenceError, LocalProtocolError

ANSWER = ChallengeAnswer(bytes(range(32)), EvidenceKind.TDX, b"quote")
PAGE = AttestationDocument(
    role="worker",
    software="cocoon 1",
    kind="tdx",
    certificate=b"\x30\x03abc",
    image_hash=bytes(32),
    config_hash=b"c" * 32,
    model="m@c:h",
    event_log=b"log",
    start_up_log="cocoon:tdx_inited\n",
    challenge=ANSWER,
)


def changed(**members: Any) -> bytes:
    document = json.loads(PAGE.to_bytes())
    document.update(members)
    return json.dumps({k: v for k, v in document.items() if v is not None}).encode()


def test_a_page_survives_its_json_form() -> None:
    assert AttestationDocument.from_bytes(PAGE.to_bytes()) == PAGE
    bare = AttestationDocument("proxy", "cocoon 1", "none", b"\x30\x00")
    assert AttestationDocument.from_bytes(bare.to_bytes()) == bare
    assert b"challenge" not in bare.to_bytes()


@pytest.mark.parametrize(
    "members",
    [
        {"cocoon_attestation": 2},
        {"cocoon_attestation": "1"},
        {"unknown": 1},
        {"role": ""},
        {"role": "x" * 513},
        {"role": "wor\x1b[2Jker"},
        {"software": "a\nb"},
        {"model": "\u202eevil"},
        {"image_hash": "00"},
        {"image_hash": "A" * 64},
        {"certificate": "none"},
        {"certificate": pem_of(b"ab") + pem_of(b"cd")},
        {"certificate": pem_of(b"")},
        {"certificate": pem_of(bytes(MAX_CERTIFICATE_BYTES + 1))},
        {"event_log": "not base64!"},
        {"event_log": "A" * (2 * MAX_EVENT_LOG_BYTES)},
        {"start_up_log": "x" * 65_537},
        {"challenge": {"nonce": "00" * 32, "form": "tdx"}},
        {"challenge": {"nonce": "00" * 31, "form": "tdx", "evidence": "YQ=="}},
        {"challenge": {"nonce": "00" * 32, "form": "tdx-simulated", "evidence": "YQ=="}},
        {"challenge": {"nonce": "00" * 32, "form": "none", "evidence": "YQ=="}},
        {"challenge": {"nonce": "00" * 32, "form": "tdx", "evidence": ""}},
    ],
)
def test_a_malformed_page_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError):
        AttestationDocument.from_bytes(changed(**members))


def test_a_page_that_is_too_long_is_not_parsed() -> None:
    with pytest.raises(EvidenceError, match="at most"):
        AttestationDocument.from_bytes(b" " * (MAX_DOCUMENT_BYTES + 1))


def test_we_do_not_make_what_we_would_refuse() -> None:
    with pytest.raises(LocalProtocolError):
        replace(PAGE, role="\x07").to_bytes()


def test_what_a_challenge_signs() -> None:
    nonce, key = bytes(32), bytes(range(32))
    expected = hashlib.sha512(b"cocoon-challenge-v1\0" + nonce + key).digest()
    assert challenge_report_data(nonce, key) == expected
    assert expected != report_data(key)
    with pytest.raises(LocalProtocolError):
        challenge_report_data(bytes(31), key)
    with pytest.raises(LocalProtocolError):
        challenge_report_data(nonce, bytes(33))


VECTORS = Path(__file__).parents[3] / "vectors" / "attestation" / "challenge.json"


@pytest.mark.parametrize("case", json.loads(VECTORS.read_text()), ids=lambda case: case["name"])
def test_challenges_of_the_vectors(case: dict[str, Any]) -> None:
    given = {name: bytes.fromhex(value) for name, value in case["input"].items()}
    assert challenge_report_data(**given).hex() == case["report_data"]


def test_simulated_evidence_travels_in_the_form_of_the_real_one() -> None:
    assert form_of(EvidenceKind.TDX_SIMULATED) is EvidenceKind.TDX
    assert form_of(EvidenceKind.SNP_SIMULATED) is EvidenceKind.SNP
    with pytest.raises(LocalProtocolError):
        form_of(EvidenceKind.NONE)
    with pytest.raises(LocalProtocolError):
        form_of(EvidenceKind.SGX)


def test_pem_holds_exactly_one_certificate() -> None:
    der = bytes(range(256))
    assert der_of(pem_of(der)) == der
    assert der_of("\n" + pem_of(der) + "\n") == der
    with pytest.raises(EvidenceError):
        der_of(pem_of(der)[:-30])
