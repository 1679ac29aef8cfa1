"""Write ``vectors/attestation/bad_tdx.json``: Intel quotes and collateral, nearly all of them bad.

Keys are drawn afresh, so every run gives other bytes with the same outcomes; run it only when the
cases change::

    python tools/generate_bad_tdx.py
"""

import base64
import hashlib
import json
import secrets
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from cocoon.devnet import tee_pki, tee_quote
from cocoon.devnet.sgx_quote import build_sgx_quote
from cocoon.devnet.tee import simulated_measurements
from cocoon.devnet.tee_pki import SimulatedPki, sign_raw
from cocoon.devnet.tee_quote import TEE_TCB_SVN, TEE_TDX, XFAM, td_body

NOW = 1_795_000_000
DAY = 86_400
FILE = Path(__file__).parent.parent / "vectors" / "attestation" / "bad_tdx.json"
BEGIN = b"-----BEGIN CERTIFICATE-----"
MEASUREMENTS = simulated_measurements("worker", "1", hashlib.sha512(b"cocoon").digest())
EDIT = Callable[[bytearray], None]


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


class Catalogue:
    """Collects cases; platform certificates and collateral are written once each."""

    def __init__(self) -> None:
        self.pki = SimulatedPki.create(NOW, secrets.token_bytes(32))
        self.other = SimulatedPki.create(NOW, secrets.token_bytes(32))
        self.chains: dict[str, str] = {}
        self.collateral: dict[str, dict[str, Any]] = {
            "good": json.loads(self.pki.collateral_json(NOW)),
            "sgx": json.loads(self.pki.collateral_json(NOW, tee="SGX")),
        }
        self.cases: list[dict[str, Any]] = []

    def add(
        self,
        name: str,
        quote: bytes,
        expect: str,
        layer: str = "",
        *,
        source: str,
        collateral: str = "good",
        tee: str = "tdx",
        now: int = NOW,
        status: str | None = None,
    ) -> None:
        """Add one case; ``layer`` starts the message of the error."""
        case: dict[str, Any] = {
            "name": name,
            "source": source,
            "input": {
                "quote": self._parts(quote),
                "collateral": collateral,
                "tee": tee,
                "now": now,
            },
            "expect": expect,
        }
        if layer:
            case["layer"] = layer
        if status:
            case["status"] = status
        self.cases.append(case)

    def _parts(self, quote: bytes) -> list[str]:
        at = quote.find(BEGIN)
        if at < 0:
            return [b64(quote)]
        back = b64(quote[at:])
        name = next((key for key, value in self.chains.items() if value == back), None)
        if name is None:
            name = f"chain{len(self.chains)}"
            self.chains[name] = back
        return [b64(quote[:at]), f"@{name}"]

    def variant(self, name: str, **fields: Any) -> str:
        """Collateral that differs from the good one in these fields."""
        self.collateral[name] = {"from": "good", **fields}
        return name

    def signed(
        self, name: str, part: str, edit: Callable[[dict[str, Any]], None], base: str = "good"
    ) -> str:
        """Collateral with an edited and properly signed part: ``tcb_info`` or ``qe_identity``."""
        content = json.loads(self.collateral[base][part])
        edit(content)
        text = json.dumps(content, separators=(",", ":"))
        signature = sign_raw(self.pki.tcb_signer.key, text.encode()).hex()
        return self.variant(name, **{part: text, f"{part}_signature": signature})


def body(
    attributes: int = 1 << 28, xfam: int = int.from_bytes(XFAM, "little"), **changes: Any
) -> bytes:
    """A domain's report, form 1.0."""
    return td_body(
        replace(MEASUREMENTS, **changes),
        attributes.to_bytes(8, "little"),
        xfam.to_bytes(8, "little"),
    )


def v4(pki: SimulatedPki, content: bytes | None = None) -> bytes:
    """A quote of version 4."""
    return tee_quote.sign_quote(pki, tee_quote.header(4, TEE_TDX) + (content or body()))


def v5(pki: SimulatedPki, kind: int, content: bytes, *, tee: int = TEE_TDX) -> bytes:
    """A quote of version 5."""
    head = struct.pack("<HI", kind, len(content))
    return tee_quote.sign_quote(pki, tee_quote.header(5, tee) + head + content)


def later_body(service: bytes = bytes(48), attributes: int = 1 << 28) -> bytes:
    """A domain's report, form 1.5."""
    return body(attributes) + TEE_TCB_SVN + service


def latest_body(*, vm_index: int = 0, first: bytes = bytes(48), now: bytes = bytes(48)) -> bytes:
    """A domain's report, form 1.5ex."""
    extra = bytes([vm_index]) + bytes(80) + first + bytes(8 + 16 + 16 + 12) + now + bytes(8)
    return later_body() + extra


def edited(quote: bytes, edit: EDIT) -> bytes:
    """A copy with changed bytes, not signed again."""
    changed = bytearray(quote)
    edit(changed)
    return bytes(changed)


def put(at: int, value: bytes) -> EDIT:
    """An edit that writes bytes at a place."""

    def edit(data: bytearray) -> None:
        data[at : at + len(value)] = value

    return edit


def good(make: Catalogue) -> None:
    """What passes, so that the refusals below are known to be for their reason."""
    source = "attestation.md §4"
    make.add("version 4", v4(make.pki), "ok", source=source)
    make.add("version 5, form 1.0", v5(make.pki, 2, body()), "ok", source=source)
    make.add("version 5, form 1.5", v5(make.pki, 3, later_body()), "ok", source=source)
    make.add("version 5, form 1.5ex", v5(make.pki, 4, latest_body()), "ok", source=source)
    make.add(
        "70 zero bytes behind it", v4(make.pki) + bytes(70), "ok", source="attestation.md §4.6"
    )
    harmless = (1 << 28) | (1 << 16) | (1 << 27) | (1 << 30) | (1 << 31) | (1 << 62) | (1 << 63)
    make.add(
        "attributes that do not matter", v4(make.pki, body(harmless)), "ok", source="TDX module ABI"
    )
    enclave = build_sgx_quote(make.pki, b"\x42" * 32, bytes(64))
    make.add("an enclave", enclave, "ok", source=source, collateral="sgx", tee="sgx")
    for status in (
        "SWHardeningNeeded",
        "ConfigurationNeeded",
        "ConfigurationAndSWHardeningNeeded",
        "OutOfDate",
        "OutOfDateConfigurationNeeded",
    ):
        text = make.pki.collateral_json(NOW, tcb_status=status, advisories=("INTEL-SA-00001",))
        content = json.loads(text)
        changed = {key: content[key] for key in ("tcb_info", "tcb_info_signature")}
        name = make.variant(f"status {status}", **changed)
        make.add(
            f"TCB status {status}, for the policy to judge",
            v4(make.pki),
            "ok",
            source="attestation.md §4.7",
            collateral=name,
            status=status,
        )


def malformed(make: Catalogue) -> None:
    """Not the form of a quote."""
    source, base = "attestation.md §4.1, §4.3", v4(make.pki)
    five = v5(make.pki, 3, later_body())
    cases: list[tuple[str, bytes]] = [
        ("empty", b""),
        ("garbage", bytes(range(256)) * 20),
        ("header only", base[:48]),
        ("cut in the body", base[:400]),
        ("cut in the certificates", base[:-1]),
        ("version 2", edited(base, put(0, b"\2"))),
        ("version 6", edited(base, put(0, b"\6"))),
        ("version 3 of a domain", edited(base, put(0, b"\3"))),
        ("attestation key P-384", edited(base, put(2, b"\3"))),
        ("unknown TEE", edited(base, put(4, b"\x82"))),
        ("another quoting enclave vendor", edited(base, put(12, b"\0"))),
        ("body of an unknown type", edited(five, put(48, b"\5"))),
        ("body of a wrong size", edited(five, put(50, b"\0"))),
        ("body that the header contradicts", edited(five, put(4, b"\0"))),
        ("signature section too long", edited(base, put(632, b"\xff\xff"))),
        ("signature section of 4 GiB", edited(base, put(632, b"\xff\xff\xff\xff"))),
        ("certification data of another type", edited(base, put(764, b"\5"))),
        ("certification data too short", edited(base, put(766, b"\0\1"))),
        ("authentication data too long", edited(base, put(1218, b"\xff\xff"))),
        ("a byte behind it", base + b"x"),
        ("a second quote behind it", base + base),
        ("a byte behind the padding", base + bytes(70) + b"x"),
        ("more than 32 KiB", base + bytes(32_768)),
    ]
    for name, quote in cases:
        make.add(name, quote, "EvidenceError", "quote", source=source)
    slack = bytearray(base + b"slack")
    struct.pack_into("<I", slack, 632, struct.unpack_from("<I", base, 632)[0] + 5)
    make.add(
        "bytes behind the certificates inside the signature section",
        bytes(slack),
        "EvidenceError",
        "quote, signature section",
        source="ours: unsigned bytes carry nothing",
    )


def domains(make: Catalogue) -> None:
    """Genuine quotes of domains that must not hold secrets."""
    abi, flaw = "TDX module ABI, ATTRIBUTES", "attestation.md §12.1"
    on = 1 << 28
    make.add(
        "DEBUG",
        v4(make.pki, body(on | 1)),
        "EvidenceError",
        "trust domain: it runs in DEBUG",
        source=flaw,
    )
    for bit in (1, 3, 4, 5, 6, 7):
        make.add(
            f"under debug, bit {bit}", v4(make.pki, body(on | 1 << bit)), "EvidenceError",
            "trust domain: it is under debug", source=abi,
        )  # fmt: skip
    make.add(
        "can be migrated", v4(make.pki, body(on | 1 << 29)), "EvidenceError",
        "trust domain: it can be migrated", source=abi,
    )  # fmt: skip
    make.add(
        "extended service domains", v4(make.pki, body(on | 1 << 17)), "EvidenceError",
        "trust domain: it may be bound", source=abi,
    )  # fmt: skip
    make.add(
        "SEPT_VE_DISABLE clear", v4(make.pki, body(0)), "EvidenceError",
        "trust domain: it lets its host inject", source="attestation.md §4.7",
    )  # fmt: skip
    for bit in (8, 15, 18, 19, 20, 21, 22, 23, 26, 32, 61):
        make.add(
            f"reserved attribute bit {bit}", v4(make.pki, body(on | 1 << bit)), "EvidenceError",
            "trust domain: reserved attribute bits", source=abi,
        )  # fmt: skip
    bound, layer = b"\1" * 48, "trust domain: bound to a service domain"
    for name, quote in (
        ("bound to a migration domain", v5(make.pki, 3, later_body(bound))),
        ("was bound to a service domain", v5(make.pki, 4, latest_body(first=bound))),
        ("is bound to a service domain now", v5(make.pki, 4, latest_body(now=bound))),
    ):
        make.add(name, quote, "EvidenceError", layer, source="attestation.md §4.2, MR_SERVICETD")
    make.add(
        "part of a partitioned domain", v5(make.pki, 4, latest_body(vm_index=1)), "EvidenceError",
        "trust domain: only a part", source="Intel's quote format, form 1.5ex",
    )  # fmt: skip
    for name, xfam in (("no features", 0), ("without SSE", 1), ("unknown features", 3 | 1 << 63)):
        make.add(
            f"processor features: {name}", v4(make.pki, body(xfam=xfam)), "EvidenceError",
            "trust domain: its processor features", source="TDX module ABI, XFAM",
        )  # fmt: skip
    changed = body()
    for name, layer, edit in (
        ("TDX module not Intel's", "TDX module: not signed", put(64, b"\1")),
        ("TDX module with attributes", "TDX module: runs with attributes", put(112, b"\1")),
        ("TDX module older than listed", "TDX module: older", put(0, b"\1")),
        ("TDX module of an unknown version", "TDX module: of a version", put(1, b"\7")),
        ("firmware older than listed", "platform TCB: older", put(2, b"\1")),
    ):
        quote = v4(make.pki, edited(changed, edit))
        make.add(name, quote, "EvidenceError", layer, source="attestation.md §4.7")
    enclave = build_sgx_quote(make.pki, b"\x42" * 32, bytes(64))
    make.add("an enclave as a peer", enclave, "PolicyError", "SGX", source="attestation.md §1.3")
    debug = build_sgx_quote(make.pki, b"\x42" * 32, bytes(64), debug=True)
    make.add(
        "an enclave in DEBUG mode", debug, "EvidenceError", "enclave: it runs in DEBUG",
        source="attestation.md §10.3", collateral="sgx", tee="sgx",
    )  # fmt: skip
    make.add(
        "a domain as an enclave", v4(make.pki), "EvidenceError", "quote: of a trust domain",
        source="attestation.md §10.3", collateral="sgx", tee="sgx",
    )  # fmt: skip


def signatures(make: Catalogue) -> None:
    """Changed after signing, or signed by somebody else."""
    base, source = v4(make.pki), "attestation.md §4.3"
    qe_at, qe_signature_at, auth_at = 770, 1154, 1220
    wrong_qe = "quoting enclave: not signed by the PCK key"
    for name, at, layer in (
        ("user data", 30, "quote: its signature"),
        ("MRTD", 184, "quote: its signature"),
        ("RTMR3", 530, "quote: its signature"),
        ("report data", 570, "quote: its signature"),
        ("quote signature", 640, "quote: its signature"),
        ("attestation key", 710, "quoting enclave: vouches for another key"),
        ("QE report", qe_at + 330, wrong_qe),
        ("QE report signature", qe_signature_at + 5, wrong_qe),
        ("QE authentication data", auth_at, "quoting enclave: vouches for another key"),
    ):
        quote = edited(base, put(at, bytes([base[at] ^ 1])))
        make.add(f"altered {name}", quote, "EvidenceError", layer, source=source)
    short = replace(make.pki, pck=replace(make.pki.pck, key=make.other.pck.key))
    make.add("QE of another platform", v4(short), "EvidenceError", wrong_qe, source=source)
    make.add(
        "another root", v4(make.other), "EvidenceError", "root: ", source="attestation.md §4.7"
    )


def resign_qe(make: Catalogue, edit: EDIT) -> bytes:
    """A quote whose quoting enclave differs, properly signed by the platform."""
    quote = bytearray(v4(make.pki))
    report = bytearray(quote[770:1154])
    edit(report)
    quote[770:1154] = report
    quote[1154:1218] = sign_raw(make.pki.pck.key, bytes(report))
    return bytes(quote)


def quoting_enclaves(make: Catalogue) -> None:
    """Enclaves that Intel's identity does not describe."""
    for name, layer, edit in (
        ("debug", "quoting enclave: it runs in DEBUG", put(48, b"\x13")),
        ("signer", "quoting enclave: not signed by Intel", put(128, b"\0")),
        ("product", "quoting enclave: another enclave", put(256, b"\7")),
        ("features", "quoting enclave: started with other features", put(16, b"\1")),
        ("attributes", "quoting enclave: started with other attributes", put(49, b"\1")),
        ("version", "quoting enclave: older", put(258, b"\1")),
    ):
        quote = resign_qe(make, edit)
        make.add(
            f"quoting enclave: {name}", quote, "EvidenceError", layer, source="attestation.md §4.7"
        )


def platform_certificate(
    make: Catalogue, *, not_before: datetime, extension: bytes | None = None, **changes: Any
) -> SimulatedPki:
    """The same authorities with another certificate for the platform."""
    content = extension or tee_pki._sgx_extension(b"p" * 16, b"i" * 16)
    carried = x509.UnrecognizedExtension(ObjectIdentifier(tee_pki.SGX_EXTENSION), content)
    pck = tee_pki._issue(
        "PCK Certificate",
        not_before,
        issuer=changes.get("issuer", make.pki.platform_ca),
        extension=carried,
    )
    return replace(make.pki, pck=pck)


def certificates(make: Catalogue) -> None:
    """Platform certificates that do not count."""
    source = "attestation.md §4.3, §4.7"
    now = datetime.fromtimestamp(NOW, UTC)
    past, future = now - tee_pki.PKI_LIFETIME - timedelta(days=1), now + timedelta(days=1)
    yesterday = now - timedelta(days=1)
    for name, layer, pki in (
        ("expired", "PCK certificate: expired", platform_certificate(make, not_before=past)),
        (
            "not yet valid",
            "PCK certificate: not valid",
            platform_certificate(make, not_before=future),
        ),
        (
            "without Intel's extension",
            "PCK certificate: malformed",
            replace(make.pki, pck=tee_pki._issue("PCK", yesterday, issuer=make.pki.platform_ca)),
        ),
        (
            "extension cut short",
            "PCK certificate, extension: ends",
            platform_certificate(
                make, not_before=yesterday, extension=tee_pki._sgx_extension(b"p" * 16, b"")[:-1]
            ),
        ),
        (
            "extension without a platform id",
            "PCK certificate, extension: entry 1",
            platform_certificate(
                make, not_before=yesterday, extension=tee_pki._sgx_extension(b"", b"i" * 16)
            ),
        ),
        (
            "issued by the signer of collateral",
            "PCK certificate: its issuer",
            platform_certificate(make, not_before=yesterday, issuer=make.pki.tcb_signer),
        ),
        (
            "issued by another CA of the same name",
            "PCK certificate: not signed",
            platform_certificate(make, not_before=yesterday, issuer=make.other.platform_ca),
        ),
    ):
        make.add(f"platform certificate: {name}", v4(pki), "EvidenceError", layer, source=source)
    ca = tee_pki._issue("PCK Platform CA", past, issuer=make.pki.root, path_length=0)
    with_ca = replace(make.pki, platform_ca=ca)
    pck = platform_certificate(make, not_before=yesterday, issuer=ca).pck
    name = make.variant(
        "PCK CRL of the expired CA",
        pck_crl=tee_pki._revocation_list(ca, yesterday, []).hex(),
        pck_crl_issuer_chain=ca.pem + make.pki.root.pem,
    )
    make.add(
        "PCK CA expired", v4(replace(with_ca, pck=pck)), "EvidenceError",
        "PCK CA certificate: expired", source=source, collateral=name,
    )  # fmt: skip
    for kind in (1, 2, 3, 4):
        quote = edited(v4(make.pki), put(1252, bytes([kind])))
        make.add(
            f"certification data of type {kind}", quote, "EvidenceError",
            "PCK certificate: certification data", source=source,
        )  # fmt: skip


def revocations(make: Catalogue) -> None:
    """Lists that revoke, are too old, or are somebody else's."""
    source, pki = "attestation.md §4.7", make.pki
    now = datetime.fromtimestamp(NOW, UTC)
    old = now - timedelta(days=31)
    fresh = now - timedelta(minutes=5)

    def listed(issuer: Any, issued: datetime, *revoked: Any) -> str:
        serials = [item.certificate.serial_number for item in revoked]
        return tee_pki._revocation_list(issuer, issued, serials).hex()

    ca, root, other = pki.platform_ca, pki.root, make.other
    for name, layer, fields in (
        ("platform revoked", "PCK certificate: revoked", {"pck_crl": listed(ca, fresh, pki.pck)}),
        ("PCK CA revoked", "PCK CA certificate: revoked", {"root_ca_crl": listed(root, fresh, ca)}),
        (
            "TCB signer revoked",
            "TCB info signer: revoked",
            {"root_ca_crl": listed(root, fresh, pki.tcb_signer)},
        ),
        ("PCK CRL too old", "PCK CRL: out of date", {"pck_crl": listed(ca, old)}),
        ("root CA CRL too old", "root CA CRL: out of date", {"root_ca_crl": listed(root, old)}),
        ("PCK CRL of another PKI", "PCK CRL: ", {"pck_crl": listed(other.platform_ca, fresh)}),
        ("root CA CRL of another PKI", "root CA CRL: ", {"root_ca_crl": listed(other.root, fresh)}),
        ("PCK CRL signed by the root", "PCK CRL: of another", {"pck_crl": listed(root, fresh)}),
        (
            "both lists swapped",
            "root CA CRL: ",
            {"root_ca_crl": listed(ca, fresh), "pck_crl": listed(root, fresh)},
        ),
    ):
        collateral = make.variant(name, **fields)
        make.add(name, v4(pki), "EvidenceError", layer, source=source, collateral=collateral)


def in_part(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """An edit of Intel's signed words."""
    return lambda item: item.update(fields)


def in_level(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """An edit of the first level in them."""
    return lambda item: item["tcbLevels"][0].update(fields)


def collateral(make: Catalogue) -> None:
    """Intel's signed words, too old, forged or for something else."""
    source, pki = "attestation.md §4.7", make.pki
    quote = v4(pki)
    layers = {"tcb_info": "TCB info", "qe_identity": "QE identity"}
    for part, layer in layers.items():
        expired = {"nextUpdate": "2020-01-01T00:00:00Z"}
        future = {"issueDate": "2040-01-01T00:00:00Z"}
        for what, change, said in (
            ("too old", expired, "out of date"),
            ("from the future", future, "issued in the future"),
        ):
            name = make.signed(f"{layer} {what}", part, in_part(**change))
            make.add(
                f"{layer}: {what}", quote, "EvidenceError", f"{layer}: {said}",
                source=source, collateral=name,
            )  # fmt: skip
        forged = make.collateral["good"][part].replace("UpToDate", "OutOfDate", 1)
        name = make.variant(f"{layer} altered", **{part: forged})
        make.add(
            f"{layer}: altered", quote, "EvidenceError", f"{layer}: its signature",
            source=source, collateral=name,
        )  # fmt: skip
        text = make.collateral["good"][part]
        signature = sign_raw(make.other.tcb_signer.key, text.encode()).hex()
        name = make.variant(
            f"{layer} signed by another PKI",
            **{
                f"{part}_signature": signature,
                f"{part}_issuer_chain": make.other.tcb_signer.pem + make.other.root.pem,
            },
        )
        make.add(
            f"{layer}: of another PKI", quote, "EvidenceError", f"{layer} signer: of another root",
            source=source, collateral=name,
        )  # fmt: skip
    revoked = {"tcbStatus": "Revoked"}
    older, enclaves = "platform TCB: older", "TCB info: for enclaves"
    level, identity = "tcb_info", "qe_identity"
    for name, layer, part, edit in (
        ("revoked", "platform TCB: revoked", level, in_level(**revoked)),
        ("no level", older, level, in_part(tcbLevels=[])),
        ("PCE too old", older, level, lambda item: item["tcbLevels"][0]["tcb"].update(pcesvn=99)),
        ("of enclaves", enclaves, level, in_part(id="SGX")),
        ("of enclaves' QE", "QE identity: for another", identity, in_part(id="QE")),
        ("QE revoked", "platform TCB: revoked", identity, in_level(**revoked)),
    ):
        variant = make.signed(f"collateral {name}", part, edit)
        make.add(
            f"collateral: {name}", quote, "EvidenceError", layer, source=source, collateral=variant
        )
    name = make.variant("none", missing=True)
    make.add(
        "no collateral", quote, "MissingCollateralError", "collateral: none for platform model",
        source=source, collateral=name,
    )  # fmt: skip
    enclave = build_sgx_quote(pki, b"\x42" * 32, bytes(64))
    make.add(
        "an enclave judged by data for domains", enclave, "EvidenceError",
        "QE identity: for another kind",
        source=source, tee="sgx",
    )  # fmt: skip
    make.add(
        "a month later", quote, "EvidenceError", "root CA CRL: out of date", source=source,
        now=NOW + 40 * DAY,
    )  # fmt: skip
    make.add(
        "a year earlier", quote, "EvidenceError", "TCB info: issued in the future", source=source,
        now=NOW - 365 * DAY,
    )  # fmt: skip


def main() -> None:
    """Write everything."""
    make = Catalogue()
    for part in (
        good,
        malformed,
        domains,
        signatures,
        quoting_enclaves,
        certificates,
        revocations,
        collateral,
    ):
        part(make)
    content = {
        "note": "A quote is its parts in order: base64, or @ and the name of a chain. Collateral"
        " that names another under 'from' has its other fields. 'layer' starts the message.",
        "root": b64(make.pki.root_der),
        "chains": make.chains,
        "collateral": make.collateral,
        "cases": make.cases,
    }
    FILE.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{len(make.cases)} cases in {FILE}")


if __name__ == "__main__":
    main()
