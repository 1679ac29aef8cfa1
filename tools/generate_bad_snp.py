"""Write ``vectors/attestation/bad_snp.json``: SEV-SNP evidence with one thing wrong each.

The hardware is simulated, with new keys at every run. Every case says which class of error it is
refused with, which layer is at fault and a part of the message. Run it after a change of what is
checked: ``python tools/generate_bad_snp.py``.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from cocoon.attestation.evidence.snp_report import (
    HOST_VMPL,
    SIGNED_BYTES,
    GuestPolicy,
    PlatformInfo,
    SigningKey,
)
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb
from cocoon.devnet.snp_pki import NAME, SnpAuthority, der_integer, leaf_extensions, make_authority
from cocoon.devnet.snp_quote import GUEST_POLICY, sign_body
from cocoon.testing.snp import NOW, SnpLab, chip_id, snp_lab

OUT = Path(__file__).parents[1] / "vectors" / "attestation" / "bad_snp.json"
START = datetime.fromtimestamp(NOW, UTC) - timedelta(days=1)
DAY = timedelta(days=1)
AMD = "1.3.6.1.4.1.3704.1."
SHA384 = hashes.SHA384()
PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)

GENOA = snp_lab(SnpProduct.GENOA)
MILAN = snp_lab(SnpProduct.MILAN)
TURIN = snp_lab(SnpProduct.TURIN)
VLEK = snp_lab(SnpProduct.GENOA, SigningKey.VLEK)
HONEST: dict[str, bytes] = {}
"""One signed report of each machine that has nothing wrong."""
LABS = {"genoa": GENOA, "milan": MILAN, "turin": TURIN, "genoa-vlek": VLEK}


def b64(data: bytes) -> str:
    """Bytes as JSON text."""
    return base64.b64encode(data).decode()


@dataclass
class Catalogue:
    """The file as it grows."""

    leaves: dict[str, str] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    collateral: dict[str, Any] = field(default_factory=dict)
    cases: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        name: str,
        layer: str,
        says: str,
        *,
        error: str = "EvidenceError",
        lab: str = "genoa",
        report: bytes | None = None,
        leaf: bytes | None = None,
        collateral: dict[str, Any] | None = None,
        requirement: dict[str, Any] | None = None,
        now: int = NOW,
        root: str | None = None,
    ) -> None:
        """One case; what is not given is as it should be."""
        machine = LABS[lab]
        made = report if report is not None else HONEST[lab]
        case: dict[str, Any] = {
            "name": name,
            "lab": lab,
            "now": now,
            "report": self._named(self.reports, made, lab, name),
            "leaf": self._named(self.leaves, leaf or machine.pki.leaf_der, lab, name),
            "collateral": lab,
            "root": root or lab,
        }
        if collateral is not None:
            self.collateral[name] = collateral
            case["collateral"] = name
        if requirement is not None:
            case["requirement"] = requirement
        case["expected"] = {"error": error, "layer": layer, "says": says} if error else None
        self.cases.append(case)

    def accept(self, name: str, *, lab: str = "genoa", **options: Any) -> None:
        """A case that must verify."""
        self.add(name, "", "", error="", lab=lab, **options)

    @staticmethod
    def _named(known: dict[str, str], content: bytes, lab: str, name: str) -> str:
        text = b64(content)
        for key, value in known.items():
            if value == text:
                return key
        key = lab if lab not in known else name
        known[key] = text
        return key


def signed(lab: SnpLab = GENOA, **changes: Any) -> bytes:
    """A report with changes, signed."""
    return lab.report(**changes).sign(lab.pki.leaf.key)


def patched(at: int, value: bytes, lab: SnpLab = GENOA) -> bytes:
    """The honest report with other bytes in what is signed, signed again."""
    body = bytearray(lab.report().body())
    body[at : at + len(value)] = value
    return sign_body(bytes(body), lab.pki.leaf.key)


def unsigned(at: int, value: bytes) -> bytes:
    """The honest report with other bytes, not signed again."""
    report = bytearray(signed())
    report[at : at + len(value)] = value
    return bytes(report)


def make_leaf(
    *,
    authority: SnpAuthority = GENOA.pki.authority,
    common_name: str = "SEV-VCEK",
    public_key: Any = None,
    extensions: dict[str, bytes | None] | None = None,
    critical: str = "",
    start: datetime = START,
    end: datetime | None = None,
    algorithm: hashes.HashAlgorithm = SHA384,
    rsa_padding: Any = PSS,
    serial_number: int | None = None,
) -> bytes:
    """A leaf of the Genoa machine with one thing changed."""
    base = leaf_extensions(SnpProduct.GENOA, SigningKey.VCEK, GENOA.tcb, chip_id(SnpProduct.GENOA))
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(authority.certificate.subject)
        .serial_number(serial_number or x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end or start + 1000 * DAY)
        .public_key(public_key or GENOA.pki.leaf.key.public_key())
    )
    for oid, value in {**base, **(extensions or {})}.items():
        if value is not None:
            extension = x509.UnrecognizedExtension(ObjectIdentifier(oid), value)
            builder = builder.add_extension(extension, critical=oid == critical)
    signer = builder.sign(authority.key, algorithm, rsa_padding=rsa_padding)
    return signer.public_bytes(Encoding.DER)


def make_crl(
    *,
    authority: SnpAuthority = GENOA.pki.root,
    issuer: x509.Name | None = None,
    start: datetime = START,
    end: datetime | None = None,
    revoked: tuple[int, ...] = (),
    rsa_padding: Any = PSS,
    extension: x509.ExtensionType | None = None,
) -> bytes:
    """A revocation list of the Genoa machine with one thing changed."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer or authority.certificate.subject)
        .last_update(start)
        .next_update(end or start + 30 * DAY)
    )
    for serial_number in revoked:
        entry = x509.RevokedCertificateBuilder(serial_number, start).build()
        builder = builder.add_revoked_certificate(entry)
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(authority.key, SHA384, rsa_padding=rsa_padding).public_bytes(Encoding.DER)


def make_ask(
    common_name: str = "SEV-Genoa",
    *,
    issuer: SnpAuthority = GENOA.pki.root,
    is_ca: bool = True,
    start: datetime = START,
    end: datetime | None = None,
    bits: int = 2048,
    usage: bool = True,
    key: rsa.RSAPrivateKey | None = None,
    crl_sign: bool | None = None,
) -> bytes:
    """A signing key's or root's certificate with one thing changed."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=bits)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(issuer.certificate.subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end or start + 1000 * DAY)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if usage:
        lists = common_name.startswith("ARK") if crl_sign is None else crl_sign
        flags = dict.fromkeys(
            (
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        builder = builder.add_extension(
            x509.KeyUsage(key_cert_sign=True, crl_sign=lists, **flags), critical=True
        )
    return builder.sign(issuer.key, SHA384, rsa_padding=PSS).public_bytes(Encoding.DER)


def collateral(lab: SnpLab = GENOA, **changes: Any) -> dict[str, Any]:
    """What is different from the lab's collateral; None takes a field away."""
    base = next(name for name, known in LABS.items() if known is lab)
    return {
        "base": base,
        **{name: b64(v) if isinstance(v, bytes) else v for name, v in changes.items()},
    }


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, NAME),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{NAME} {common_name}"),
        ]
    )


def good_ones(add: Catalogue) -> None:
    """What must verify."""
    add.accept("Milan, version 2", lab="milan", report=signed(MILAN, version=2))
    add.accept("Genoa, version 3")
    add.accept("Turin, version 5", lab="turin")
    add.accept("a cloud provider's key", lab="genoa-vlek")
    masked = signed(VLEK, mask_chip_key=True)
    add.accept("the chip's key is masked, a provider's signs", lab="genoa-vlek", report=masked)
    add.accept("the chip id is masked", report=signed(chip_id=bytes(64)))
    digest = b"\x11" * 48
    add.accept("an ID block", report=signed(id_key_digest=digest))
    add.accept(
        "an author key",
        report=signed(author_key_en=True, id_key_digest=digest, author_key_digest=digest),
    )


def bad_reports(add: Catalogue) -> None:
    """Malformed reports and signatures."""
    cases: list[tuple[str, str, bytes]] = [
        ("a report cut short", "reserved", signed()[:-1]),
        ("a report of version 1", "version 1", patched(0, b"\x01")),
        ("a report of version 4", "version 4", patched(0, b"\x04")),
        ("a report of version 6", "version 6", patched(0, b"\x06")),
        ("signature algorithm 2", "signature algorithm 2", patched(0x34, b"\x02")),
        ("bit 17 of the policy is clear", "bit 17", signed(policy=0)),
        ("a reserved policy bit", "bit 26", signed(policy=GUEST_POLICY | 1 << 26)),
        ("a reserved platform bit", "bit 8", signed(platform_info=1 << 8)),
        ("a reserved signer bit", "bit 5", patched(0x48, b"\x20")),
        ("a reserved signing key", "signing key 2", patched(0x48, b"\x08")),
        ("a VMPL that does not exist", "VMPL 4", signed(vmpl=4)),
        ("an unknown processor", "unknown processor", patched(0x188, b"\x1b\x00")),
        ("a reserved byte of the TCB", "reserved byte", patched(0x182, b"\x01")),
        ("a reserved byte of the launch TCB", "reserved byte", patched(0x1F3, b"\x01")),
        ("author key without its bit", "disagree", signed(author_key_digest=b"\x11" * 48)),
        ("the bit without an author key", "disagree", signed(author_key_en=True)),
        (
            "an author key for no ID key",
            "no ID key",
            signed(author_key_en=True, author_key_digest=b"\x11" * 48),
        ),
        ("the signature's r is changed", "not by the key", unsigned(SIGNED_BYTES, b"\x00\x01")),
        ("the signature is zero", "not by the key", unsigned(SIGNED_BYTES, bytes(144))),
        ("signed by another key", "not by the key", _by_another_key()),
        ("signed data is changed", "not by the key", unsigned(0x90, b"\xff")),
    ]
    for at in (0x4C, 0x18B, 0x19F, 0x1EB, 0x1EF, 0x1F8, 0x200, 0x208, 0x29F):
        cases.append((f"reserved byte {at:#x} is set", "reserved", patched(at, b"\x01")))
    for at in (0x2D0, 0x2E7, 0x318, 0x32F, 0x330, 0x49F):
        cases.append((f"byte {at:#x}, not signed, is set", "reserved", unsigned(at, b"\x01")))
    for name, says, report in cases:
        add.add(name, "report", says, report=report)
    add.add(
        "a chip id longer than Turin's",
        "report",
        "reserved bytes of the chip id",
        lab="turin",
        report=patched(0x1A8, b"\x01", TURIN),
    )
    add.add(
        "version 2 names a processor",
        "report",
        "reserved",
        report=patched(0, b"\x02"),
    )
    add.add(
        "another processor than the leaf's",
        "leaf",
        "another processor",
        report=patched(0x188, b"\x1a\x02"),
    )


def _by_another_key() -> bytes:
    return GENOA.report().sign(ec.generate_private_key(ec.SECP384R1()))


def bad_guests(add: Catalogue) -> None:
    """Guests that no policy accepts."""
    debug = GUEST_POLICY | GuestPolicy.DEBUG
    add.add("DEBUG is allowed", "guest", "DEBUG", report=signed(policy=debug))
    add.add("the host asked", "guest", "the host asked", report=signed(vmpl=HOST_VMPL))
    add.add("the key is masked", "report", "MASK_CHIP_KEY", report=signed(mask_chip_key=True))
    none = signed(signing_key=SigningKey.NONE)
    add.add("no key signs", "report", "MASK_CHIP_KEY", report=none)


def bad_leaves(add: Catalogue) -> None:
    """Certificates of the key that signs."""
    other = bytes(range(2, 66))
    p256 = ec.generate_private_key(ec.SECP256R1()).public_key()
    stranger = make_authority("SEV-Genoa", START, issuer=None)
    rsa_key = GENOA.pki.root.key.public_key()
    cases: list[tuple[str, str, bytes]] = [
        ("no certificate at all", "malformed", b"\x30"),
        ("a byte after the certificate", "malformed", GENOA.pki.leaf_der + b"\0"),
        ("a certificate of 5 kB", "4096", GENOA.pki.leaf_der + bytes(4000)),
        ("for older firmware", "patch level", make_leaf(extensions={AMD + "3.3": der_integer(21)})),
        (
            "for newer microcode",
            "patch level",
            make_leaf(extensions={AMD + "3.8": der_integer(200)}),
        ),
        ("for another chip", "another chip", make_leaf(extensions={AMD + "4": other})),
        ("without a chip", "no chip id", make_leaf(extensions={AMD + "4": None})),
        ("a chip id of 63 bytes", "no chip id", make_leaf(extensions={AMD + "4": other[:63]})),
        ("a chip id of zeros", "no chip id", make_leaf(extensions={AMD + "4": bytes(64)})),
        (
            "a VCEK for a provider",
            "cloud provider",
            make_leaf(extensions={AMD + "5": b"\x16\x01x"}),
        ),
        ("an unknown product", "product", make_leaf(extensions={AMD + "2": b"\x16\x05Xxxxx"})),
        ("no product", "no string", make_leaf(extensions={AMD + "2": None})),
        ("the product in UTF-8", "no string", make_leaf(extensions={AMD + "2": b"\x0c\x05Genoa"})),
        ("Milan's leaf", "another processor", make_leaf(extensions={AMD + "2": b"\x16\x05Milan"})),
        ("structure version 2", "structure", make_leaf(extensions={AMD + "1": der_integer(2)})),
        ("Turin's structure", "structure", make_leaf(extensions={AMD + "1": der_integer(1)})),
        ("no structure version", "no number", make_leaf(extensions={AMD + "1": None})),
        ("no SNP level", "no number", make_leaf(extensions={AMD + "3.3": None})),
        ("a level of 256", "no number", make_leaf(extensions={AMD + "3.3": b"\x02\x02\x01\x00"})),
        ("a negative level", "no number", make_leaf(extensions={AMD + "3.3": b"\x02\x01\xff"})),
        ("a padded level", "no number", make_leaf(extensions={AMD + "3.3": b"\x02\x02\x00\x16"})),
        ("a reserved level", "reserved", make_leaf(extensions={AMD + "3.5": der_integer(1)})),
        ("an FMC level on Genoa", "FMC", make_leaf(extensions={AMD + "3.9": der_integer(1)})),
        ("an unknown critical extension", "critical", make_leaf(critical=AMD + "2")),
        ("a key on P-256", "P-384", make_leaf(public_key=p256)),
        ("an RSA key", "P-384", make_leaf(public_key=rsa_key)),
        ("another name", "no VCEK or VLEK", make_leaf(common_name="SEV-OTHER")),
        ("a VLEK behind a VCEK's report", "signed by a VCEK", VLEK.pki.leaf_der),
        ("signed by the root", "not signed by", make_leaf(authority=GENOA.pki.root)),
        ("signed by a stranger", "not signed by", make_leaf(authority=stranger)),
        ("PKCS #1 v1.5", "RSA-PSS", make_leaf(rsa_padding=padding.PKCS1v15())),
        (
            "SHA-256",
            "RSA-PSS and SHA-384",
            make_leaf(
                algorithm=hashes.SHA256(),
                rsa_padding=padding.PSS(padding.MGF1(hashes.SHA256()), 32),
            ),
        ),
        ("expired", "expired on", make_leaf(start=START - 10 * DAY, end=START)),
        ("not valid yet", "not valid before", make_leaf(start=START + 10 * DAY)),
    ]
    for name, says, leaf in cases:
        add.add(f"leaf: {name}", "leaf", says, leaf=leaf)
    hwid = leaf_extensions(SnpProduct.GENOA, SigningKey.VLEK, VLEK.tcb, b"")
    vlek = make_leaf(
        authority=VLEK.pki.authority,
        common_name="SEV-VLEK",
        public_key=VLEK.pki.leaf.key.public_key(),
        extensions={**hwid},
    )
    add.add("leaf: a VLEK with a chip", "leaf", "names a chip", lab="genoa-vlek", leaf=vlek)


def bad_chains(add: Catalogue) -> None:
    """Certificates above the leaf."""
    stranger = make_authority("ARK-Genoa", START, issuer=None)
    small = make_authority("ARK-Genoa", START, issuer=None, bits=1024)
    other_ark = stranger.certificate.public_bytes(Encoding.DER)
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("the root is another one", "not signed by", collateral(ark=other_ark)),
        (
            "a signing key of another root",
            "not signed by",
            collateral(ask=make_ask(issuer=stranger)),
        ),
        ("another signing key of the root", "not signed by", collateral(ask=make_ask())),
        ("a signing key that is no authority", "authority", collateral(ask=make_ask(is_ca=False))),
        ("a signing key without key usage", "authority", collateral(ask=make_ask(usage=False))),
        ("a signing key for Milan", "another authority", collateral(ask=make_ask("SEV-Milan"))),
        (
            "a signing key for VLEKs",
            "another authority",
            collateral(ask=make_ask("SEV-VLEK-Genoa")),
        ),
        ("a signing key of 1024 bits", "2048", collateral(ask=make_ask(bits=1024))),
        ("the root in both places", "another authority", collateral(ask=GENOA.pki.root_der)),
        ("a leaf as signing key", "another authority", collateral(ask=GENOA.pki.leaf_der)),
        ("no certificate as root", "malformed", collateral(ark=b"\x30\x00")),
        (
            "a root of 1024 bits",
            "2048",
            collateral(ark=small.certificate.public_bytes(Encoding.DER)),
        ),
    ]
    for name, says, fields in cases:
        add.add(f"chain: {name}", "chain", says, collateral=fields)
    past: dict[str, Any] = {"start": START - 20 * DAY, "end": START}
    future: dict[str, Any] = {"start": START + 20 * DAY}
    ask, ark = GENOA.pki.authority.key, GENOA.pki.root.key
    for when, says, dates in (
        ("expired", "expired on", past),
        ("not valid yet", "not valid before", future),
    ):
        add.add(
            f"chain: a signing key that is {when}",
            "chain",
            f"SEV-Genoa: the certificate.*{says}",
            collateral=collateral(ask=make_ask(key=ask, **dates)),
        )
        add.add(
            f"chain: a root that is {when}",
            "chain",
            f"ARK-Genoa: the certificate.*{says}",
            collateral=collateral(ark=make_ask("ARK-Genoa", key=ark, **dates)),
        )
    add.add("chain: another root is pinned", "chain", "not the pinned devnet's", root="milan")
    add.add("chain: AMD's root is pinned", "chain", "not AMD's", root="amd")
    late = NOW + 21 * 365 * 86_400
    add.add("chain: after everything expired", "leaf", "expired on", now=late)
    add.add("chain: before anything was valid", "leaf", "not valid before", now=NOW - 10**7)


def bad_lists(add: Catalogue) -> None:
    """Revocation lists."""
    root = GENOA.pki.root.certificate
    ask = GENOA.pki.authority.certificate
    leaf = GENOA.pki.leaf.certificate
    stranger = make_authority("ARK-Genoa", START, issuer=None)
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("expired", "expired on", collateral(crl=make_crl(start=START - 40 * DAY))),
        ("from the future", "not valid before", collateral(crl=make_crl(start=START + 10 * DAY))),
        ("of another issuer", "another issuer", collateral(crl=make_crl(issuer=ask.subject))),
        (
            "signed by a stranger",
            "not signed by",
            collateral(crl=make_crl(authority=stranger, issuer=root.subject)),
        ),
        (
            "signed by the signing key",
            "not signed by",
            collateral(crl=make_crl(authority=GENOA.pki.authority, issuer=root.subject)),
        ),
        ("PKCS #1 v1.5", "RSA-PSS", collateral(crl=make_crl(rsa_padding=padding.PKCS1v15()))),
        (
            "a list of changes",
            "critical",
            collateral(crl=make_crl(extension=x509.DeltaCRLIndicator(1))),
        ),
        ("malformed", "malformed", collateral(crl=b"\x30\x03\x02\x01\x00")),
        ("empty", "malformed", collateral(crl=b"")),
        ("of 70 kB", "65536", collateral(crl=bytes(70_000))),
        ("missing", "KeyError", collateral(crl=None)),
        (
            "by a root that may not sign lists",
            "may not sign lists",
            collateral(ark=make_ask("ARK-Genoa", key=GENOA.pki.root.key, crl_sign=False)),
        ),
        ("revokes the root", "ARK-Genoa", collateral(crl=make_crl(revoked=(root.serial_number,)))),
        (
            "revokes the signing key",
            "SEV-Genoa",
            collateral(crl=make_crl(revoked=(ask.serial_number,))),
        ),
        ("revokes the leaf", "VCEK", collateral(crl=make_crl(revoked=(leaf.serial_number,)))),
    ]
    for name, says, fields in cases:
        add.add(f"CRL: {name}", "crl", says, collateral=fields)


def bad_collateral(add: Catalogue) -> None:
    """Collateral as a whole."""
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("an unknown product", "ValueError", collateral(product="Venice")),
        ("an unknown signer", "KeyError", collateral(signer="vmk")),
        ("no base64", "Error", collateral(ark="!!")),
        ("no text", "TypeError", collateral(ark=7)),
    ]
    for name, says, fields in cases:
        add.add(f"collateral: {name}", "collateral", says, collateral=fields)
    for name, lab in (("for another product", MILAN), ("for the other kind of leaf", VLEK)):
        add.add(
            f"collateral: only {name}",
            "collateral",
            "no SEV-SNP collateral for Genoa/vcek",
            error="MissingCollateralError",
            collateral=collateral(lab),
        )


def bad_policies(add: Catalogue) -> None:
    """Genuine reports that a policy refuses."""
    levels = {"bootloader": 9, "tee": 0, "snp": 22, "microcode": 72}
    floor = {"min_tcb": {"Genoa": levels}}
    add.accept("policy: the floor is met", requirement=floor)
    add.accept("policy: no floor is asked for", requirement={"require_tcb": False})

    def refuse(name: str, says: str, requirement: dict[str, Any], **changes: Any) -> None:
        add.add(
            f"policy: {name}",
            "policy",
            says,
            error="PolicyError",
            report=signed(**changes) if changes else None,
            requirement={**floor, **requirement},
        )

    older = SnpTcb(bootloader=9, tee=0, snp=21, microcode=72)
    for name in ("committed", "current", "launch"):
        refuse(f"the {name} level is old", f"the {name} patch level", {}, **{f"{name}_tcb": older})
    for part, level in levels.items():
        higher = {"min_tcb": {"Genoa": {**levels, part: level + 1}}}
        refuse(f"{part} is old", f"the reported patch level.* in {part}", higher)
    other = {"min_tcb": {"Milan": levels}}
    refuse("no floor for the product", "no minimum TCB for Genoa", other)
    refuse("no floor at all", "no minimum TCB for Genoa", {"min_tcb": {}})
    refuse("threads share a core", "SMT", {"allow_smt": False}, platform_info=0)
    no_smt = {"policy": 1 << 17, "platform_info": PlatformInfo.SMT_EN}
    refuse("threads share a core now", "SMT", {"allow_smt": False}, **no_smt)
    refuse("may migrate", "migration", {}, policy=GUEST_POLICY | GuestPolicy.MIGRATE_MA)
    refuse("has a migration agent", "migration", {}, report_id_ma=b"\x01" * 32)
    refuse("an unprivileged level", "VMPL 1", {}, vmpl=1)
    refuse("an old image", "below 5", {"min_guest_svn": 5}, guest_svn=4)
    refuse("CXL memory", "CXL", {}, policy=GUEST_POLICY | GuestPolicy.CXL_ALLOW)
    refuse("two sockets", "socket", {"require_single_socket": True})
    refuse("AES-128", "AES-256", {"require_aes256": True})
    refuse("pages move", "move guest pages", {"require_page_swap_disabled": True})
    refuse("ciphertext is seen", "ciphertext", {"require_ciphertext_hiding": True})
    refuse("power is measured", "RAPL", {"require_rapl_disabled": True})
    refuse("no ECC", "error correction", {"require_ecc": True}, platform_info=0)
    refuse("aliases", "aliases", {"require_alias_check": True}, platform_info=0)
    refuse("a masked chip", "which chip", {"allow_masked_chip": False}, chip_id=bytes(64))
    add.add(
        "policy: a cloud provider's key",
        "policy",
        "VLEK",
        error="PolicyError",
        lab="genoa-vlek",
        requirement={**floor, "allow_vlek": False},
    )


def main() -> None:
    """Write the file."""
    catalogue = Catalogue()
    HONEST.update({name: signed(lab) for name, lab in LABS.items()})
    parts: tuple[Callable[[Catalogue], None], ...] = (
        good_ones,
        bad_reports,
        bad_guests,
        bad_leaves,
        bad_chains,
        bad_lists,
        bad_collateral,
        bad_policies,
    )
    for part in parts:
        part(catalogue)
    content = {
        "about": "SEV-SNP evidence of simulated hardware (tools/generate_bad_snp.py). A case's "
        "evidence is its report followed by the DER of its leaf; it is verified with its "
        "collateral under its root at its time (unix seconds), then judged by its requirement, "
        "if there is one. Collateral with a base is that one with other values; null takes one "
        "away. "
        "expected is null where it must pass; otherwise the class of the error, "
        "the layer at fault and a regular expression for the message. Binary data is base64.",
        "roots": {name: b64(lab.pki.root_der) for name, lab in LABS.items()} | {"amd": None},
        "leaves": catalogue.leaves,
        "collateral": {name: json.loads(lab.collateral.to_json()) for name, lab in LABS.items()}
        | catalogue.collateral,
        "reports": catalogue.reports,
        "cases": catalogue.cases,
    }
    OUT.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{len(catalogue.cases)} cases in {OUT.name}")


if __name__ == "__main__":
    main()
