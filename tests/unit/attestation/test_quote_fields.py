"""Every field of a quote and of its kin is read from its own place."""

import struct
from dataclasses import fields

import dcap_qvl
import pytest

from cocoon.attestation.evidence.pck import parse_pck_chain
from cocoon.attestation.evidence.td_report import parse_td_report
from cocoon.attestation.evidence.tdx_quote import (
    EnclaveBody,
    TdBody,
    parse_enclave_body,
    parse_quote,
)
from cocoon.devnet.tee_pki import CPU_SVN, FMSPC, PCE_ID, PCE_SVN, SimulatedPki
from cocoon.devnet.tee_quote import TEE_TDX, header, sign_quote
from cocoon.errors import EvidenceError
from cocoon.testing.intel import intel_lab
from cocoon.testing.real_evidence import INTEL_DAYS, require_intel

NOW = 1_795_000_000
TD_FIELDS = (
    ("tee_tcb_svn", 16),
    ("mr_seam", 48),
    ("mr_signer_seam", 48),
    ("seam_attributes", 8),
    ("attributes", 8),
    ("xfam", 8),
    ("mr_td", 48),
    ("mr_config_id", 48),
    ("mr_owner", 48),
    ("mr_owner_config", 48),
    ("rtmr0", 48),
    ("rtmr1", 48),
    ("rtmr2", 48),
    ("rtmr3", 48),
    ("report_data", 64),
    ("tee_tcb_svn_2", 16),
    ("mr_service_td", 48),
)
EXTENSION_FIELDS = (
    ("vm_index", 1),
    ("td_id", 32),
    ("device_info", 48),
    ("first_service_td", 48),
    ("first_service_attributes", 8),
    ("first_cpu_svn", 16),
    ("first_tee_tcb_svn", 16),
    ("first_fmspc", 12),
    ("service_td", 48),
    ("service_attributes", 8),
)
PLATFORM_ID = bytes(range(100, 132))


@pytest.fixture(scope="module")
def pki() -> SimulatedPki:
    return SimulatedPki.create(NOW, PLATFORM_ID)


def filled(layout: tuple[tuple[str, int], ...], first: int) -> bytes:
    """Each field filled with a number of its own."""
    return b"".join(bytes([first + at]) * size for at, (_, size) in enumerate(layout))


def value_of(found: object, name: str) -> object:
    if name.startswith("rtmr"):
        assert isinstance(found, TdBody)
        return found.rtmrs[int(name[4:])]
    return getattr(found, name)


def check(found: object, layout: tuple[tuple[str, int], ...], first: int) -> None:
    for at, (name, size) in enumerate(layout):
        value = value_of(found, name)
        raw = value.to_bytes(size, "little") if isinstance(value, int) else value
        assert raw == bytes([first + at]) * size, name


def typed(pki: SimulatedPki, kind: int, body: bytes) -> bytes:
    return sign_quote(pki, header(5, TEE_TDX) + struct.pack("<HI", kind, len(body)) + body)


def test_domains_of_every_form(pki: SimulatedPki) -> None:
    whole = filled(TD_FIELDS, 1)
    old = parse_quote(sign_quote(pki, header(4, TEE_TDX) + whole[:584])).body
    assert isinstance(old, TdBody)
    check(old, TD_FIELDS[:-2], 1)
    assert (old.tee_tcb_svn_2, old.mr_service_td, old.extension) == (None, None, None)
    assert parse_quote(typed(pki, 2, whole[:584])).body == old
    later = parse_quote(typed(pki, 3, whole)).body
    check(later, TD_FIELDS, 1)
    latest = parse_quote(typed(pki, 4, whole + filled(EXTENSION_FIELDS, 101))).body
    assert isinstance(latest, TdBody)
    check(latest, TD_FIELDS, 1)
    check(latest.extension, EXTENSION_FIELDS, 101)


def test_header_signature_section_and_certificates(pki: SimulatedPki) -> None:
    raw = sign_quote(pki, header(4, TEE_TDX) + filled(TD_FIELDS, 1)[:584])
    quote = parse_quote(raw + bytes(5))
    assert (quote.header.version, quote.header.key_type, quote.header.tee_type) == (4, 2, 0x81)
    assert quote.header.user_data == raw[28:48]
    assert (quote.signed, quote.padding) == (raw[:632], 5)
    signature = quote.signature
    assert (signature.signature, signature.attestation_key) == (raw[636:700], raw[700:764])
    assert signature.qe_report_bytes == raw[770:1154]
    assert signature.qe_signature == raw[1154:1218]
    assert signature.auth_data == bytes(range(32))
    assert signature.certification_type == 5
    assert signature.certification_data == raw[1258:]
    chain = parse_pck_chain(quote)
    assert chain.leaf == pki.pck.certificate
    assert (chain.issuer, chain.root) == (pki.platform_ca.certificate, pki.root.certificate)
    extension = chain.extension
    assert (extension.ppid, extension.platform_instance) == (PLATFORM_ID[:16], PLATFORM_ID[16:])
    assert (extension.cpu_svn, bytes(extension.components)) == (CPU_SVN, CPU_SVN)
    assert (extension.pce_svn, extension.pce_id, extension.fmspc) == (PCE_SVN, PCE_ID, FMSPC)
    flags = (extension.dynamic_platform, extension.cached_keys, extension.smt_enabled)
    assert (extension.sgx_type, flags) == (1, (False, True, True))


def test_enclaves() -> None:
    layout = (16, 4, -12, 16, 16, 32, -32, 32, -32, 64, 2, 2, 2, -42, 16, 64)
    raw = b"".join(
        bytes(-size) if size < 0 else bytes([at + 1]) * size for at, size in enumerate(layout)
    )
    body = parse_enclave_body(raw)
    assert body == EnclaveBody(
        cpu_svn=b"\x01" * 16,
        misc_select=0x02020202,
        extended_product_id=b"\x04" * 16,
        attributes=b"\x05" * 16,
        mr_enclave=b"\x06" * 32,
        mr_signer=b"\x08" * 32,
        config_id=b"\x0a" * 64,
        product_id=0x0B0B,
        svn=0x0C0C,
        config_svn=0x0D0D,
        family_id=b"\x0f" * 16,
        report_data=b"\x10" * 64,
    )
    for at in (20, 100, 160, 262):
        changed = bytearray(raw)
        changed[at] = 1
        with pytest.raises(EvidenceError, match="reserved"):
            parse_enclave_body(bytes(changed))


@pytest.mark.parametrize("name", [name for name in intel_lab().quotes if name != "sgx v3"])
def test_domains_as_the_verifier_reads_them(name: str) -> None:
    require_read_alike(intel_lab().quotes[name])


@pytest.mark.parametrize("name", [name for name in INTEL_DAYS if name != "sgx_quote"])
def test_real_domains_as_the_verifier_reads_them(name: str) -> None:
    require_read_alike(require_intel(name).quote)


def require_read_alike(quote: bytes) -> None:
    ours, theirs = parse_quote(quote), dcap_qvl.parse_quote(quote)
    body, report = ours.body, theirs.report
    assert isinstance(body, TdBody)
    assert not isinstance(report, dcap_qvl.SgxEnclaveReport)
    for name in ("tee_tcb_svn", "mr_seam", "mr_signer_seam", "mr_td", "mr_config_id", "mr_owner"):
        assert getattr(body, name) == getattr(report, name), name
    assert body.mr_owner_config == report.mr_owner_config
    assert body.rtmrs == (report.rt_mr0, report.rt_mr1, report.rt_mr2, report.rt_mr3)
    assert body.attributes.to_bytes(8, "little") == report.td_attributes
    assert body.xfam.to_bytes(8, "little") == report.xfam
    assert ours.header.user_data == theirs.header.user_data
    assert body.mr_service_td == getattr(report, "mr_service_td", None)
    assert body.tee_tcb_svn_2 == getattr(report, "tee_tcb_svn2", None)
    assert getattr(body.extension, "td_id", None) == getattr(report, "td_id", None)


def test_a_td_report() -> None:
    layout = (16, 16, 48, 48, 64, 32, 32, 239, 17, 8, 8, 48, 48, 48, 48, 48, 48, 48, 48, 48, 64)
    parts = [bytes([at + 1]) * size for at, size in enumerate(layout)]
    parts[0] = bytes([0x81, 0, 1, 9]) + bytes(12)
    report = parse_td_report(b"".join(parts))
    assert (report.version, report.type_reserved) == (1, 9)
    named = {field.name: getattr(report, field.name) for field in fields(report)}
    for at, name in (
        (1, "cpu_svn"),
        (2, "tee_tcb_info_hash"),
        (3, "tee_info_hash"),
        (4, "report_data"),
        (6, "mac"),
        (7, "tee_tcb_info"),
        (11, "mr_td"),
        (12, "mr_config_id"),
        (13, "mr_owner"),
        (14, "mr_owner_config"),
        (19, "service_td_hash"),
    ):
        assert named[name] == parts[at], name
    assert report.rtmrs == (parts[15], parts[16], parts[17], parts[18])
    assert (report.attributes, report.xfam) == (0x0A0A0A0A0A0A0A0A, 0x0B0B0B0B0B0B0B0B)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(1024),
        b"\x81\x01" + bytes(1022),
        b"\x81\0\x02" + bytes(1021),
        b"\x81" + bytes(1022),
    ],
)
def test_other_reports_are_refused(raw: bytes) -> None:
    with pytest.raises(EvidenceError):
        parse_td_report(raw)
