"""Reports and reference measurements of simulated GPUs, in NVIDIA's formats."""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from cocoon.attestation.evidence.nvidia_report import OpaqueField, Switch
from cocoon.devnet.gpu_pki import Authority

MEASUREMENTS = 64
DRIVER_INDICES = (7, *range(21, 41))
VBIOS_INDICES = (*range(7), *range(8, 13))
"""Which measurements the two manifests speak about; as in NVIDIA's for Hopper."""
UNUSED_INDEX = 62
"""A measurement that manifests name and that need not match."""

_SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
_SHA384 = "http://www.w3.org/2001/04/xmlenc#sha384"
_HALF = 48


@dataclass(frozen=True, slots=True)
class GpuSoftware:
    """What runs on a simulated GPU, and so what it measures.

    Attributes:
        driver: version.
        vbios: version, five bytes in hex with dots.
        board: project, project SKU, chip SKU.
        opaque: opaque fields of the report that replace the usual ones.
        altered: measurements that replace the usual ones, by index from 0.
    """

    driver: str = "999.10.01"
    vbios: str = "96.00.FF.00.01"
    board: tuple[str, str, str] = ("C0C0", "0100", "001")
    opaque: Mapping[int, bytes | None] = field(default_factory=dict)
    altered: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def fwid(self) -> bytes:
        """SHA-384 of the firmware, 48 bytes."""
        return hashlib.sha384(b"firmware" + self.vbios.encode()).digest()

    def golden(self, index: int) -> bytes:
        """What a measurement ought to be, 48 bytes."""
        version = self.driver if index in DRIVER_INDICES else self.vbios
        return hashlib.sha384(f"{version} {index}".encode()).digest()

    def measurements(self) -> list[bytes]:
        """What is measured, 48 bytes each."""
        return [self.altered.get(index, self.golden(index)) for index in range(MEASUREMENTS)]

    def opaque_data(self) -> bytes:
        """The report's opaque data."""
        first, second, third, fourth, fifth = bytes.fromhex(self.vbios.replace(".", ""))
        project, sku, chip_sku = (f"{part}\0".encode() for part in self.board)
        fields: dict[int, bytes | None] = {
            OpaqueField.VBIOS_VERSION: bytes([fourth, third, second, first, fifth, 0, 0, 0]),
            OpaqueField.CHIP_SKU: chip_sku,
            OpaqueField.PROJECT: project,
            OpaqueField.PROJECT_SKU: sku,
            OpaqueField.DRIVER_VERSION: self.driver.encode() + b"\0",
            OpaqueField.NVDEC0_STATUS: bytes([Switch.ON]),
            OpaqueField.FWID: self.fwid,
            OpaqueField.PROTECTED_PCIE: bytes([Switch.OFF]),
        }
        fields.update(self.opaque)
        return b"".join(
            struct.pack("<HH", kind, len(value)) + value
            for kind, value in fields.items()
            if value is not None
        )


def build_report(key: ec.EllipticCurvePrivateKey, software: GpuSoftware, nonce: bytes) -> bytes:
    """A signed report over a nonce of 32 bytes."""
    record = b"".join(
        struct.pack("<BBHBH", index + 1, 1, len(value) + 3, 1, len(value)) + value
        for index, value in enumerate(software.measurements())
    )
    opaque = software.opaque_data()
    request = bytes([0x11, 0xE0, 0x01, 0xFF]) + nonce + b"\0"
    response = bytes([0x11, 0x60, 0, 0, MEASUREMENTS]) + len(record).to_bytes(3, "little") + record
    response += hashlib.sha256(nonce).digest() + struct.pack("<H", len(opaque)) + opaque
    return request + response + raw_signature(key, request + response)


def raw_signature(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """ECDSA P-384 over SHA-384 as r || s, 96 bytes."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA384())))
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def driver_rim(signer: Authority, software: GpuSoftware) -> bytes:
    """XML of the driver's manifest, signed."""
    return build_rim(signer, software.driver, {i: software.golden(i) for i in DRIVER_INDICES})


def vbios_rim(signer: Authority, software: GpuSoftware) -> bytes:
    """XML of the VBIOS's manifest, signed."""
    return build_rim(signer, software.vbios, {i: software.golden(i) for i in VBIOS_INDICES})


def build_rim(
    signer: Authority, version: str, golden: Mapping[int, bytes], *, product: str = "GH100"
) -> bytes:
    """XML of a manifest with these active measurements, signed; each has one false alternative."""
    root = etree.Element(
        f"{{{_SWID}}}SoftwareIdentity",
        {"name": product, "tagId": hashlib.sha384(version.encode()).hexdigest(), "version": "1.0"},
        nsmap={None: _SWID, "ns2": _SHA384},
    )
    etree.SubElement(root, f"{{{_SWID}}}Meta", {"colloquialVersion": version, "product": product})
    payload = etree.SubElement(root, f"{{{_SWID}}}Payload")
    for index in (UNUSED_INDEX, *sorted(golden)):
        value = golden.get(index, bytes(_HALF))
        attributes = {
            "type": "Measurement",
            "index": str(index),
            "active": str(index in golden),
            "alternatives": "2",
            "name": f"Measurement_{index}",
            "size": str(len(value)),
            f"{{{_SHA384}}}Hash0": hashlib.sha384(value).hexdigest(),
            f"{{{_SHA384}}}Hash1": value.hex(),
        }
        etree.SubElement(payload, f"{{{_SWID}}}Resource", attributes)
    return sign_rim(signer, root)


def sign_rim(signer: Authority, root: "etree._Element") -> bytes:
    """Sign a manifest's XML and write it out."""
    tool = XMLSigner(
        signature_algorithm=SignatureMethod.ECDSA_SHA384,
        digest_algorithm=DigestAlgorithm.SHA384,
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_1,
    )
    signed = tool.sign(root, key=signer.key, cert=list(signer.chain))
    return bytes(etree.tostring(signed))
