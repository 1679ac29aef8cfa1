"""NVIDIA's reference integrity manifests (RIM): signed golden measurements."""

import re
from dataclasses import dataclass

from cocoon.errors import EvidenceError

MAX_RIM_BYTES = 1 << 17
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
    """A manifest whose signature verified."""

    not_after: int

    @classmethod
    def from_xml(cls, xml: bytes) -> "RimDocument":
        """Parse and verify a manifest.

        Raises:
            EvidenceError: malformed, or the signature is wrong.
        """
        raise NotImplementedError
