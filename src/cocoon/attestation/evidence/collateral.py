"""The vendor's signed data that a quote is judged with (DCAP collateral), held in memory.

Fetching it is somebody else's job: a handshake never waits for the network.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Collateral:
    """Collateral for one platform model.

    Attributes:
        json: the form of ``dcap_qvl.QuoteCollateralV3.to_json``.
        fmspc: the platform model it is for, 6 bytes.
        expires_at: unix seconds; the earliest ``nextUpdate`` or ``notAfter`` in it.
    """

    json: str
    fmspc: bytes
    expires_at: int

    @classmethod
    def from_json(cls, text: str) -> "Collateral":
        """Parse collateral.

        Raises:
            EvidenceError: the text is not collateral.
        """
        raise NotImplementedError


class CollateralBook:
    """The current collateral by platform model; replaced in place when newer arrives."""

    def __init__(self, *collateral: Collateral) -> None:
        self._by_fmspc = {item.fmspc: item for item in collateral}

    def put(self, collateral: Collateral) -> None:
        """Add or replace the collateral of one platform model."""
        self._by_fmspc[collateral.fmspc] = collateral

    def find(self, fmspc: bytes) -> Collateral | None:
        """The collateral for a platform model, or None."""
        return self._by_fmspc.get(fmspc)
