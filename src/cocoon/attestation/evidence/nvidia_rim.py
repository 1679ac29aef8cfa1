"""NVIDIA's reference integrity manifests (RIM): signed golden measurements.

A manifest is an ISO 19770-2 software identification tag with an enveloped XML signature (ECDSA
P-384, SHA-384, canonical XML 1.1) and the signer's chain, root last. One manifest speaks for a
driver version, another for a VBIOS version. Values of element ``Resource``: ``index`` counts
measurements from 0; ``active`` tells whether the value must match; ``Hash0`` … ``HashN`` are the
``alternatives`` of which one must.

Verifying costs milliseconds, so it is done when a manifest is loaded. The verification does not
look at a clock or at a pinned root: :meth:`RimDocument.require`.
"""

import re
from dataclasses import dataclass, field

from cocoon.attestation.evidence.nvidia_chain import Chain
from cocoon.errors import EvidenceError

MAX_RIM_BYTES = 1 << 17
LAYER = "GPU RIM"

_RIM_ID = re.compile(r"NV_GPU_[A-Z0-9_.]{1,96}")


def require_rim_id(text: str) -> str:
    """The id, if it has the form of one; it becomes part of a URL and of a file's name.

    Raises:
        EvidenceError: it has not.
    """
    if not _RIM_ID.fullmatch(text):
        raise EvidenceError("GPU collateral: malformed RIM id")
    return text


@dataclass(frozen=True, slots=True)
class RimDocument:
    """A manifest whose signature verified.

    Attributes:
        version: of the driver or VBIOS that it speaks for, upper case.
        product: chip, such as ``GH100``.
        tag_id: names the document.
        golden: for each active index the accepted values.
        chain: of the signer.
    """

    version: str
    product: str
    tag_id: str
    golden: dict[int, tuple[bytes, ...]] = field(repr=False)
    chain: Chain = field(repr=False, compare=False)

    @classmethod
    def from_xml(cls, xml: bytes) -> "RimDocument":
        """Parse a manifest and verify its signature under the chain that it carries.

        Raises:
            EvidenceError: malformed, too large, with a document type, or the signature is wrong.
        """
        from cocoon.attestation.evidence.nvidia_rim_xml import (  # noqa: PLC0415 - see there
            read_manifest,
        )

        return read_manifest(xml)

    @property
    def not_after(self) -> int:
        """Unix seconds until which the signers' certificates are valid."""
        return self.chain.not_after

    def require(self, root: bytes, now: int) -> None:
        """The signers are NVIDIA's, or the pinned devnet's, and their certificates are valid.

        Raises:
            EvidenceError: they are not.
        """
        self.chain.require(root, now, f"{LAYER} {self.version}")
