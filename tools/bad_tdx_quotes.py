"""Cases of ``generate_bad_tdx.py``: quotes, good ones first."""

import json
import struct
from dataclasses import replace

from bad_tdx_parts import (
    NOW,
    Catalogue,
    Edit,
    body,
    edited,
    later_body,
    latest_body,
    put,
    v4,
    v5,
)

from cocoon.devnet.sgx_quote import build_sgx_quote
from cocoon.devnet.tee_pki import sign_raw


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


def resign_qe(make: Catalogue, edit: Edit) -> bytes:
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
