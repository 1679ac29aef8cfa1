"""Answers of the vendors' services: altered anywhere, they are refused or mean the same."""

import asyncio
import json
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.attestation.evidence.collateral import Collateral
from cocoon.attestation.evidence.tdx import root_hash_of
from cocoon.collateral.http import Answer
from cocoon.collateral.intel import IntelCollateral, platform_key
from cocoon.collateral.intel_answers import (
    enclave_identity,
    issuer_chain,
    revocation_list,
    tcb_info,
)
from cocoon.collateral.nvidia import rim_of
from cocoon.collateral.store import Stored, parse_stored
from cocoon.collateral.wanted import Wanted, WantedRule
from cocoon.devnet.tee_pki import FMSPC, SimulatedPki
from cocoon.errors import CollateralError

NOW = 1_795_000_000
KEY = platform_key(FMSPC.hex())


@cache
def platform() -> tuple[bytes, list[Answer]]:
    """The root's hash, and what a PCCS answers to the four requests."""
    pki = SimulatedPki.create(NOW, bytes(32))
    parts = json.loads(pki.collateral_json(NOW))
    tcb = f'{{"tcbInfo":{parts["tcb_info"]},"signature":"{parts["tcb_info_signature"]}"}}'
    signature = parts["qe_identity_signature"]
    identity = f'{{"enclaveIdentity":{parts["qe_identity"]},"signature":"{signature}"}}'
    return root_hash_of(pki.root_der), [
        Answer(tcb.encode(), {"tcb-info-issuer-chain": quote(parts["tcb_info_issuer_chain"])}),
        Answer(
            identity.encode(),
            {"sgx-enclave-identity-issuer-chain": quote(parts["qe_identity_issuer_chain"])},
        ),
        Answer(
            bytes.fromhex(parts["pck_crl"]),
            {"sgx-pck-crl-issuer-chain": quote(parts["pck_crl_issuer_chain"])},
        ),
        Answer(parts["root_ca_crl"].encode(), {}),
    ]


class Service:
    def __init__(self, answers: list[Answer]) -> None:
        self.answers = list(answers)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        return self.answers.pop(0)


def fetch(answers: list[Answer]) -> Collateral:
    service = IntelCollateral(Service(answers), None, root_hash=platform()[0])
    return asyncio.run(service.fetch("tdx", KEY))


def test_the_true_answers_are_taken():
    assert fetch(platform()[1]).fmspc == FMSPC


@settings(max_examples=300)
@given(which=st.integers(0, 3), place=st.integers(0, 2**16), bit=st.integers(0, 7))
def test_no_altered_body_is_ever_taken(which, place, bit):
    answers = list(platform()[1])
    body = bytearray(answers[which].body)
    body[place % len(body)] ^= 1 << bit
    answers[which] = Answer(bytes(body), answers[which].headers)
    try:
        taken = fetch(answers)
    except CollateralError:
        return
    # Hex digits in the other case, or a key of the outer JSON that nobody looks at.
    true = fetch(platform()[1])
    for name in ("tcb_info", "tcb_info_signature", "qe_identity", "qe_identity_signature",
                 "pck_crl", "root_ca_crl"):  # fmt: skip
        assert getattr(taken.handle, name) == getattr(true.handle, name)


@given(st.binary(max_size=500))
def test_any_body_is_a_document_or_an_error_of_its_class(body):
    for parse in (tcb_info, enclave_identity, revocation_list, rim_of):
        with pytest.raises(CollateralError):
            parse(body)


@given(st.text(max_size=300))
def test_any_header_is_a_chain_or_an_error_of_its_class(text):
    with pytest.raises(CollateralError):
        issuer_chain({"a": text}, ("a",))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["a", "fmspc", "id", "nextUpdate"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    )
)
def test_any_signed_json_is_a_document_or_an_error_of_its_class(value):
    answers = list(platform()[1])
    body = json.dumps({"tcbInfo": value, "signature": "00" * 64}).encode()
    answers[0] = Answer(body, answers[0].headers)
    with pytest.raises(CollateralError):
        fetch(answers)


@given(st.binary(max_size=300))
def test_any_file_is_a_document_or_nothing(content):
    assert parse_stored(content) is None


@given(key=st.text(max_size=1024), content=st.text(max_size=200), at=st.integers(0, 2**40))
def test_stored_documents_come_back(key, content, at):
    stored = Stored(kind="tdx", key=key, fetched_at=at, content=content)
    assert parse_stored(msgspec.json.encode(stored)) == stored


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "take", "wait", "refuse"]), st.integers(0, 40), st.floats(0, 30)
        ),
        max_size=120,
    )
)
def test_notes_never_come_faster_than_they_may(steps):
    clock, taken = [0.0], []
    rule = WantedRule(capacity=10, burst=3, interval=10.0, refused_capacity=5)
    wanted = Wanted(lambda: clock[0], rule=rule, randrange=lambda count: count // 2)
    for action, number, passed in steps:
        clock[0] += passed
        if action == "add":
            wanted.add("tdx", str(number))
        elif action == "refuse":
            wanted.refuse("tdx", str(number))
        elif action == "wait":
            pause = wanted.wait()
            assert (pause is None) == (len(wanted) == 0)
        elif wanted.take() is not None:
            taken.append(clock[0])
        assert len(wanted) <= rule.capacity
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            allowed = rule.burst + (taken[last] - taken[first]) / rule.interval + 1e-6
            assert last - first + 1 <= allowed
