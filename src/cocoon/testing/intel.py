"""Quotes of every form from one simulated Intel platform: keys are made once a process."""

import struct
from dataclasses import dataclass
from functools import cache

from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.devnet.sgx_quote import build_sgx_quote
from cocoon.devnet.tee import simulated_measurements
from cocoon.devnet.tee_pki import TDX, SimulatedPki
from cocoon.devnet.tee_quote import TEE_TCB_SVN, TEE_TDX, header, sign_quote, td_body

NOW = 1_795_000_000
"""2026-11-18, unix seconds."""
REPORT_DATA = bytes(range(64))
_TYPED = 5
_FORM_15, _FORM_15_EX = 3, 4
_SERVICE_TD_BYTES, _EXTENSION_BYTES = 48, 237


@dataclass(frozen=True, slots=True)
class IntelLab:
    """One simulated platform with a quote of each form.

    Attributes:
        pki: its authorities.
        quotes: ``tdx v4``, ``tdx v5`` (body of form 1.5), ``tdx v5ex`` (1.5ex) and ``sgx v3``.
    """

    pki: SimulatedPki
    quotes: dict[str, bytes]

    def collateral(self, tee: str = TDX) -> Collateral:
        """Collateral for quotes of ``TDX`` or ``SGX``, valid at :data:`NOW`."""
        return Collateral.from_json(self.collateral_json(tee))

    def collateral_json(self, tee: str = TDX) -> str:
        """The same as JSON."""
        return self.pki.collateral_json(NOW, tee=tee)

    def book(self, tee: str = TDX) -> CollateralBook:
        """A book with that collateral alone: both are for one platform model."""
        return CollateralBook(self.collateral(tee))


@cache
def intel_lab() -> IntelLab:
    """The platform; the same object on every call."""
    pki = SimulatedPki.create(NOW, bytes(range(32)))
    body = td_body(simulated_measurements("lab", report_data=REPORT_DATA))
    old = body + TEE_TCB_SVN + bytes(_SERVICE_TD_BYTES)
    return IntelLab(
        pki,
        {
            "tdx v4": sign_quote(pki, header(4, TEE_TDX) + body) + bytes(70),
            "tdx v5": sign_quote(pki, _typed(_FORM_15, old)),
            "tdx v5ex": sign_quote(pki, _typed(_FORM_15_EX, old + bytes(_EXTENSION_BYTES))),
            "sgx v3": build_sgx_quote(pki, bytes(range(32)), REPORT_DATA),
        },
    )


def _typed(kind: int, body: bytes) -> bytes:
    return header(_TYPED, TEE_TDX) + struct.pack("<HI", kind, len(body)) + body
