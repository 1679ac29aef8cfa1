"""NVIDIA's signed data that GPU evidence is judged with: reference measurements and OCSP answers.

Held in memory; fetching it is somebody else's job. A *need* is a text that names one piece, and
holds everything that a fetcher has to know:

* ``rim/ID``: the reference integrity manifest of that id, from NVIDIA's RIM service;
* ``ocsp/FINGERPRINT/REQUEST``: the state of one certificate, named by the SHA-256 of its DER in
  hex; REQUEST is the OCSP request (RFC 6960) in base64url, to be posted as it is.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from cocoon.attestation.evidence.missing import GPU, Missing
from cocoon.attestation.evidence.nvidia_ocsp import (
    MAX_OCSP_REQUEST_BYTES,
    MAX_OCSP_RESPONSE_BYTES,
    response_expiry,
)
from cocoon.attestation.evidence.nvidia_rim import MAX_RIM_BYTES, RimDocument, require_rim_id
from cocoon.errors import EvidenceError, MissingCollateralError

MAX_COLLATERAL_CHARS = 1 << 19
MAX_NEED_CHARS = 1024
MAX_ITEMS = 4096
"""Items that a book keeps; beyond it, the one that expires first goes."""

_RIM, _OCSP = "rim", "ocsp"


@dataclass(frozen=True, slots=True)
class RimNeed:
    """A reference integrity manifest is needed."""

    rim_id: str

    @property
    def key(self) -> str:
        """The need as text."""
        return f"{_RIM}/{self.rim_id}"


@dataclass(frozen=True, slots=True)
class OcspNeed:
    """The state of one certificate is needed.

    Attributes:
        fingerprint: SHA-256 of the certificate's DER, 32 bytes.
        request: DER of the OCSP request for it, without a nonce.
    """

    fingerprint: bytes
    request: bytes = field(repr=False)

    @property
    def key(self) -> str:
        """The need as text."""
        request = base64.urlsafe_b64encode(self.request).decode()
        return f"{_OCSP}/{self.fingerprint.hex()}/{request}"


def parse_need(key: str) -> RimNeed | OcspNeed:
    """Read a need from its text.

    Raises:
        EvidenceError: it is not one.
    """
    kind, _, rest = key[: MAX_NEED_CHARS + 1].partition("/")
    if kind == _RIM:
        return RimNeed(require_rim_id(rest))
    if kind != _OCSP or len(key) > MAX_NEED_CHARS:
        raise EvidenceError("GPU collateral: neither a RIM nor an OCSP answer is named")
    fingerprint, _, encoded = rest.partition("/")
    try:
        need = OcspNeed(bytes.fromhex(fingerprint), base64.urlsafe_b64decode(encoded))
    except ValueError as error:
        raise EvidenceError("GPU collateral: malformed name of an OCSP answer") from error
    if len(need.fingerprint) != 32 or not 0 < len(need.request) <= MAX_OCSP_REQUEST_BYTES:
        raise EvidenceError("GPU collateral: malformed name of an OCSP answer")
    if need.key != key:
        raise EvidenceError("GPU collateral: malformed name of an OCSP answer")
    return need


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON form."""

    key: Annotated[str, msgspec.Meta(max_length=MAX_NEED_CHARS)]
    data: bytes


@dataclass(frozen=True, slots=True)
class GpuCollateral:
    """One piece of collateral.

    Attributes:
        key: the need that it answers.
        data: XML of the RIM, or DER of the OCSP answer.
        expires_at: unix seconds; the signers' end of validity, or the OCSP answer's.
        rim: the manifest with its verified signature; None for an OCSP answer.
    """

    key: str
    data: bytes = field(repr=False)
    expires_at: int
    rim: RimDocument | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_answer(cls, key: str, data: bytes) -> "GpuCollateral":
        """What NVIDIA's service answered to a need.

        The signature of a RIM is verified here, once (milliseconds); its age, its root and its
        revocation with each use. An OCSP answer is verified with each use.

        Args:
            key: of the need.
            data: XML of the RIM as the service's JSON holds it in base64, or the OCSP answer.

        Raises:
            EvidenceError: it is not what was asked for, or the signature is wrong.
        """
        need = parse_need(key)
        if isinstance(need, RimNeed):
            rim = RimDocument.from_xml(data)
            return cls(key, data, rim.not_after, rim)
        return cls(key, data, response_expiry(data))

    @classmethod
    def from_json(cls, text: str) -> "GpuCollateral":
        """Parse collateral as :meth:`to_json` wrote it.

        Raises:
            EvidenceError: the text is not collateral.
        """
        if len(text) > MAX_COLLATERAL_CHARS:
            raise EvidenceError(f"GPU collateral of {len(text)} characters")
        try:
            wire = msgspec.json.decode(text, type=_Wire)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise EvidenceError("malformed GPU collateral") from error
        if len(wire.data) > max(MAX_RIM_BYTES, MAX_OCSP_RESPONSE_BYTES):
            raise EvidenceError(f"GPU collateral of {len(wire.data)} bytes")
        return cls.from_answer(wire.key, wire.data)

    def to_json(self) -> str:
        """For a store."""
        return msgspec.json.encode(_Wire(self.key, self.data)).decode()


class GpuCollateralBook(Missing):
    """The current collateral by need; replaced in place when newer arrives."""

    def __init__(self, *collateral: GpuCollateral) -> None:
        self._items: dict[str, GpuCollateral] = {}
        self._digests: dict[str, bytes] = {}
        for item in collateral:
            self._keep(item)
        self._fingerprint = self._compute_fingerprint()

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that change with the content: results cached under older collateral go."""
        return self._fingerprint

    def put(self, collateral: GpuCollateral) -> None:
        """Add or replace one piece."""
        self._keep(collateral)
        self._fingerprint = self._compute_fingerprint()

    def find(self, key: str) -> GpuCollateral | None:
        """The piece that answers a need, or None."""
        return self._items.get(key)

    def require(self, key: str, text: str) -> MissingCollateralError:
        """The error for a need that nothing here answers; tells the listener."""
        return self.missing(GPU, key, text)

    def _keep(self, item: GpuCollateral) -> None:
        self._items[item.key] = item
        key = hashlib.sha256(item.key.encode()).digest()
        self._digests[item.key] = key + hashlib.sha256(item.data).digest()
        if len(self._items) > MAX_ITEMS:
            first = min(self._items.values(), key=lambda kept: kept.expires_at)
            del self._items[first.key], self._digests[first.key]

    def _compute_fingerprint(self) -> bytes:
        return hashlib.sha256(b"".join(sorted(self._digests.values()))).digest()
