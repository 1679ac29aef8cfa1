"""Verification of evidence, with collateral in hand, against what does the cryptography alone.

Each row is one function that returns our time and a baseline's, taken in turns in the same run::

    python benchmarks/bench_attestation.py [--rounds 5]
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dcap_qvl
import gpu_rows
import snp_verification

from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.pck import parse_pck_chain
from cocoon.attestation.evidence.sgx import verify_sgx
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.evidence.tdx_quote import parse_quote
from cocoon.errors import EvidenceError

INTEL = Path(__file__).parent.parent / "vectors" / "attestation" / "real" / "intel"
CALLS = 200
MAX_RATIO = 2.0


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        name: what is measured.
        ours: one call of ours.
        baseline: one call of the baseline, or None.
        limit: largest ratio that the design allows, or None.
    """

    name: str
    ours: Callable[[], object]
    baseline: Callable[[], object] | None
    limit: float | None = None


def real(name: str, day: str) -> tuple[bytes, Collateral, int]:
    """A real quote, its collateral and a fitting time."""
    collateral = Collateral.from_json((INTEL / f"{name}_collateral.json").read_text())
    now = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    return (INTEL / f"{name}.quote").read_bytes(), collateral, now


def tdx_row(name: str, day: str) -> Row:
    """A real TDX quote: our verification against plain ``dcap_qvl.verify``."""
    quote, collateral, now = real(name, day)
    book = CollateralBook(collateral)
    return Row(
        f"TDX quote, real, {name}",
        lambda: verify_tdx(quote, book, now),
        lambda: dcap_qvl.verify(quote, collateral.handle, now),
        MAX_RATIO,
    )


def sgx_row() -> Row:
    """A real SGX quote."""
    quote, collateral, now = real("sgx_v3", "2025-07-01")
    book = CollateralBook(collateral)
    return Row(
        "SGX quote, real",
        lambda: verify_sgx(quote, book, now),
        lambda: dcap_qvl.verify(quote, collateral.handle, now),
        MAX_RATIO,
    )


def refused_row() -> Row:
    """A quote that is refused, with the reason found: what a stranger can make us work."""
    quote, collateral, now = real("tdx_v4", "2025-07-01")
    late = now + 365 * 86_400
    book = CollateralBook(collateral)

    def ours() -> None:
        try:
            verify_tdx(quote, book, late)
        except EvidenceError:
            return
        raise AssertionError("verified")

    def baseline() -> None:
        try:
            dcap_qvl.verify(quote, collateral.handle, late)
        except ValueError:
            return
        raise AssertionError("verified")

    return Row("TDX quote, real, a year too late", ours, baseline)


def parse_row() -> Row:
    """Reading a quote and its platform certificate, without any cryptography."""
    quote, _, _ = real("tdx_v4", "2025-07-01")
    return Row(
        "read quote and platform certificate",
        lambda: parse_pck_chain(parse_quote(quote)),
        lambda: dcap_qvl.parse_quote(quote).pck_extension(),
    )


ROWS: tuple[Callable[[], Row], ...] = (
    lambda: tdx_row("tdx_v4", "2025-07-01"),
    lambda: tdx_row("tdx_v5_15ex", "2026-10-15"),
    sgx_row,
    refused_row,
    parse_row,
    lambda: Row(*snp_verification.real_case()),
    lambda: Row(*snp_verification.simulated_case()),
    lambda: Row(*gpu_rows.again()),
    lambda: Row(*gpu_rows.first()),
    lambda: Row(*gpu_rows.real()),
    lambda: Row(*gpu_rows.manifest()),
)


def milliseconds(call: Callable[[], object]) -> float:
    """Time of one call, over many."""
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS * 1000


def measure(row: Row, rounds: int) -> tuple[float, float | None]:
    """Median times in milliseconds: ours, the baseline's."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        ours.append(milliseconds(row.ours))
        if row.baseline is not None:
            theirs.append(milliseconds(row.baseline))
    return statistics.median(ours), statistics.median(theirs) if theirs else None


def main() -> None:
    """Print one line a row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"medians of {options.rounds} rounds of {CALLS} calls, milliseconds a call")
    print(f"{'':38}{'ours':>9}{'baseline':>10}{'ratio':>8}{'limit':>8}")
    for make in ROWS:
        row = make()
        ours, baseline = measure(row, options.rounds)
        if baseline is None:
            print(f"{row.name:38}{ours:9.3f}{'–':>10}{'–':>8}{'–':>8}")
            continue
        limit = f"{row.limit:.1f}" if row.limit is not None else "–"
        print(f"{row.name:38}{ours:9.3f}{baseline:10.3f}{ours / baseline:8.2f}{limit:>8}")


if __name__ == "__main__":
    main()
