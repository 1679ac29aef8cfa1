"""RA-TLS certificates, evidence bundles, statements and pages, for people."""

import hashlib
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.certificate import (
    OID_BUNDLE,
    OID_QUOTE,
    OID_USER_CLAIMS,
    RatlsCertificate,
    parse_certificate,
)
from cocoon.attestation.document import AttestationDocument
from cocoon.attestation.endorsement import Endorsement
from cocoon.attestation.evidence import EvidenceKind, report_data
from cocoon.attestation.statement import Statement, gpu_hash, statement_report_data
from cocoon.cli.attest.describe_amd import describe_snp
from cocoon.cli.attest.describe_intel import describe_quote
from cocoon.cli.attest.describe_nvidia import describe_gpu
from cocoon.cli.attest.describe_x509 import moment, printable
from cocoon.cli.attest.view import View
from cocoon.errors import AttestationError, CertificateError, EvidenceError

FAKE_BYTES = 64
_OURS = {OID_QUOTE: "TDX_QUOTE", OID_USER_CLAIMS: "TDX_USER_CLAIMS", OID_BUNDLE: "EVIDENCE_BUNDLE"}


def describe_ratls(der: bytes) -> View:
    """A certificate with all evidence in it; nothing is verified but its self-signature."""
    view = View("ra-tls-certificate")
    section = view.section("certificate")
    try:
        parsed = parse_certificate(der)
    except CertificateError as error:
        view.warnings.append(f"peers refuse this certificate: {error}")
        return _describe_broken(view, der)
    certificate = x509.load_der_x509_certificate(der)
    section.add("public_key", parsed.public_key)
    section.add("not_before", moment(parsed.not_before))
    section.add("not_after", moment(parsed.not_after))
    section.add("dns_names", [printable(name) for name in parsed.dns_names])
    section.add("server_auth", parsed.server_auth)
    section.add("client_auth", parsed.client_auth)
    section.add("version", certificate.version.name)
    section.add("serial", f"{certificate.serial_number:x}")
    section.add("bytes", len(der))
    section.add("sha256", certificate.fingerprint(hashes.SHA256()))
    section.add("extensions", [_extension(item) for item in certificate.extensions])
    for oid in parsed.unknown_critical:
        view.warnings.append(f"peers refuse the unknown critical extension {oid}")
    if parsed.quote is None and parsed.bundle is None:
        view.warnings.append("no evidence: anybody can make such a certificate")
    if parsed.quote is not None:
        _quote(view, parsed.quote, parsed.public_key)
    if parsed.bundle is not None:
        _bundle(view, parsed)
    return view


def describe_bundle(data: bytes) -> View:
    """An evidence bundle by itself.

    Raises:
        EvidenceError: it does not parse.
    """
    view = View("evidence-bundle")
    _show_bundle(view, EvidenceBundle.from_bytes(data))
    return view


def describe_statement(data: bytes, public_key: bytes | None = None) -> View:
    """A dated statement.

    Raises:
        EvidenceError: it does not parse.
    """
    statement = Statement.from_bytes(data)
    view = View("statement")
    section = view.section("statement")
    section.add("public_key", statement.public_key)
    section.add("not_before", moment(statement.not_before))
    section.add("not_after", moment(statement.not_after))
    section.add("issued_at", moment(statement.issued_at))
    section.add("gpu_hash", statement.gpu_hash)
    section.add("model_hash", statement.model_hash)
    section.add("report_data", statement_report_data(data))
    if public_key is not None and statement.public_key != public_key:
        view.warnings.append("the statement is about another key than the certificate's")
    return view


def describe_endorsement(data: bytes) -> View:
    """An operator's endorsement; its signature is verified, as far as the operator is known.

    Raises:
        EvidenceError: it does not parse, or its signature is wrong.
    """
    endorsement = Endorsement.from_bytes(data)
    view = View("endorsement")
    section = view.section("endorsement")
    section.add("operator", endorsement.operator)
    section.add("platform_id", endorsement.platform_id)
    section.add("not_before", moment(endorsement.not_before))
    section.add("not_after", moment(endorsement.not_after))
    return view


def describe_fake(data: bytes) -> View:
    """The official test evidence: 64 bytes of report data."""
    view = View("fake-evidence")
    view.section("evidence").add("report_data", data)
    view.warnings.append("FAKE: anybody can make this; it proves nothing")
    return view


def describe_page(data: bytes) -> View:
    """A node's attestation page with everything in it.

    Raises:
        EvidenceError: it does not parse.
    """
    document = AttestationDocument.from_bytes(data)
    view = View("attestation-page")
    section = view.section("page")
    section.add("role", document.role)
    section.add("software", document.software)
    section.add("kind", document.kind)
    section.add("image_hash", document.image_hash)
    section.add("config_hash", document.config_hash)
    section.add("model", document.model)
    if document.event_log is not None:
        section.add("event_log_bytes", len(document.event_log))
    view.warnings.append("what a page says counts only as far as the evidence on it proves it")
    view.include(describe_ratls(document.certificate))
    if document.challenge is not None:
        answer = view.section("challenge")
        answer.add("nonce", document.challenge.nonce)
        answer.add("form", document.challenge.form.value)
        evidence = _evidence(document.challenge.form, document.challenge.evidence)
        view.include(evidence, "challenge ")
    return view


def _quote(view: View, quote: bytes, public_key: bytes) -> None:
    inner = _tried(describe_fake if len(quote) == FAKE_BYTES else describe_quote, quote)
    view.include(inner, "quote ")
    if report_data(public_key) not in _report_datas(inner):
        view.warnings.append("the quote was not made for the key of this certificate")


def _bundle(view: View, certificate: RatlsCertificate) -> None:
    try:
        bundle = certificate.evidence_bundle()
    except EvidenceError as error:
        view.warnings.append(f"the evidence bundle does not parse: {error}")
        return
    if bundle is not None:
        _show_bundle(view, bundle, certificate.public_key)


def _show_bundle(view: View, bundle: EvidenceBundle, public_key: bytes | None = None) -> None:
    section = view.section("bundle")
    section.add("form", bundle.form.value)
    section.add("evidence_bytes", len(bundle.evidence))
    section.add("gpus", len(bundle.gpus))
    if bundle.gpus:
        section.add("gpu_hash", gpu_hash(bundle.gpus))
    view.include(_tried(lambda data: describe_statement(data, public_key), bundle.statement))
    evidence = _evidence(bundle.form, bundle.evidence)
    view.include(evidence, "dated ")
    if statement_report_data(bundle.statement) not in _report_datas(evidence):
        view.warnings.append("the bundle's evidence was not made for its statement")
    for number, gpu in enumerate(bundle.gpus, 1):
        view.include(_tried(describe_gpu, gpu), f"GPU {number} ")
    if bundle.endorsement is not None:
        view.include(_tried(describe_endorsement, bundle.endorsement))


def _evidence(form: EvidenceKind, data: bytes) -> View:
    match form:
        case EvidenceKind.TDX:
            return _tried(describe_quote, data)
        case EvidenceKind.SNP:
            return _tried(describe_snp, data)
        case EvidenceKind.FAKE_TDX:
            return describe_fake(data)
        case _:
            raise EvidenceError(f"nothing here reads {form.value} evidence")


def _tried(describe: Callable[[bytes], View], data: bytes) -> View:
    """A part that does not parse is a warning, and the rest is still shown."""
    try:
        found = describe(data)
    except AttestationError as error:
        found = View("unreadable")
        found.section("unreadable").add("sha256", hashlib.sha256(data).digest())
        found.warnings.append(f"does not parse: {error}")
    return found


def _report_datas(view: View) -> list[object]:
    rows = [row for section in view.sections for row in section.rows]
    return [value for name, value in rows if name == "report_data"]


def _describe_broken(view: View, der: bytes) -> View:
    section = view.sections[0]
    section.add("bytes", len(der))
    section.add("sha256", hashlib.sha256(der).digest())
    return view


def _extension(item: x509.Extension[x509.ExtensionType]) -> str:
    name = _OURS.get(item.oid) or getattr(item.oid, "_name", "unknown")
    value = item.value
    size = f", {len(value.value)} bytes" if isinstance(value, x509.UnrecognizedExtension) else ""
    critical = ", critical" if item.critical else ""
    return f"{item.oid.dotted_string} {name}{critical}{size}"
