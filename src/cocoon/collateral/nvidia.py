"""NVIDIA's services: reference manifests (RIM) and the state of certificates (OCSP).

Sources: the public API of the RIM service (``GET /v1/rim/ID`` answers JSON with the manifest in
base64 and its SHA-256) and RFC 6960 (``POST`` of an OCSP request).
"""

import base64
import hashlib
import hmac

import msgspec

from cocoon.attestation.evidence.nvidia_collateral import GpuCollateral, RimNeed, parse_need
from cocoon.collateral.http import Limits, VendorHttp
from cocoon.errors import CollateralError, EvidenceError, UnknownPlatformError

RIM_URL = "https://rim.attestation.nvidia.com"
OCSP_URL = "https://ocsp.ndis.nvidia.com"
NVIDIA_LIMITS = Limits(gap=0.25, max_bytes=1 << 19)
OCSP_REQUEST_TYPE = "application/ocsp-request"


class _RimAnswer(msgspec.Struct):
    rim: str
    sha256: str = ""


class NvidiaCollateral:
    """Fetches pieces of collateral for GPU evidence.

    Args:
        rims: the RIM service.
        ocsp: the OCSP responder.
    """

    def __init__(self, rims: VendorHttp, ocsp: VendorHttp) -> None:
        self._rims = rims
        self._ocsp = ocsp

    async def close(self) -> None:
        """Close connections."""
        await self._rims.close()
        await self._ocsp.close()

    async def fetch(self, key: str) -> GpuCollateral:
        """Fetch one piece; one request.

        Args:
            key: of a need, see :mod:`cocoon.attestation.evidence.nvidia_collateral`.

        Raises:
            UnknownPlatformError: NVIDIA has no such manifest.
            CollateralError: a service does not answer, or not with what was asked for.
        """
        try:
            need = parse_need(key)
        except EvidenceError as error:
            raise UnknownPlatformError(str(error)) from None
        if isinstance(need, RimNeed):
            data = rim_of((await self._rims.get(f"/v1/rim/{need.rim_id}")).body)
        else:
            data = (await self._ocsp.post("/", need.request, OCSP_REQUEST_TYPE)).body
        try:
            return GpuCollateral.from_answer(key, data)
        except EvidenceError as error:
            raise CollateralError(f"NVIDIA's service sends {error}") from None


def rim_of(body: bytes) -> bytes:
    """The manifest's XML in an answer of the RIM service.

    Raises:
        CollateralError: it is not such an answer, or its checksum is wrong.
    """
    try:
        answer = msgspec.json.decode(body, type=_RimAnswer)
        xml = base64.b64decode(answer.rim, validate=True)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise CollateralError("NVIDIA's RIM service sends a malformed answer") from None
    # The signature inside is what counts; the checksum only tells of a broken transfer.
    digest = hashlib.sha256(xml).hexdigest()
    if answer.sha256 and not hmac.compare_digest(answer.sha256.lower().encode(), digest.encode()):
        raise CollateralError("NVIDIA's RIM service sends a manifest with a wrong checksum")
    return xml
