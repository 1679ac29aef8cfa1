"""What has to be fetched to judge a piece of evidence."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.certificate import parse_certificate
from cocoon.attestation.document import AttestationDocument
from cocoon.attestation.evidence.missing import SGX, SNP, TDX
from cocoon.attestation.evidence.pck import parse_pck_chain
from cocoon.attestation.evidence.snp_collateral import collateral_key
from cocoon.attestation.evidence.snp_leaf import SnpLeaf
from cocoon.attestation.evidence.snp_report import REPORT_BYTES, SnpReport
from cocoon.attestation.evidence.tdx_quote import parse_quote
from cocoon.cli.attest.recognise import Item, Kind, recognise
from cocoon.errors import ConfigError, EvidenceError


@dataclass(slots=True)
class Wants:
    """What a piece of evidence needs.

    Attributes:
        keys: kinds and keys of collateral.
        quotes: TDX and SGX quotes, to be verified with it.
        gpus: evidence of GPUs, whose needs only NVIDIA's answers tell.
    """

    keys: list[tuple[str, str]] = field(default_factory=list)
    quotes: list[tuple[Kind, bytes]] = field(default_factory=list)
    gpus: list[bytes] = field(default_factory=list)


def wants_of(data: bytes) -> Wants:
    """What evidence needs: a quote, report, GPU item, certificate, bundle or attestation page.

    Raises:
        EvidenceError: it is none, or malformed.
        CertificateError: it is a malformed certificate.
        ConfigError: it is something that nothing is fetched for.
    """
    wants = Wants()
    for item in _parts(recognise(data)):
        if item.kind in (Kind.TDX_QUOTE, Kind.SGX_QUOTE):
            key = (TDX if item.kind is Kind.TDX_QUOTE else SGX, _intel_key(item.data))
            wants.quotes.append((item.kind, item.data))
        elif item.kind is Kind.SNP_REPORT:
            key = (SNP, snp_key(item.data))
        elif item.kind is Kind.GPU_EVIDENCE:
            wants.gpus.append(item.data)
            continue
        else:
            raise ConfigError(f"nothing is fetched to judge a {item.kind.value}")
        if key not in wants.keys:
            wants.keys.append(key)
    return wants


def _parts(item: Item) -> Iterator[Item]:
    """The evidence in what may hold several pieces of it."""
    if item.kind is Kind.PAGE:
        certificate = AttestationDocument.from_bytes(item.data).certificate
        yield from _parts(Item(Kind.CERTIFICATE, certificate))
    elif item.kind is Kind.CERTIFICATE:
        parsed = parse_certificate(item.data)
        bundle = parsed.evidence_bundle()
        if bundle is not None:
            yield from _bundle_parts(bundle)
        elif parsed.quote is not None:
            yield recognise(parsed.quote)
        else:
            raise EvidenceError("the certificate carries no evidence")
    elif item.kind is Kind.BUNDLE:
        yield from _bundle_parts(EvidenceBundle.from_bytes(item.data))
    else:
        yield item


def _bundle_parts(bundle: EvidenceBundle) -> Iterator[Item]:
    yield recognise(bundle.evidence)
    for gpu in bundle.gpus:
        yield Item(Kind.GPU_EVIDENCE, gpu)


def _intel_key(quote: bytes) -> str:
    chain = parse_pck_chain(parse_quote(quote))
    return f"{chain.extension.fmspc.hex()}/{chain.issuer_kind}"


def snp_key(evidence: bytes) -> str:
    """``PRODUCT/SIGNER`` of a report, which its leaf names if the report itself is too old to.

    Raises:
        EvidenceError: it is malformed, or does not tell.
    """
    report = SnpReport.from_bytes(evidence[:REPORT_BYTES])
    if len(evidence) > REPORT_BYTES:
        leaf = SnpLeaf.from_der(evidence[REPORT_BYTES:])
        return collateral_key(leaf.product, leaf.kind)
    if report.product is None:
        raise EvidenceError(
            "the report does not tell its processor line", fix="name it with --product"
        )
    return collateral_key(report.product, report.signing_key)
