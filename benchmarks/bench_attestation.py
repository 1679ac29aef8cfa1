"""Verification of evidence, with collateral in hand, against what does the cryptography alone.

Each row has our time and a baseline's, taken in turns in the same run::

    python benchmarks/bench_attestation.py [--rounds 5]

Rows over Intel's real quotes are left out where these are not at hand, see
:mod:`cocoon.testing.real_evidence`; simulated quotes have the same form.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import gpu_rows
import quote_rows
import snp_verification

CALLS = 200


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


def every_row() -> list[Row]:
    """What there is to measure here."""
    return [
        *(Row(*comparison) for comparison in quote_rows.rows()),
        Row(*snp_verification.real_case()),
        Row(*snp_verification.simulated_case()),
        Row(*gpu_rows.again()),
        Row(*gpu_rows.first()),
        Row(*gpu_rows.real()),
        Row(*gpu_rows.manifest()),
    ]


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
    for row in every_row():
        ours, baseline = measure(row, options.rounds)
        if baseline is None:
            print(f"{row.name:38}{ours:9.3f}{'–':>10}{'–':>8}{'–':>8}")
            continue
        limit = f"{row.limit:.1f}" if row.limit is not None else "–"
        print(f"{row.name:38}{ours:9.3f}{baseline:10.3f}{ours / baseline:8.2f}{limit:>8}")


if __name__ == "__main__":
    main()
