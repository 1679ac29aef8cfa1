"""AMD's Key Distribution Service (KDS): chains, revocations, and the certificate of our own chip.

Source: AMD 57230 "VCEK Certificate and KDS Interface". The service answers 429 to more than a few
requests in a short time, so requests are spaced, and what it says of waiting is obeyed.
"""

from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.evidence.snp_collateral import (
    AMD_ROOT_HASHES,
    SnpChain,
    SnpCollateral,
)
from cocoon.attestation.evidence.snp_leaf import SnpLeaf
from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb
from cocoon.attestation.evidence.snp_x509 import require_issued
from cocoon.collateral.http import Limits, VendorHttp
from cocoon.errors import CollateralError, EvidenceError, UnknownPlatformError

KDS_URL = "https://kdsintf.amd.com"
KDS_LIMITS = Limits(gap=3.0, first_delay=5.0, max_delay=30.0, deadline=120.0, max_bytes=1 << 17)
"""Three seconds between requests: AMD's limit is not published, and strict."""
CHIP_ID_BYTES = 64

_SIGNERS = {"vcek": SigningKey.VCEK, "vlek": SigningKey.VLEK}


class AmdCollateral:
    """Fetches collateral for lines of processors.

    Args:
        service: KDS, or a mirror with the same paths.
        root_hashes: SHA-384 of the root key (as DER SubjectPublicKeyInfo) of each product.
    """

    def __init__(
        self, service: VendorHttp, root_hashes: Mapping[SnpProduct, bytes] = AMD_ROOT_HASHES
    ) -> None:
        self._service = service
        self._root_hashes = root_hashes

    async def close(self) -> None:
        """Close connections."""
        await self._service.close()

    async def fetch(self, key: str) -> SnpCollateral:
        """Fetch chain and revocation list; two requests.

        Args:
            key: product and kind of leaf, such as ``Milan/vcek``.

        Raises:
            UnknownPlatformError: it names no product of AMD's.
            CollateralError: the service does not answer, or not with AMD's signed data.
        """
        product, signer = parse_key(key)
        base = f"/{key.partition('/')[2]}/v1/{product.value}"
        try:
            chain = await self._chain(base, product, signer)
            crl = (await self._service.get(f"{base}/crl")).body
            return SnpCollateral(chain, crl)
        except EvidenceError as error:
            raise CollateralError(f"AMD's service sends {error}") from None

    async def vcek(self, product: SnpProduct, chip_id: bytes, tcb: SnpTcb) -> bytes:
        """Fetch the DER of one chip's certificate at one patch level; two requests.

        Args:
            product: the line of processors.
            chip_id: as in the report, 64 bytes.
            tcb: as in the report (``REPORTED_TCB``).

        Raises:
            UnknownPlatformError: AMD knows no such chip or level.
            CollateralError: the service does not answer, or not with a signed certificate of it.
        """
        path, query = vcek_request(product, chip_id, tcb)
        try:
            chain = await self._chain(f"/vcek/v1/{product.value}", product, SigningKey.VCEK)
            leaf = SnpLeaf.from_der((await self._service.get(path, query)).body)
            require_issued(leaf.certificate, chain.authority, "VCEK")
        except EvidenceError as error:
            raise CollateralError(f"AMD's service sends {error}") from None
        if (leaf.kind, leaf.product, leaf.tcb) != (SigningKey.VCEK, product, tcb):
            raise CollateralError("AMD's service answers for another product or patch level")
        if leaf.hwid != chip_id[: product.chip_id_bytes]:
            raise CollateralError("AMD's service answers for another chip")
        return _der(leaf.certificate)

    async def _chain(self, base: str, product: SnpProduct, signer: SigningKey) -> SnpChain:
        answer = await self._service.get(f"{base}/cert_chain")
        chain = SnpChain.from_pem(product, signer, answer.body)
        if chain.root_hash != self._root_hashes.get(product):
            raise CollateralError("AMD's service sends another root than the pinned")
        return chain


def parse_key(key: str) -> tuple[SnpProduct, SigningKey]:
    """Product and kind of leaf from a key such as ``Milan/vcek``.

    Raises:
        UnknownPlatformError: it is not one.
    """
    name, _, signer = key.partition("/")
    try:
        return SnpProduct(name), _SIGNERS[signer]
    except (ValueError, KeyError):
        raise UnknownPlatformError(f"AMD has no product {key[:40]!r}") from None


def vcek_request(product: SnpProduct, chip_id: bytes, tcb: SnpTcb) -> tuple[str, dict[str, str]]:
    """Path and query of the request for a chip's certificate.

    Turin's chips have ids of 8 bytes and one more patch level.

    Raises:
        EvidenceError: the chip id has the wrong length, or is hidden (all zero).
    """
    if len(chip_id) != CHIP_ID_BYTES:
        raise EvidenceError(f"a chip id has {CHIP_ID_BYTES} bytes, not {len(chip_id)}")
    hardware = chip_id[: product.chip_id_bytes]
    if not any(hardware):
        raise EvidenceError(
            "the report hides its chip (MASK_CHIP_ID): the host must hand over the VCEK",
            fix="let the host load the certificate into its firmware's certificate table",
        )
    levels = {
        "blSPL": tcb.bootloader,
        "teeSPL": tcb.tee,
        "snpSPL": tcb.snp,
        "ucodeSPL": tcb.microcode,
    }
    if product is SnpProduct.TURIN:
        levels = {"fmcSPL": tcb.fmc, **levels}
    query = {name: f"{level:02d}" for name, level in levels.items()}
    return f"/vcek/v1/{product.value}/{hardware.hex()}", query


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
