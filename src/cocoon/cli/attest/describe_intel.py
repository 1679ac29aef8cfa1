"""TDX and SGX quotes and TDREPORTs, field by field, for people."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.evidence.td_report import TdReport, parse_td_report
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH, root_hash_of
from cocoon.attestation.evidence.tdx_quote import (
    CERTIFICATION_PCK_CHAIN,
    EnclaveBody,
    Quote,
    TdBody,
    parse_quote,
)
from cocoon.attestation.measurements import SgxMeasurements, TdxMeasurements
from cocoon.cli.attest.describe_x509 import CERTIFICATE_ERRORS, describe_chain, load_pems
from cocoon.cli.attest.view import Section, View
from cocoon.errors import ConfigError

TD_FLAGS = {
    0: "DEBUG",
    27: "LASS",
    28: "SEPT_VE_DISABLE",
    29: "MIGRATABLE",
    30: "PKS",
    31: "KL",
    62: "TPA",
    63: "PERFMON",
}
"""TDATTRIBUTES, Intel TDX Module ABI specification."""
ENCLAVE_FLAGS = {
    0: "INIT",
    1: "DEBUG",
    2: "MODE64BIT",
    4: "PROVISION_KEY",
    5: "EINITTOKEN_KEY",
    6: "CET",
    7: "KSS",
}
_SEPT_VE_DISABLE = 1 << 28
_MIGRATABLE = 1 << 29


def describe_quote(data: bytes) -> View:
    """A quote of either kind.

    Raises:
        EvidenceError: it does not parse.
    """
    quote = parse_quote(data)
    view = View("tdx-quote" if isinstance(quote.body, TdBody) else "sgx-quote")
    _header(view.section("header"), quote)
    if isinstance(quote.body, TdBody):
        _domain(view, quote.body)
    else:
        _enclave(view.section("enclave"), quote.body, view)
        measured = SgxMeasurements(quote.body.mr_enclave, quote.body.report_data)
        view.sections[-1].add("image_hash", measured.image_hash())
    _signature(view, quote)
    return view


def describe_td_report(data: bytes) -> View:
    """A TDREPORT of 1024 bytes (``attestation.md`` §4.5).

    Raises:
        EvidenceError: it does not parse.
    """
    report = parse_td_report(data)
    view = View("tdreport")
    header = view.section("report")
    header.add("version", report.version)
    header.add("cpu_svn", report.cpu_svn)
    header.add("tee_tcb_info_hash", report.tee_tcb_info_hash)
    header.add("tee_info_hash", report.tee_info_hash)
    header.add("mac", report.mac)
    domain = view.section("domain")
    domain.add("attributes", flags(report.attributes, TD_FLAGS))
    domain.add("xfam", f"{report.xfam:#018x}")
    _registers(domain, report)
    domain.add("service_td_hash", report.service_td_hash)
    _domain_warnings(view, report.attributes)
    view.warnings.append("only the processor that made a TDREPORT can check its MAC")
    return view


def flags(value: int, names: dict[int, str]) -> str:
    """A number with the names of its bits."""
    found = [names.get(bit, f"bit {bit}") for bit in range(value.bit_length()) if value >> bit & 1]
    return f"{value:#x} ({', '.join(found) or 'none'})"


def _header(section: Section, quote: Quote) -> None:
    header = quote.header
    section.add("version", header.version)
    section.add("tee_type", f"{header.tee_type:#x}")
    section.add("attestation_key_type", header.key_type)
    section.add("qe_svn", header.qe_svn)
    section.add("pce_svn", header.pce_svn)
    section.add("vendor", f"{header.vendor.hex()} (Intel)")
    section.add("user_data", header.user_data)


def _domain(view: View, body: TdBody) -> None:
    section = view.section("domain")
    section.add("attributes", flags(body.attributes, TD_FLAGS))
    section.add("xfam", f"{body.xfam:#018x}")
    _registers(section, body)
    section.add("mr_service_td", body.mr_service_td)
    module = view.section("tdx module")
    module.add("tee_tcb_svn", body.tee_tcb_svn)
    module.add("tee_tcb_svn_2", body.tee_tcb_svn_2)
    module.add("mr_seam", body.mr_seam)
    module.add("mr_signer_seam", body.mr_signer_seam)
    module.add("seam_attributes", f"{body.seam_attributes:#x}")
    _domain_warnings(view, body.attributes)
    if any(body.mr_service_td or b""):
        view.warnings.append("a service domain is bound to it, which may migrate it")


def _registers(section: Section, body: TdBody | TdReport) -> None:
    measured = TdxMeasurements(
        mr_td=body.mr_td,
        mr_config_id=body.mr_config_id,
        mr_owner=body.mr_owner,
        mr_owner_config=body.mr_owner_config,
        rtmrs=body.rtmrs,
        report_data=body.report_data,
    )
    section.add("mr_td", measured.mr_td)
    section.add("mr_config_id", measured.mr_config_id)
    section.add("mr_owner", measured.mr_owner)
    section.add("mr_owner_config", measured.mr_owner_config)
    for index, rtmr in enumerate(measured.rtmrs):
        section.add(f"rtmr{index}", rtmr)
    section.add("report_data", measured.report_data)
    section.add("image_hash", measured.image_hash())


def _domain_warnings(view: View, attributes: int) -> None:
    if attributes & 0xFF:
        view.warnings.append("DEBUG: the host can read and change this domain's memory")
    if not attributes & _SEPT_VE_DISABLE:
        view.warnings.append("SEPT_VE_DISABLE is clear: the host can inject #VE into the domain")
    if attributes & _MIGRATABLE:
        view.warnings.append("MIGRATABLE: the domain may be moved to another machine")


def _enclave(section: Section, body: EnclaveBody, view: View) -> None:
    section.add("attributes", flags(int.from_bytes(body.attributes[:8], "little"), ENCLAVE_FLAGS))
    section.add("xfrm", body.attributes[8:])
    section.add("cpu_svn", body.cpu_svn)
    section.add("misc_select", f"{body.misc_select:#x}")
    section.add("mr_enclave", body.mr_enclave)
    section.add("mr_signer", body.mr_signer)
    section.add("product_id", body.product_id)
    section.add("svn", body.svn)
    section.add("report_data", body.report_data)
    if body.is_debug:
        view.warnings.append(f"DEBUG: the host can read the memory of the {section.title}")


def _signature(view: View, quote: Quote) -> None:
    signature = quote.signature
    section = view.section("signature")
    section.add("signature", signature.signature)
    section.add("attestation_key", signature.attestation_key)
    section.add("qe_signature", signature.qe_signature)
    section.add("auth_data", signature.auth_data)
    section.add("certification_type", signature.certification_type)
    section.add("padding_bytes", quote.padding)
    _enclave(view.section("quoting enclave"), signature.qe_report, view)
    if signature.certification_type != CERTIFICATION_PCK_CHAIN:
        view.warnings.append("the quote does not carry its certificates")
        return
    try:
        chain = load_pems(signature.certification_data.rstrip(b"\0"))
    except CERTIFICATE_ERRORS:
        view.warnings.append("the certificates in the quote do not parse")
        return
    view.include(describe_chain(chain), "PCK ")
    if not chain or _root_hash(chain[-1]) != INTEL_ROOT_HASH:
        view.warnings.append("its certificates do not end in Intel's root: SIMULATED, or forged")


def _root_hash(root: x509.Certificate) -> bytes | None:
    try:
        return root_hash_of(root.public_bytes(Encoding.DER))
    except (ConfigError, *CERTIFICATE_ERRORS):
        return None
