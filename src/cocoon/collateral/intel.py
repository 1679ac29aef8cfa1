"""Intel's collateral service (PCS v4), or a caching service (PCCS) with the same paths.

dcap-qvl could fetch as well. It asks a third party by default, cannot pin a PCCS certificate or a
host, and has no limit of size or time and no back-off that we control; so it only verifies here.
Source of paths, parameters and headers: Intel's documentation of the provisioning certification
service for ECDSA attestation, API version 4.
"""

import json
import re
from enum import Enum

from cocoon.attestation.evidence.collateral import Collateral
from cocoon.attestation.evidence.missing import SGX, TDX
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH
from cocoon.collateral.http import VendorHttp
from cocoon.collateral.intel_answers import (
    CRL_CHAIN_HEADERS,
    IDENTITY_CHAIN_HEADERS,
    TCB_CHAIN_HEADERS,
    enclave_identity,
    issuer_chain,
    revocation_list,
    tcb_info,
)
from cocoon.collateral.intel_check import require_signed
from cocoon.errors import CollateralError, EvidenceError, UnknownPlatformError

PCS_URL = "https://api.trustedservices.intel.com"
ROOT_CRL_URL = "https://certificates.trustedservices.intel.com"
ROOT_CRL_PATH = "/IntelSGXRootCA.der"
"""Where Intel's root certificate says that its revocation list is."""
API_KEY_HEADER = "Ocp-Apim-Subscription-Key"
_KEY = re.compile(r"([0-9a-f]{12})/(platform|processor)")


class Update(Enum):
    """Which TCB evaluation a verifier wants (parameter ``update`` of the API)."""

    STANDARD = "standard"
    """The one that platforms have had time to reach."""
    EARLY = "early"
    """The newest, as soon as Intel publishes a recovery."""


def platform_key(fmspc: str, ca: str = "platform") -> str:
    """What names a platform model here: ``FMSPC/CA``.

    Args:
        fmspc: 12 hex digits.
        ca: who issued its certificates, ``platform`` or ``processor``; servers with TDX have
            ``platform``.

    Raises:
        EvidenceError: it is not a platform model.
    """
    key = f"{fmspc.lower()}/{ca}"
    if not _KEY.fullmatch(key):
        raise EvidenceError("a platform model is an FMSPC of 12 hex digits, platform or processor")
    return key


class IntelCollateral:
    """Fetches collateral for platform models.

    Args:
        service: PCS or PCCS.
        root_crl: where the root's revocation list is; None where the service has it (PCCS).
        update: which TCB evaluation.
        root_hash: SHA-384 of the root's key that everything must chain to, 48 bytes.
    """

    def __init__(
        self,
        service: VendorHttp,
        root_crl: VendorHttp | None,
        *,
        update: Update = Update.STANDARD,
        root_hash: bytes = INTEL_ROOT_HASH,
    ) -> None:
        self._service = service
        self._root_crl = root_crl
        self._update = update.value
        self._root_hash = root_hash

    async def close(self) -> None:
        """Close connections."""
        await self._service.close()
        if self._root_crl is not None:
            await self._root_crl.close()

    async def fetch(self, kind: str, key: str) -> Collateral:
        """Fetch what judges quotes of one platform model; up to five requests.

        Args:
            kind: ``tdx`` or ``sgx``.
            key: ``FMSPC/CA``, see :func:`platform_key`.

        Raises:
            UnknownPlatformError: Intel knows no such platform model.
            CollateralError: the service does not answer, or not with signed collateral of it.
        """
        match = _KEY.fullmatch(key)
        if kind not in (TDX, SGX) or match is None:
            raise UnknownPlatformError(f"not a platform model of Intel: {kind} {key[:40]}")
        fmspc, ca = match.groups()
        text = json.dumps(
            await self._tcb(kind, fmspc) | await self._identity(kind) | await self._lists(ca)
        )
        try:
            collateral = Collateral.from_json(text)
        except EvidenceError as error:
            raise CollateralError(f"Intel's service sends {error}") from None
        _require_model(collateral, kind, fmspc)
        require_signed(collateral, self._root_hash)
        return collateral

    async def _tcb(self, kind: str, fmspc: str) -> dict[str, str]:
        try:
            answer = await self._service.get(
                f"/{kind}/certification/v4/tcb", {"fmspc": fmspc, "update": self._update}
            )
        except UnknownPlatformError:
            raise UnknownPlatformError(
                f"Intel has no {kind.upper()} TCB info for the platform model {fmspc}"
            ) from None
        text, signature = tcb_info(answer.body)
        return {
            "tcb_info_issuer_chain": issuer_chain(answer.headers, TCB_CHAIN_HEADERS),
            "tcb_info": text,
            "tcb_info_signature": signature.hex(),
        }

    async def _identity(self, kind: str) -> dict[str, str]:
        answer = await self._service.get(
            f"/{kind}/certification/v4/qe/identity", {"update": self._update}
        )
        text, signature = enclave_identity(answer.body)
        return {
            "qe_identity_issuer_chain": issuer_chain(answer.headers, IDENTITY_CHAIN_HEADERS),
            "qe_identity": text,
            "qe_identity_signature": signature.hex(),
        }

    async def _lists(self, ca: str) -> dict[str, str]:
        path = "/sgx/certification/v4/"
        answer = await self._service.get(path + "pckcrl", {"ca": ca, "encoding": "der"})
        if self._root_crl is None:
            root = await self._service.get(path + "rootcacrl")
        else:
            root = await self._root_crl.get(ROOT_CRL_PATH)
        return {
            "pck_crl_issuer_chain": issuer_chain(answer.headers, CRL_CHAIN_HEADERS),
            "pck_crl": revocation_list(answer.body).hex(),
            "root_ca_crl": revocation_list(root.body).hex(),
        }


def _require_model(collateral: Collateral, kind: str, fmspc: str) -> None:
    """The answer must be about what was asked."""
    if collateral.fmspc.hex() != fmspc:
        raise CollateralError(f"Intel's service answers for another platform model than {fmspc}")
    identity = json.loads(collateral.handle.tcb_info).get("id")
    if identity != kind.upper():
        raise CollateralError(f"Intel's service answers for another TEE than {kind.upper()}")
