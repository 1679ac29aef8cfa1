"""Write ``vectors/attestation/bad_nvidia.json``: GPU evidence and collateral that is refused.

Some keys are drawn afresh, so every run gives other bytes with the same outcomes::

    python tools/generate_bad_nvidia.py
"""

import base64
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from lxml import etree

from cocoon.attestation.evidence.nvidia_item import MAX_ITEM_BYTES, GpuItem
from cocoon.attestation.evidence.nvidia_report import REQUEST_BYTES, OpaqueField
from cocoon.devnet.gpu import SimulatedGpus, ocsp_need
from cocoon.devnet.gpu_pki import GpuPki, ders
from cocoon.devnet.gpu_report import (
    DRIVER_INDICES,
    VBIOS_INDICES,
    GpuSoftware,
    build_rim,
    driver_rim,
    raw_signature,
    sign_rim,
)
from cocoon.testing import gpus

NOW = 1_795_000_000
DAY = 86_400
START = NOW - 30 * DAY
NONCE = bytes(range(32))
PATH = Path(__file__).parent.parent / "vectors" / "attestation" / "bad_nvidia.json"
REPORT, CHAIN, OCSP, RIM = "GPU report", "GPU certificate", "GPU OCSP", "GPU RIM"
FIELDS = OpaqueField


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


class Catalogue:
    """Collects cases against one simulated machine."""

    def __init__(self) -> None:
        self.pki = GpuPki.from_seed(bytes(range(32)), START)
        self.machine = SimulatedGpus(self.pki, 2)
        self.software = self.machine.software
        self.identity, self.leaf = self.pki.gpu(0, self.software.fwid)
        self.pieces = {piece.key: piece for piece in self.machine.collateral(NOW)}
        self.good = gpus.item(self.leaf, NONCE)
        self.evidence: dict[str, str] = {"good": b64(self.good)}
        self.collateral: dict[str, list[dict[str, str]]] = {}
        self.cases: list[dict[str, Any]] = []
        self.book("good", {})

    def book(self, name: str, changes: Mapping[str, bytes | None]) -> str:
        """Name collateral: the good one, with other answers to some needs, or none."""
        answers = {key: piece.data for key, piece in self.pieces.items()}
        for key, data in changes.items():
            answers.pop(key, None)
            if data is not None:
                answers[key] = data
        self.collateral[name] = [{"key": key, "data": b64(data)} for key, data in answers.items()]
        return name

    def add(
        self, name: str, evidence: bytes | str, expect: str, layer: str, source: str, **more: Any
    ) -> None:
        """One item, verified."""
        if isinstance(evidence, bytes):
            self.evidence[name] = b64(evidence)
            evidence = name
        given = {"evidence": evidence, "collateral": "good", "root": "simulated", "now": NOW}
        self._case(name, "gpu", {**given, **more}, expect, layer, source)

    def answer(self, name: str, key: str, data: bytes, layer: str, source: str) -> None:
        """An answer of a vendor's service that is no collateral."""
        self._case(name, "answer", {"key": key, "data": b64(data)}, "EvidenceError", layer, source)

    def policy(
        self, name: str, items: Sequence[str], expect: str, source: str, **more: Any
    ) -> None:
        """Items of one machine, against a requirement."""
        given = {"items": list(items), "count": len(items), "collateral": "good", "now": NOW}
        self._case(name, "requirement", {**given, **more}, expect, "", source)

    def _case(
        self, name: str, kind: str, given: dict[str, Any], expect: str, layer: str, source: str
    ) -> None:
        self.cases.append(
            {"name": name, "kind": kind, "source": source, "input": given}
            | {"expect": expect, "layer": layer}
        )

    def report(self, software: GpuSoftware) -> bytes:
        """Evidence of the good GPU with other software."""
        return gpus.item(self.leaf, NONCE, software)

    def opaque(self, field: int, value: bytes | None) -> bytes:
        """Evidence whose report has another opaque field."""
        return self.report(replace(self.software, opaque={field: value}))

    def resigned(self, report: bytes) -> bytes:
        """Evidence with this report, whose last 96 bytes are replaced by a good signature."""
        signed = report[:-96]
        data = signed + raw_signature(self.leaf.key, signed)
        return GpuItem(data, ders(self.leaf.chain)).to_bytes()


def good_cases(make: Catalogue) -> None:
    """What passes, so that the rest fails for its own reason."""
    make.add("good", "good", "ok", "", "attestation.md §11.2")
    make.policy("two good GPUs", ["good", "second GPU"], "ok", "ours")
    make.evidence["second GPU"] = b64(make.machine.evidence(NONCE)[1])
    make.add("last second of the OCSP answers", "good", "ok", "", "RFC 6960",
             now=NOW + 7 * DAY - 300)  # fmt: skip
    good = make.pki.ocsp_answer(make.identity, NOW)
    without = make.book("no answer about the GPU", {ocsp_need(make.identity).key: None})
    make.add("OCSP answer with the evidence", gpus.stapled(make.good, good), "ok", "", "ours",
             collateral=without)  # fmt: skip


def bad_items(make: Catalogue) -> None:
    """The form in which evidence travels."""
    expect, layer, source = "EvidenceError", "GPU evidence", "ours: nvidia_item.py"
    good = make.good
    chain = ders(make.leaf.chain)
    head = good[: 3 + struct.unpack_from("<H", good, 1)[0]]
    certificates = b"".join(struct.pack("<H", len(der)) + der for der in chain)
    make.add("empty", b"", expect, layer, source)
    make.add("another version", b"\2" + good[1:], expect, layer, source)
    make.add("cut short", good[:-1], expect, layer, source)
    make.add("bytes behind it", good + b"\0", expect, layer, source)
    make.add("too long", good.ljust(MAX_ITEM_BYTES + 1, b"\0")[:64] + bytes(MAX_ITEM_BYTES),
             expect, layer, source)  # fmt: skip
    make.add("no certificates", head + b"\0\0", expect, layer, source)
    make.add("nine certificates", head + b"\x09" + certificates * 3, expect, layer, source)
    make.add("seven OCSP answers", good[:-1] + b"\7" + b"\1\0x" * 7, expect, layer, source)
    make.add("OCSP answer that is none", good[:-1] + b"\1\1\0x", expect, OCSP, "RFC 6960")


def bad_reports(make: Catalogue) -> None:
    """What the GPU signs."""
    expect, source = "EvidenceError", "DSP0274 (SPDM 1.1), attestation.md §11.2"
    good = GpuItem.from_bytes(make.good).report
    other = gpus.item(make.leaf, bytes(32))
    make.add("another nonce", other, expect, REPORT, "ours: statement.py, gpu_nonce")
    record = REQUEST_BYTES + 8

    def patched(at: int, value: bytes, *, sign: bool = True) -> bytes:
        report = good[:at] + value + good[at + len(value) :]
        if sign:
            return make.resigned(report)
        return GpuItem(report, ders(make.leaf.chain)).to_bytes()

    make.add(
        "nonce changed after signing", patched(4, bytes(32), sign=False), expect, REPORT, source
    )
    make.add("measurement changed after signing", patched(record + 7, b"x", sign=False), expect,
             REPORT, source)  # fmt: skip
    make.add("signature of zeros", patched(len(good) - 96, bytes(96), sign=False), expect, REPORT,
             source)  # fmt: skip
    make.add("SPDM 1.2", patched(0, b"\x12"), expect, REPORT, source)
    make.add("request without signature", patched(2, b"\0"), expect, REPORT, source)
    make.add("another answer than measurements", patched(REQUEST_BYTES + 1, b"\x7f"), expect,
             REPORT, source)  # fmt: skip
    make.add("measurement index twice", patched(record, b"\2"), expect, REPORT, source)
    make.add("measurement index 0", patched(record, b"\0"), expect, REPORT, source)
    make.add("measurement of another specification", patched(record + 1, b"\2"), expect, REPORT,
             source)  # fmt: skip
    make.add(
        "measurement longer than its block", patched(record + 5, b"\x31"), expect, REPORT, source
    )
    make.add("fewer blocks than bytes", patched(REQUEST_BYTES + 4, b"\x3f"), expect, REPORT, source)
    make.add("length of the record too large", patched(REQUEST_BYTES + 5, b"\xff\xff\xff"), expect,
             REPORT, source)  # fmt: skip
    opaque = record + 64 * 55 + 34
    make.add("opaque field twice", patched(opaque, struct.pack("<H", FIELDS.FWID)), expect, REPORT,
             source)  # fmt: skip
    make.add("opaque field too long", patched(opaque + 2, b"\xff\xff"), expect, REPORT, source)
    bad_opaque_fields(make, expect)


def bad_opaque_fields(make: Catalogue, expect: str) -> None:
    """What the report says about itself."""
    source = "attestation.md §11.2"
    for name, field, value, layer in (
        ("no driver version", FIELDS.DRIVER_VERSION, None, REPORT),
        ("driver version that leaves a folder", FIELDS.DRIVER_VERSION, b"../../etc\0", REPORT),
        ("no VBIOS version", FIELDS.VBIOS_VERSION, None, REPORT),
        ("VBIOS version of 4 bytes", FIELDS.VBIOS_VERSION, bytes(4), REPORT),
        ("board that is no word", FIELDS.PROJECT, b"10/10\0", REPORT),
        ("no firmware id", FIELDS.FWID, None, REPORT),
        ("firmware id of other firmware", FIELDS.FWID, bytes(48), CHAIN),
        ("protected PCIe", FIELDS.PROTECTED_PCIE, b"\xaa", "GPU mode"),
        ("protected PCIe in an unknown state", FIELDS.PROTECTED_PCIE, b"\x00", REPORT),
        ("several GPUs as one", FIELDS.FEATURE_FLAG, b"\1\0\0\0", "GPU mode"),
        ("protected PCIe as a feature", FIELDS.FEATURE_FLAG, b"\2\0\0\0", "GPU mode"),
        ("unknown feature", FIELDS.FEATURE_FLAG, b"\3\0\0\0", REPORT),
        ("unknown chip", FIELDS.CHIP_INFO, b"AD102\0", "GPU"),
    ):
        make.add(name, make.opaque(field, value), expect, layer, source)


def bad_chains(make: Catalogue) -> None:
    """Certificates of the GPU."""
    expect, source = "EvidenceError", "RFC 5280"
    pki, fwid = make.pki, make.software.fwid
    other = gpus.other_pki(pki).gpu(0, fwid)[1]
    make.add("another root of the same name", gpus.item(other, NONCE), expect, CHAIN, source)
    make.add("simulated GPU, NVIDIA's root", "good", expect, CHAIN, source, root="nvidia")
    good = GpuItem.from_bytes(make.good)

    def chained(*certificates: bytes) -> bytes:
        return replace(good, certificates=certificates).to_bytes()

    leaf, identity, device_ca, root = good.certificates
    make.add("reversed chain", chained(root, device_ca, identity, leaf), expect, CHAIN, source)
    make.add("chain without the leaf", chained(identity, device_ca, root), expect, CHAIN, source)
    make.add("chain without the identity", chained(leaf, device_ca, root), expect, CHAIN, source)
    make.add("chain without the root", chained(leaf, identity, device_ca), expect, CHAIN, source)
    make.add("garbage certificate", chained(leaf, b"0\0", device_ca, root), expect, CHAIN, source)
    second = pki.gpu(1, fwid)[1]
    make.add("leaf of another GPU", chained(*ders(second.chain)), expect, REPORT, source)
    identities = {
        "expired identity": replace(gpus.authority("I", START - 100 * DAY), days=90),
        "identity of tomorrow": gpus.authority("I", NOW + DAY),
        "identity that is no authority": replace(gpus.authority("I", START), ca=False),
        "identity that must not certify": gpus.CertificateRecipe("I", START, ca=True),
        "identity without a purpose": replace(gpus.authority("I", START), usage=None),
        "identity signed with SHA-256": replace(gpus.authority("I", START), digest=hashes.SHA256()),
        "identity with a P-256 key": replace(gpus.authority("I", START), curve=ec.SECP256R1()),
        "unknown critical extension": replace(
            gpus.authority("I", START), extensions=(gpus.critical_extension(),)
        ),
    }
    for name, recipe in identities.items():
        made = recipe.make(pki.device_ca)
        forged = gpus.firmware(made, fwid, START).make(made)
        make.add(name, gpus.item(forged, NONCE), expect, CHAIN, source)
    narrow = replace(gpus.authority("Narrow", START), path_length=0).make(pki.root)
    below = gpus.authority("I", START).make(narrow)
    forged = gpus.firmware(below, fwid, START).make(below)
    make.add("more authorities than allowed", gpus.item(forged, NONCE), expect, CHAIN, source)
    stolen = gpus.authority("I", START).make(replace(pki.device_ca, key=make.leaf.key))
    forged = gpus.firmware(stolen, fwid, START).make(stolen)
    make.add("identity not signed by its issuer", gpus.item(forged, NONCE), expect, CHAIN, source)
    bad_leaves(make, expect)


def bad_leaves(make: Catalogue, expect: str) -> None:
    """The certificate that signs the report."""
    source, fwid = "attestation.md §11.2", make.software.fwid
    good = gpus.firmware(make.identity, fwid, START)
    leaves = {
        "leaf that is an authority": replace(good, ca=True),
        "leaf that must not sign": replace(good, usage=(False, True)),
        "leaf without a firmware id": replace(good, extensions=()),
        "leaf for other firmware": gpus.firmware(make.identity, bytes(48), START),
        "leaf with half a firmware id": gpus.firmware(make.identity, bytes(20), START),
    }
    for name, recipe in leaves.items():
        evidence = gpus.item(recipe.make(make.identity), NONCE)
        make.add(name, evidence, expect, CHAIN, source)


def bad_ocsp(make: Catalogue) -> None:
    """Revocation."""
    missing, expect, source = "MissingCollateralError", "EvidenceError", "RFC 6960"
    pki, identity = make.pki, make.identity
    key = ocsp_need(identity).key
    make.add("no collateral", "good", missing, OCSP, source,
             collateral=make.book("empty", dict.fromkeys(make.pieces)))  # fmt: skip
    make.add("no OCSP answer about the GPU", "good", missing, OCSP, source,
             collateral="no answer about the GPU")  # fmt: skip
    make.add("OCSP answers expired", "good", missing, OCSP, source, now=NOW + 7 * DAY + 1)
    make.add("OCSP answers from the future", "good", expect, OCSP, source, now=NOW - 2 * DAY)
    subjects = {
        "GPU": identity, "device authority": pki.device_ca, "manifests' signer": pki.rim_signer,
        "manifests' authority": pki.rim_ca,
    }  # fmt: skip
    for what, subject in subjects.items():
        need = ocsp_need(subject).key
        revoked = make.book(f"{what} revoked", {need: pki.ocsp_answer(subject, NOW, revoked=True)})
        make.add(f"{what} is revoked", "good", expect, OCSP, source, collateral=revoked)
    unknown = make.book("GPU unknown", {key: pki.ocsp_answer(identity, NOW, unknown=True)})
    make.add("GPU is unknown", "good", expect, OCSP, source, collateral=unknown)
    none = make.book("no answer about the manifests' signer", {ocsp_need(pki.rim_signer).key: None})
    make.add("no OCSP answer about the manifests' signer", "good", missing, OCSP, source,
             collateral=none)  # fmt: skip
    responders = {
        "a responder of another root": gpus.other_pki(pki).responder,
        "the GPU itself": identity,
        "a signer without the purpose": pki.rim_signer,
        "a responder of yesterday": replace(
            gpus.CertificateRecipe("R", START - 100 * DAY),
            days=20,
            extensions=((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False),),
        ).make(pki.root),
    }
    for who, responder in responders.items():
        forged = make.book(f"by {who}", {key: gpus.ocsp_answer(identity, responder, NOW - 300)})
        make.add(f"OCSP answer by {who}", "good", expect, OCSP, source, collateral=forged)
    about = gpus.ocsp_answer(identity, pki.responder, NOW - 300, about=pki.device_ca)
    make.add("OCSP answer about another certificate", "good", expect, OCSP, source,
             collateral=make.book("about another", {key: about}))  # fmt: skip
    broken = bytearray(make.pieces[key].data)
    broken[len(broken) // 4] ^= 1
    newer = pki.ocsp_answer(identity, NOW + 60, revoked=True)
    make.add("revoked by a newer answer with the evidence", gpus.stapled(make.good, newer), expect,
             OCSP, source)  # fmt: skip


def bad_rims(make: Catalogue) -> None:
    """Reference measurements that do not fit."""
    missing, expect, source = "MissingCollateralError", "EvidenceError", "attestation.md §11.2"
    pki, software = make.pki, make.software
    driver, vbios = (need.key for need in make.machine.rim_needs())
    for what, key in (("driver", driver), ("VBIOS", vbios)):
        none = make.book(f"no {what} manifest", {key: None})
        make.add(f"no {what} manifest", "good", missing, RIM, source, collateral=none)
    golden = {index: software.golden(index) for index in DRIVER_INDICES}
    wrong = {**golden, 7: bytes(48)}
    conflict = {**golden, VBIOS_INDICES[0]: software.golden(VBIOS_INDICES[0])}
    beyond = {**golden, 63: bytes(48)}
    signer, version = pki.rim_signer, software.driver
    late = gpus.CertificateRecipe("Late Signer", START, days=10).make(pki.rim_ca)
    manifests = {
        "manifest of another version": (build_rim(signer, "1.0", golden), expect, RIM),
        "manifest of another architecture": (
            build_rim(signer, version, golden, product="GB100"), expect, RIM),
        "manifest of a chip without attestation": (
            build_rim(signer, version, golden, product="AD102"), expect, "GPU"),
        "manifest under another root": (
            driver_rim(gpus.other_pki(pki).rim_signer, software), expect, RIM),
        "manifest whose signer expired": (build_rim(late, version, golden), missing, RIM),
        "measurement differs": (build_rim(signer, version, wrong), expect, "GPU measurements"),
        "unused measurement is active": (
            build_rim(signer, version, beyond), expect, "GPU measurements"),
        "driver and VBIOS claim the same": (build_rim(signer, version, conflict), expect, RIM),
    }  # fmt: skip
    for name, (xml, outcome, layer) in manifests.items():
        changed = make.book(name, {driver: xml})
        make.add(name, "good", outcome, layer, source, collateral=changed)
    other = gpus.other_pki(pki)
    complete = {driver: driver_rim(other.rim_signer, software)}
    for subject in (other.rim_signer, other.rim_ca):
        complete[ocsp_need(subject).key] = other.ocsp_answer(subject, NOW)
    make.add("manifest under another root, with its OCSP answers", "good", expect, RIM, source,
             collateral=make.book("other root", complete))  # fmt: skip
    for index, what in ((30, "driver"), (9, "VBIOS")):
        altered = replace(software, altered={index: bytes(48)})
        make.add(f"altered {what}", make.report(altered), expect, "GPU measurements", source)


def bad_answers(make: Catalogue) -> None:
    """What a vendor's service, or somebody before it, may answer."""
    key, source = make.machine.rim_needs()[0].key, "ours: XML is not trusted"
    good = make.pieces[key].data
    state = ocsp_need(make.identity).key
    doctype = b'<!DOCTYPE a [<!ENTITY e "e">]>'
    for name, xml in {
        "not XML": b"<a",
        "empty manifest": b"",
        "manifest with a document type": doctype + good,
        "manifest with an entity": good.replace(b'version="1.0"', b'version="&e;"', 1),
        "manifest in UTF-16": good.decode().encode("utf-16"),
        "manifest of 128 KiB": good + b" " * (1 << 17),
        "another document": b"<SoftwareIdentity/>",
        "manifest changed after signing": good.replace(b'active="False"', b'active="True"', 1),
        "manifest without signature": re.sub(
            rb"<ds:Signature .*</ds:Signature>", b"", good, flags=re.S),
        "manifest with two signatures": re.sub(
            rb"(<ds:Signature .*</ds:Signature>)", rb"\1\1", good, flags=re.S),
        "signature over a part": good.replace(b'URI=""', b'URI="#x"'),
        "signature with another transform": good.replace(b"#enveloped-signature", b"#base64"),
        "signature with SHA-1": good.replace(b"more#ecdsa-sha384", b"more#ecdsa-sha1"),
        "signature without chain": re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", good, flags=re.S),
        "chain without its root": _drop_root(good),
    }.items():  # fmt: skip
        make.answer(name, key, xml, RIM, source)
    for name, change in _payloads().items():
        make.answer(name, key, sign_rim(make.pki.rim_signer, change(good)), RIM, source)
    make.answer("OCSP answer that is no DER", state, b"no", OCSP, "RFC 6960")
    make.answer("OCSP service says try later", state, bytes.fromhex("30030a0103"), OCSP, "RFC 6960")
    make.answer("OCSP answer of 8 KiB", state, bytes(8193), OCSP, "ours")
    for name, wrong in {
        "need that leaves its folder": "rim/../../x",
        "need of an unknown kind": "crl/x",
        "need without an id": "rim/",
        "need with half a fingerprint": "ocsp/00/AAAA",
        "need that is not base64": f"ocsp/{'00' * 32}/!!!",
    }.items():
        make.answer(name, wrong, good, "GPU collateral", "ours")


def _drop_root(xml: bytes) -> bytes:
    at = xml.rindex(b"<ds:X509Certificate>")
    return xml[:at] + xml[xml.index(b"</ds:X509Data>", at) :]


def _payloads() -> dict[str, Any]:
    """Manifests that are signed, and nonsense."""

    def changed(**attributes: str) -> Any:
        def change(xml: bytes) -> Any:
            root = _unsigned(xml)
            resource = next(root.iter("{*}Resource"))
            for name, value in attributes.items():
                resource.set(name, value)
            return root

        return change

    def inactive(xml: bytes) -> Any:
        root = _unsigned(xml)
        for resource in root.iter("{*}Resource"):
            resource.set("active", "False")
        return root

    def without(tag: str) -> Any:
        def change(xml: bytes) -> Any:
            root = _unsigned(xml)
            root.remove(next(root.iter(f"{{*}}{tag}")))
            return root

        return change

    return {
        "measurement twice": changed(index="21"),
        "measurement number 1000": changed(index="1000"),
        "measurement of another size": changed(size="32"),
        "fewer alternatives than values": changed(alternatives="1"),
        "more alternatives than values": changed(alternatives="3"),
        "maybe active": changed(active="maybe"),
        "resource of another type": changed(type="File"),
        "manifest that demands nothing": inactive,
        "manifest without a version": without("Meta"),
        "manifest without measurements": without("Payload"),
    }


def _unsigned(xml: bytes) -> Any:
    root = etree.fromstring(xml)
    root.remove(root.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    return root


def bad_for_policy(make: Catalogue) -> None:
    """Genuine, but not what is asked for."""
    expect = "PolicyError"
    make.policy("one GPU of two", ["good"], expect, "ours", count=2)
    make.policy("a GPU too many", ["good", "second GPU"], expect, "ours", count=1)
    make.policy("the same GPU twice", ["good", "good"], expect, "ours")
    make.policy("driver too old", ["good"], expect, "ours", min_driver="999.10.02")
    make.policy("driver new enough", ["good"], "ok", "ours", min_driver="999.10")
    make.policy("another architecture", ["good"], expect, "ours", architectures=["blackwell"])
    make.policy("no architecture allowed", ["good"], expect, "ours", architectures=[])


def main() -> None:
    """Write everything."""
    make = Catalogue()
    for part in (good_cases, bad_items, bad_reports, bad_chains, bad_ocsp, bad_rims, bad_answers,
                 bad_for_policy):  # fmt: skip
        part(make)
    shared: dict[str, str] = {}
    for pieces in make.collateral.values():
        for piece in pieces:
            name = next((k for k, v in shared.items() if v == piece["data"]), f"blob {len(shared)}")
            shared[name] = piece["data"]
            piece["data"] = name
    content = {
        "note": "evidence and collateral of simulated GPUs; collateral lists name shared blobs",
        "nonce": NONCE.hex(),
        "root": b64(make.pki.root.der),
        "blobs": shared,
        "evidence": make.evidence,
        "collateral": make.collateral,
        "cases": make.cases,
    }
    PATH.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{len(make.cases)} cases in {PATH}")


if __name__ == "__main__":
    main()
