"""Write ``vectors/sealing/``: derivations of the seal protocol, messages, and answers of enclaves.

Derivations and messages are computed here from the description alone, with arithmetic of their own
and none of the package's code. The answers are of a simulated platform, whose keys are drawn
afresh, so every run gives other bytes with the same outcomes::

    python tools/generate_sealing_vectors.py
"""

import base64
import hashlib
import json
import secrets
import struct
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cocoon.devnet.seal import software_mr_enclave
from cocoon.devnet.sgx_quote import build_sgx_quote
from cocoon.devnet.tee import simulated_measurements
from cocoon.devnet.tee_pki import SimulatedPki
from cocoon.devnet.tee_quote import build_quote

FOLDER = Path(__file__).parent.parent / "vectors" / "sealing"
NOW = 1_795_000_000
DAY = 86_400
DEBUG_KEY = b"cococooncococooncococooncococoon"

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int] | None


def add(a: Point, b: Point) -> Point:
    """Sum of two points of P-256, by the school book."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(scalar: int, point: Point) -> tuple[int, int]:
    """A multiple of a point."""
    result: Point = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    assert result is not None
    return result


def little(point: tuple[int, int]) -> bytes:
    """X then Y, little-endian."""
    return point[0].to_bytes(32, "little") + point[1].to_bytes(32, "little")


def aes_ctr(key: bytes, counter: bytes, data: bytes) -> bytes:
    """AES-128-CTR, block by block from AES alone."""
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    stream, start = b"", int.from_bytes(counter, "big")
    for index in range(0, len(data), 16):
        stream += block.update(((start + index // 16) % 2**128).to_bytes(16, "big"))
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))


def tl(data: bytes) -> bytes:
    """A TL string."""
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + len(data).to_bytes(3, "little")
    return head + data + bytes(-len(head + data) % 4)


def persistent_keys() -> list[dict[str, Any]]:
    """What the enclave derives."""
    cases = []
    seals = (bytes(16), bytes(range(16)))
    infos = (bytes(48), b"\x11" * 48)
    for seal in seals:
        for info in infos:
            for name in (b"app", b"disk_encryption", b"n" * 256):
                tcb = b"\x22" * 48
                joined = seal + info + tcb + hashlib.sha256(name).digest()
                cases.append(
                    {
                        "sealing_key": seal.hex(),
                        "tee_info_hash": info.hex(),
                        "tee_tcb_info_hash": tcb.hex(),
                        "key_name": name.decode(),
                        "persistent_key": hashlib.sha256(joined).hexdigest(),
                    }
                )
    return cases


def exchanges() -> list[dict[str, Any]]:
    """The encrypted answer for fixed keys on both sides; also a counter that overflows."""
    cases = []
    for guest, enclave in ((1, 2), (0xA5 << 200 | 7, 0x1234567890ABCDEF << 99 | 3)):
        secret = hashlib.sha256(guest.to_bytes(32, "big")).digest()
        guest_public, enclave_public = multiply(guest, G), multiply(enclave, G)
        shared = multiply(guest, enclave_public)[0].to_bytes(32, "little")
        key = hashlib.sha256(shared).digest()
        encrypted = little(enclave_public) + aes_ctr(key[:16], key[16:], secret)
        public = little(guest_public)
        cases.append(
            {
                "guest_scalar": f"{guest:064x}",
                "enclave_scalar": f"{enclave:064x}",
                "public_key": public.hex(),
                "secret": secret.hex(),
                "encrypted_secret": encrypted.hex(),
                "request_report_data": (hashlib.sha256(public).digest() + bytes(32)).hex(),
                "answer_report_data": (
                    hashlib.sha256(public).digest() + hashlib.sha256(encrypted).digest()
                ).hex(),
            }
        )
    return cases


def messages() -> list[dict[str, Any]]:
    """Bytes of messages, with what reading them gives."""
    report, public = b"\x81" + bytes(range(255)) * 4 + b"\1\2\3", b"\x55" * 64
    magic, answer_magic = struct.pack("<I", 0x317A821C), struct.pack("<I", 0x163A179A)
    good = magic + tl(report) + tl(public) + tl(b"disk_encryption")
    assert len(good) == 1116
    answer = answer_magic + tl(b"q" * 5000) + tl(b"\x77" * 96)
    cases = [
        ("request", "with a name of 15 bytes: 1116", good, "ok"),
        ("request", "name of 1 byte", magic + tl(report) + tl(public) + tl(b"a"), "ok"),
        ("request", "name of 256 bytes", magic + tl(report) + tl(public) + tl(b"a" * 256), "ok"),
        ("request", "no name", magic + tl(report) + tl(public) + tl(b""), "DecodeError"),
        ("request", "name of 257", magic + tl(report) + tl(public) + tl(b"a" * 257), "DecodeError"),
        (
            "request",
            "report of 1023",
            magic + tl(report[1:]) + tl(public) + tl(b"a"),
            "DecodeError",
        ),
        ("request", "key of 65", magic + tl(report) + tl(public + b"x") + tl(b"a"), "DecodeError"),
        ("request", "cut short", good[:-4], "DecodeError"),
        ("request", "a byte too many", good + b"\0", "DecodeError"),
        ("request", "the answer's magic", answer_magic + good[4:], "DecodeError"),
        ("request", "nothing", b"", "DecodeError"),
        ("request", "longer than a frame", magic + tl(b"r" * 16600), "DecodeError"),
        ("answer", "good", answer, "ok"),
        ("answer", "empty quote", answer_magic + tl(b"") + tl(b"\x77" * 96), "ok"),
        ("answer", "secret of 95", answer_magic + tl(b"q") + tl(b"s" * 95), "DecodeError"),
        ("answer", "the request's magic", magic + answer[4:], "DecodeError"),
        ("answer", "a word too many", answer + bytes(4), "DecodeError"),
    ]
    return [
        {"kind": kind, "name": name, "message": data.hex(), "expect": expect}
        for kind, name, data, expect in cases
    ]


def answers() -> dict[str, Any]:
    """Answers to one request, each with its outcome under one policy."""
    pki, other = (SimulatedPki.create(NOW, secrets.token_bytes(32)) for _ in range(2))
    allowed, strange = software_mr_enclave("vector"), software_mr_enclave("strange")
    guest = ec.generate_private_key(ec.SECP256R1())
    numbers = guest.public_key().public_numbers()
    public = little((numbers.x, numbers.y))
    scalar = guest.private_numbers().private_value
    enclave = 5
    key = hashlib.sha256(multiply(scalar, multiply(enclave, G))[0].to_bytes(32, "little")).digest()

    def encrypt(secret: bytes) -> bytes:
        return little(multiply(enclave, G)) + aes_ctr(key[:16], key[16:], secret)

    secret = hashlib.sha256(b"vector").digest()
    good = encrypt(secret)

    def bound(about: bytes, encrypted: bytes) -> bytes:
        return hashlib.sha256(about).digest() + hashlib.sha256(encrypted).digest()

    quote = build_sgx_quote(pki, allowed, bound(public, good))
    flipped = bytearray(quote)
    flipped[48 + 320] ^= 1
    tdx = build_quote(pki, simulated_measurements("worker", "1", bound(public, good)))
    off_curve = bytes(63) + b"\1" + good[64:]
    debug_key = encrypt(DEBUG_KEY)
    fresh = pki.collateral_json(NOW, tee="SGX")
    cases = [
        ("good", quote, good, "fresh", "ok"),
        ("debug enclave", build_sgx_quote(pki, allowed, bound(public, good), debug=True), good,
         "fresh", "EvidenceError"),
        ("another enclave", build_sgx_quote(pki, strange, bound(public, good)), good, "fresh",
         "PolicyError"),
        ("another platform's root", build_sgx_quote(other, allowed, bound(public, good)), good,
         "fresh", "EvidenceError"),
        ("about another guest's key", build_sgx_quote(pki, allowed, bound(bytes(64), good)), good,
         "fresh", "EvidenceError"),
        ("about another secret", quote, encrypt(bytes(32)), "fresh", "EvidenceError"),
        ("report data zero", build_sgx_quote(pki, allowed, bytes(64)), good, "fresh",
         "EvidenceError"),
        ("one bit of the report data", bytes(flipped), good, "fresh", "EvidenceError"),
        ("a TDX quote", tdx, good, "fresh", "EvidenceError"),
        ("no quote", b"", good, "fresh", "EvidenceError"),
        ("half a quote", quote[: len(quote) // 2], good, "fresh", "EvidenceError"),
        ("a point off the curve", build_sgx_quote(pki, allowed, bound(public, off_curve)),
         off_curve, "fresh", "EvidenceError"),
        ("the constant of debug builds", build_sgx_quote(pki, allowed, bound(public, debug_key)),
         debug_key, "fresh", "EvidenceError"),
        ("outdated platform", quote, good, "outdated", "PolicyError"),
        ("revoked platform", quote, good, "revoked", "EvidenceError"),
        ("expired collateral", quote, good, "expired", "EvidenceError"),
        ("collateral for TDX", quote, good, "tdx", "EvidenceError"),
        ("no collateral", quote, good, "none", "EvidenceError"),
    ]  # fmt: skip
    return {
        "about": "answers to one request, judged at `now` (unix seconds) by the collateral named, "
        "under the root and the one allowed MRENCLAVE; binary data is base64, hashes are hex",
        "now": NOW,
        "root": b64(pki.root_der),
        "mr_enclave": allowed.hex(),
        "guest_scalar": f"{scalar:064x}",
        "public_key": public.hex(),
        "secret": secret.hex(),
        "collateral": {
            "fresh": fresh,
            "outdated": pki.collateral_json(NOW, tee="SGX", tcb_status="OutOfDate"),
            "revoked": pki.collateral_json(NOW, tee="SGX", revoke_platform=True),
            "expired": pki.collateral_json(NOW - 200 * DAY, tee="SGX"),
            "tdx": pki.collateral_json(NOW),
            "none": None,
        },
        "cases": [
            {
                "name": name,
                "quote": b64(data),
                "encrypted_secret": b64(encrypted),
                "collateral": collateral,
                "expect": expect,
            }
            for name, data, encrypted, collateral, expect in cases
        ],
    }


def approvals() -> dict[str, Any]:
    """Approvals of handovers, signed by fixed keys, with what two of three owners' rules say."""
    owners = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3)]
    stranger = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
    manager, image, terms = b"\xaa" * 32, b"\xbb" * 32, b"\xcc" * 32

    def statement(serial: int, start: int, end: int, terms: bytes) -> bytes:
        label = b"cocoon-key-manager-approval-v1\0"
        return label + manager + image + struct.pack("<QQQ", serial, start, end) + terms

    def case(
        name: str,
        signers: list[Ed25519PrivateKey],
        expect: str,
        *,
        new_terms: bytes = b"",
        signed_serial: int = 7,
    ) -> dict[str, Any]:
        signed = statement(signed_serial, NOW, NOW + DAY, new_terms or bytes(32))
        return {
            "name": name,
            "statement": statement(7, NOW, NOW + DAY, new_terms or bytes(32)).hex(),
            "document": {
                "format": "cocoon-key-manager-approval",
                "version": 1,
                "manager_id": manager.hex(),
                "image_hash": image.hex(),
                "serial": 7,
                "not_before": NOW,
                "not_after": NOW + DAY,
                "signatures": [
                    {
                        "public_key": key.public_key().public_bytes_raw().hex(),
                        "signature": key.sign(signed).hex(),
                    }
                    for key in signers
                ],
                "terms": new_terms.hex(),
            },
            "expect": expect,
        }

    return {
        "about": "rules: two of these three owners",
        "owners": [key.public_key().public_bytes_raw().hex() for key in owners],
        "threshold": 2,
        "root_marker": {
            "image_hash": image.hex(),
            "marker": hashlib.sha256(b"cocoon-key-manager-image-v1\0" + image).hexdigest(),
        },
        "cases": [
            case("two owners", owners[:2], "ok"),
            case("three owners", owners, "ok"),
            case("two owners, new terms", owners[1:], "ok", new_terms=terms),
            case("nobody", [], "PolicyError"),
            case("one owner", owners[:1], "PolicyError"),
            case("one owner twice", [owners[0]] * 2, "PolicyError"),
            case("a stranger among them", [*owners[:2], stranger], "PolicyError"),
            case("signed for another serial", owners[:2], "PolicyError", signed_serial=6),
        ],
    }


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    derivation = {
        "source": "attestation.md §10.2, §10.3",
        "debug_key": DEBUG_KEY.decode(),
        "debug_key_sha256": hashlib.sha256(DEBUG_KEY).hexdigest(),
        "persistent_keys": persistent_keys(),
        "exchanges": exchanges(),
    }
    for name, content in (
        ("derivation", derivation),
        ("messages", {"source": "attestation.md §10.1", "cases": messages()}),
        ("approvals", {"source": "docs/adr/0013-key-manager-handover.md", **approvals()}),
        ("answers", {"source": "attestation.md §10.3", **answers()}),
    ):
        (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
