"""Intel quotes for ``bench_attestation.py``: what is measured, without the measuring.

Real quotes as far as they are at hand (:mod:`cocoon.testing.real_evidence`), and simulated ones,
which have the same form.
"""

from collections.abc import Callable
from dataclasses import dataclass

import dcap_qvl

from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.pck import parse_pck_chain
from cocoon.attestation.evidence.sgx import verify_sgx
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.evidence.tdx_quote import parse_quote
from cocoon.errors import EvidenceError
from cocoon.testing.intel import NOW, intel_lab
from cocoon.testing.real_evidence import intel

YEAR = 365 * 86_400
MAX_RATIO = 2.0

Comparison = tuple[str, Callable[[], object], Callable[[], object], float | None]
"""Name, our work, that of ``dcap-qvl`` alone, and the largest ratio that the design allows."""


@dataclass(frozen=True)
class Quote:
    """A quote with all that judges it; ``root`` is the pinned simulated one, None for Intel's."""

    name: str
    raw: bytes
    collateral: Collateral
    now: int
    root: bytes | None = None

    def plain(self, now: int) -> object:
        if self.root is None:
            return dcap_qvl.verify(self.raw, self.collateral.handle, now)
        return dcap_qvl.verify_with_root_ca(self.raw, self.collateral.handle, self.root, now)


def rows() -> list[Comparison]:
    """Every row."""
    domains = [*_real("tdx_quote"), _simulated("tdx v4")]
    others = [*_real("tdx_quote_td15ex"), *_real("sgx_quote"), _simulated("sgx v3")]
    return [
        *(_verified(quote) for quote in (*domains, *others)),
        *(_refused(quote) for quote in domains),
        *(_read(quote) for quote in domains),
    ]


def _real(name: str) -> list[Quote]:
    sample = intel(name)
    if sample is None:
        return []
    collateral = Collateral.from_json(sample.collateral)
    return [Quote(f"{name}, real", sample.quote, collateral, sample.judged_at)]


def _simulated(name: str) -> Quote:
    lab = intel_lab()
    collateral = lab.collateral("SGX" if name.startswith("sgx") else "TDX")
    return Quote(f"{name}, simulated", lab.quotes[name], collateral, NOW, lab.pki.root_der)


def _verified(quote: Quote) -> Comparison:
    book = CollateralBook(quote.collateral)
    verify = verify_sgx if quote.name.startswith("sgx") else verify_tdx
    return (
        quote.name,
        lambda: verify(quote.raw, book, quote.now, simulated_root=quote.root),
        lambda: quote.plain(quote.now),
        MAX_RATIO,
    )


def _refused(quote: Quote) -> Comparison:
    """A year too late, and the reason is found: what a stranger can make us work."""
    book, late = CollateralBook(quote.collateral), quote.now + YEAR

    def ours() -> None:
        try:
            verify_tdx(quote.raw, book, late, simulated_root=quote.root)
        except EvidenceError:
            return
        raise AssertionError("verified")

    def baseline() -> None:
        try:
            quote.plain(late)
        except ValueError:
            return
        raise AssertionError("verified")

    return f"{quote.name}, a year too late", ours, baseline, None


def _read(quote: Quote) -> Comparison:
    """The quote and its platform certificate, without any cryptography."""
    return (
        f"{quote.name}, only read",
        lambda: parse_pck_chain(parse_quote(quote.raw)),
        lambda: dcap_qvl.parse_quote(quote.raw).pck_extension(),
        None,
    )
