"""Fetch collateral because a person asks, and say what became of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cocoon.attestation.evidence import VerifiedEvidence
from cocoon.attestation.evidence.missing import GPU, SNP
from cocoon.attestation.evidence.nvidia import needed
from cocoon.attestation.evidence.sgx import verify_sgx
from cocoon.attestation.evidence.snp_report import REPORT_BYTES, SigningKey, SnpReport
from cocoon.attestation.evidence.snp_tcb import SnpProduct
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.cli.attest.collateral_wants import Wants, snp_key
from cocoon.cli.attest.recognise import Kind
from cocoon.collateral.amd import AmdCollateral
from cocoon.collateral.library import Library
from cocoon.errors import CocoonError, ConfigError, EvidenceError

GPU_ROUNDS = 4
"""A GPU's manifests name further certificates, whose state is asked for in the next round."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one document."""

    kind: str
    key: str
    error: CocoonError | None = None


async def fetch_all(
    library: Library,
    wants: Wants,
    *,
    gpu_root: bytes | None = None,
    report: Callable[[Outcome], None],
) -> list[Outcome]:
    """Fetch everything, one after the other; what fails does not hold up the rest.

    Args:
        library: where it goes.
        wants: what is wanted.
        gpu_root: DER of the root of a devnet's GPUs; None pins NVIDIA's.
        report: told of each document.
    """
    outcomes = [await _one(library, kind, key, report) for kind, key in wants.keys]
    now = int(time.time())
    for gpu in wants.gpus:
        failed: set[str] = set()
        for _ in range(GPU_ROUNDS):
            needs = needed(gpu, library.books.gpu, now, simulated_root=gpu_root)
            keys = [need.key for need in needs if need.key not in failed]
            if not keys:
                break
            round_ = [await _one(library, GPU, key, report) for key in keys]
            failed |= {outcome.key for outcome in round_ if outcome.error is not None}
            outcomes += round_
    return outcomes


def judge(
    library: Library, wants: Wants, *, simulated_root: bytes | None = None
) -> list[VerifiedEvidence]:
    """Verify the quotes with what was fetched.

    Raises:
        EvidenceError: one does not verify.
    """
    now, books = int(time.time()), library.books
    return [
        verify_tdx(quote, books.tdx, now, simulated_root=simulated_root)
        if kind is Kind.TDX_QUOTE
        else verify_sgx(quote, books.sgx, now, simulated_root=simulated_root)
        for kind, quote in wants.quotes
    ]


async def fetch_vcek(amd: AmdCollateral | None, evidence: bytes, product: str | None) -> bytes:
    """The certificate of the chip that made a report, in DER.

    Args:
        amd: the service.
        evidence: a report of this machine.
        product: its processor line, if the report is too old to tell.

    Raises:
        ConfigError: no service is configured.
        EvidenceError: the report is malformed, or signed by another key.
        CollateralError: the service has no such certificate.
    """
    if amd is None:
        raise ConfigError("no service of AMD's is configured")
    report = SnpReport.from_bytes(evidence[:REPORT_BYTES])
    if report.signing_key is not SigningKey.VCEK:
        raise EvidenceError("the report is not signed by a VCEK: its certificate is the host's")
    name = (product or snp_key(evidence[:REPORT_BYTES])).partition("/")[0]
    line = SnpProduct(name)
    return await amd.vcek(line, report.chip_id, report.tcbs(line)["reported"])


def stored_wants(library: Library) -> Wants:
    """Everything that the directory already holds, to be fetched anew.

    Raises:
        ConfigError: it holds nothing.
    """
    keys = [(stored.kind, stored.key) for stored in library.store.all()]
    if not keys:
        raise ConfigError(
            f"{library.store.directory} holds nothing to renew: say what to fetch with --quote, "
            "--fmspc, --product or --gpu"
        )
    return Wants(keys=keys)


def write_leaf(path: Path, der: bytes) -> None:
    """Keep a chip's certificate, where the role that shows reports reads it.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(der)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None


async def _one(library: Library, kind: str, key: str, report: Callable[[Outcome], None]) -> Outcome:
    try:
        await library.fetch(kind, key)
        outcome = Outcome(kind, key)
    except CocoonError as error:
        outcome = Outcome(kind, key, error)
    report(outcome)
    return outcome


def named(kind: str, key: str) -> str:
    """A document, for people."""
    return f"{kind} {key[:60]}" if kind != SNP else f"snp {key}"
