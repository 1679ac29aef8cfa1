"""Quotes of Intel's hardware verify under Intel's root, with the collateral that Intel signed.

That none verifies when it is altered: ``test_altered_quotes.py``.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import dcap_qvl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation import policy
from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.pck import parse_pck_chain
from cocoon.attestation.evidence.sgx import verify_sgx
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH, root_hash_of, verify_tdx
from cocoon.attestation.evidence.tdx_quote import parse_quote
from cocoon.attestation.measurements import SgxMeasurements, TdxMeasurements
from cocoon.devnet.tee_pki import SimulatedPki
from cocoon.errors import (
    ConfigError,
    EvidenceError,
    MissingCollateralError,
    PolicyError,
)
from cocoon.testing.real_evidence import INTEL_DAYS, require_intel


def day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


GOOD_TDX = ("tdx_quote", "tdx_quote_td15ex")


@cache
def quote(name: str) -> bytes:
    return require_intel(name).quote


@cache
def book(name: str) -> CollateralBook:
    return CollateralBook(Collateral.from_json(require_intel(name).collateral))


def judged_at(name: str) -> int:
    return require_intel(name).judged_at


@cache
def honest(name: str) -> VerifiedEvidence:
    return verify_tdx(quote(name), book(name), judged_at(name))


@pytest.mark.parametrize("name", GOOD_TDX)
def test_a_real_quote_verifies_under_intels_root(name: str) -> None:
    found = honest(name)
    assert found.kind is EvidenceKind.TDX
    assert found.tcb_status == "UpToDate"
    assert found.advisories == ()
    assert found.attestation.collateral_root_hash == INTEL_ROOT_HASH
    assert isinstance(found.attestation.measurements, TdxMeasurements)
    proven = {claim.name for claim in found.claims if claim.verdict is Verdict.PROVEN}
    assert proven == {ClaimName.GENUINE_HARDWARE, ClaimName.NOT_DEBUG, ClaimName.TCB_CURRENT}
    assert found.expires_at is not None
    assert judged_at(name) < found.expires_at < judged_at(name) + 40 * 86_400
    assert found.platform_id is not None
    assert len(found.platform_id) == 32


def test_real_machines_have_different_ids() -> None:
    assert honest("tdx_quote").platform_id != honest("tdx_quote_td15ex").platform_id


@pytest.mark.parametrize("name", INTEL_DAYS)
def test_our_reading_of_a_real_quote_is_the_verifiers(name: str) -> None:
    ours, theirs = parse_quote(quote(name)), dcap_qvl.parse_quote(quote(name))
    assert ours.body.report_data == theirs.report.report_data
    chain, extension = parse_pck_chain(ours), theirs.pck_extension()
    assert extension is not None
    assert chain.extension.ppid == extension.ppid
    assert chain.extension.cpu_svn == extension.cpu_svn
    assert bytes(chain.extension.components) == extension.cpu_svn
    assert chain.extension.pce_svn == extension.pce_svn
    assert chain.extension.pce_id == extension.pce_id
    assert chain.extension.fmspc == extension.fmspc
    assert chain.extension.sgx_type == extension.sgx_type
    assert chain.extension.platform_instance == extension.platform_instance_id
    assert chain.issuer_kind == theirs.ca()


def test_a_real_platform_below_every_level_is_refused() -> None:
    name = "tdx_quote_outdated"
    with pytest.raises(EvidenceError, match=r"^platform TCB: older than any level") as caught:
        verify_tdx(quote(name), book(name), judged_at(name))
    assert "firmware" in caught.value.fix


def test_a_real_sgx_quote_verifies_with_its_status_and_advisories() -> None:
    found = verify_sgx(quote("sgx_quote"), book("sgx_quote"), judged_at("sgx_quote"))
    assert found.kind is EvidenceKind.SGX
    assert found.tcb_status == "ConfigurationAndSWHardeningNeeded"
    assert found.advisories == ("INTEL-SA-00289", "INTEL-SA-00615")
    assert isinstance(found.attestation.measurements, SgxMeasurements)
    tcb = next(claim for claim in found.claims if claim.name is ClaimName.TCB_CURRENT)
    assert tcb.verdict is Verdict.REFUTED
    assert "INTEL-SA-00289" in tcb.reason
    assert "BIOS" in tcb.fix


def test_a_real_sgx_quote_is_no_tdx_quote_and_the_other_way_round() -> None:
    with pytest.raises(PolicyError, match="SGX"):
        verify_tdx(quote("sgx_quote"), book("sgx_quote"), judged_at("sgx_quote"))
    with pytest.raises(EvidenceError, match=r"^quote: of a trust domain"):
        verify_sgx(quote("tdx_quote"), book("tdx_quote"), judged_at("tdx_quote"))


def test_the_root_of_a_real_quote_is_the_pinned_one_and_never_counts_as_simulated() -> None:
    root = parse_pck_chain(parse_quote(quote("tdx_quote"))).root
    der = root.public_bytes(Encoding.DER)
    assert root_hash_of(der) == INTEL_ROOT_HASH
    with pytest.raises(ConfigError):
        policy.tdx(collateral=book("tdx_quote"), simulated_root=der)


def test_a_real_quote_does_not_verify_under_a_simulated_root() -> None:
    pki = SimulatedPki.create(judged_at("tdx_quote"), bytes(range(32)))
    with pytest.raises(EvidenceError, match=r"^root: "):
        verify_tdx(
            quote("tdx_quote"),
            book("tdx_quote"),
            judged_at("tdx_quote"),
            simulated_root=pki.root_der,
        )


# --- the collateral around it


def test_without_collateral_it_names_the_platform_model() -> None:
    with pytest.raises(MissingCollateralError, match=r"^collateral: none") as caught:
        verify_tdx(quote("tdx_quote"), CollateralBook(), judged_at("tdx_quote"))
    fmspc = parse_pck_chain(parse_quote(quote("tdx_quote"))).extension.fmspc
    assert (caught.value.kind, caught.value.key) == ("tdx", f"{fmspc.hex()}/platform")


@pytest.mark.parametrize("at", [400, 700, 780, 1160, 2003])
def test_without_collateral_an_altered_quote_asks_for_none(at: int) -> None:
    asked: list[tuple[str, str]] = []
    empty = CollateralBook()
    empty.listener = lambda kind, key: asked.append((kind, key))
    changed = bytearray(quote("tdx_quote"))
    changed[at] ^= 1
    with pytest.raises(EvidenceError):
        verify_tdx(bytes(changed), empty, judged_at("tdx_quote"))
    assert asked == []


@pytest.mark.parametrize(
    ("when", "match"),
    [
        (day("2025-09-01"), "^TCB info: out of date"),
        (day("2025-06-01"), "^TCB info: issued in the future"),
        (day("2040-01-01"), "^root CA CRL: out of date"),
    ],
)
def test_outside_the_time_of_its_collateral_it_is_refused(when: int, match: str) -> None:
    with pytest.raises(EvidenceError, match=match):
        verify_tdx(quote("tdx_quote"), book("tdx_quote"), when)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ("tdx_quote_outdated", r"^TCB info: for another platform model"),
        ("sgx_quote", r"^QE identity: for another kind of TEE"),
    ],
)
def test_collateral_of_another_model_does_not_judge_it(wrong: str, match: str) -> None:
    other = parse_pck_chain(parse_quote(quote(wrong))).extension.fmspc
    collateral = book(wrong).find(other)
    assert collateral is not None
    fmspc = parse_pck_chain(parse_quote(quote("tdx_quote"))).extension.fmspc
    assert fmspc != other
    misfiled = CollateralBook(replace(collateral, fmspc=fmspc))
    with pytest.raises(EvidenceError, match=match):
        verify_tdx(quote("tdx_quote"), misfiled, judged_at(wrong))


def test_collateral_judges_every_machine_of_its_model() -> None:
    # The later collateral came with the certificate of the machine that it was fetched for.
    assert "pck_certificate_chain" in require_intel("tdx_quote_td15ex").collateral
    found = verify_tdx(quote("tdx_quote"), book("tdx_quote_td15ex"), judged_at("tdx_quote_td15ex"))
    assert found.platform_id == honest("tdx_quote").platform_id


@pytest.mark.parametrize("part", ["tcb_info", "qe_identity", "root_ca_crl", "pck_crl"])
def test_altered_collateral_does_not_judge_it(part: str) -> None:
    content = json.loads(require_intel("tdx_quote").collateral)
    if part in ("tcb_info", "qe_identity"):
        content[part] = content[part].replace("UpToDate", "OutOfDate", 1)
    else:
        at = len(content[part]) - 20
        content[part] = content[part][:at] + "00" + content[part][at + 2 :]
    layer = {"tcb_info": "TCB info", "qe_identity": "QE identity", "root_ca_crl": "root CA CRL"}
    altered = CollateralBook(Collateral.from_json(json.dumps(content)))
    with pytest.raises(EvidenceError, match=rf"^{layer.get(part, 'PCK CRL')}: "):
        verify_tdx(quote("tdx_quote"), altered, judged_at("tdx_quote"))


@pytest.mark.parametrize("name", INTEL_DAYS)
def test_the_certificates_in_the_files_are_intels(name: str) -> None:
    chain = parse_pck_chain(parse_quote(quote(name)))
    assert isinstance(chain.leaf, x509.Certificate)
    assert "Intel SGX PCK Certificate" in chain.leaf.subject.rfc4514_string()
    assert chain.issuer_kind == "platform" or "Processor" in chain.leaf.issuer.rfc4514_string()
