"""The platform's certificate, as a stranger may write it."""

import re

import pytest

from cocoon.attestation.evidence.pck import (
    MAX_CHAIN_BYTES,
    parse_pck_chain,
    parse_pck_extension,
)
from cocoon.attestation.evidence.tdx_quote import parse_quote
from cocoon.devnet import der
from cocoon.devnet.tee_pki import SGX_EXTENSION, Authority, SimulatedPki
from cocoon.devnet.tee_quote import TEE_TDX, QuotingEnclave, header
from cocoon.errors import EvidenceError
from cocoon.testing.intel import NOW, intel_lab

LAB = intel_lab()
SIGNED = header(4, TEE_TDX) + LAB.quotes["tdx v4"][48:632]
OTHER = SimulatedPki.create(NOW, bytes(32))


def entry(number: str, value: bytes) -> bytes:
    return der.sequence(der.oid(f"{SGX_EXTENSION}.{number}"), value)


def extension(**changes: bytes | None) -> bytes:
    """A good extension with entries changed (``n1``: the first) or left out (None)."""
    tcb = [entry(f"2.{index}", der.integer(index)) for index in range(1, 18)]
    tcb.append(entry("2.18", der.octets(bytes(range(1, 17)))))
    flags = [entry(f"7.{index}", der.boolean(True)) for index in (1, 2, 3)]
    parts: dict[str, bytes | None] = {
        "n1": entry("1", der.octets(bytes(range(16)))),
        "n2": entry("2", der.sequence(*tcb)),
        "n3": entry("3", der.octets(bytes(2))),
        "n4": entry("4", der.octets(bytes(range(6)))),
        "n5": entry("5", der.enumerated(1)),
        "n6": entry("6", der.octets(bytes(16))),
        "n7": entry("7", der.sequence(*flags)),
    }
    parts.update(changes)
    return der.sequence(*(part for part in parts.values() if part is not None))


def tcb(*, leave_out: int = 0, **changes: bytes) -> bytes:
    values = {f"n{index}": der.integer(index) for index in range(1, 18)}
    values["n18"] = der.octets(bytes(16))
    values.update(changes)
    values.pop(f"n{leave_out}", None)
    return entry("2", der.sequence(*(entry(f"2.{k[1:]}", v) for k, v in values.items())))


def test_what_a_good_one_says() -> None:
    read = parse_pck_extension(extension())
    assert read.ppid == bytes(range(16))
    assert read.components == tuple(range(1, 17))
    assert (read.pce_svn, read.fmspc, read.sgx_type) == (17, bytes(range(6)), 1)
    assert (read.dynamic_platform, read.cached_keys, read.smt_enabled) == (True, True, True)


def test_what_may_be_missing() -> None:
    read = parse_pck_extension(extension(n6=None, n7=None))
    assert read.platform_instance is None
    assert (read.dynamic_platform, read.cached_keys, read.smt_enabled) == (None, None, None)
    some = parse_pck_extension(extension(n7=entry("7", der.sequence(entry("7.2", FALSE)))))
    assert (some.dynamic_platform, some.cached_keys, some.smt_enabled) == (None, False, None)


FALSE = der.boolean(False)
ODD_FLAG = b"\x01\x01\x01"
NEGATIVE = b"\x02\x01\xff"
LARGE = b"\x02\x03\x01\x00\x00"
LONG = b"\x02\x04\x00\x00\x00\x01"
BAD: dict[str, bytes] = {
    "nothing": b"",
    "another type": b"\x31" + extension()[1:],
    "a byte more": extension() + b"\0",
    "cut short": extension()[:-1],
    "a length of three bytes": b"\x30\x83\x00" + extension()[2:],
    "no machine": extension(n1=None),
    "no levels": extension(n2=None),
    "no certification enclave": extension(n3=None),
    "no model": extension(n4=None),
    "no type": extension(n5=None),
    "machine of 15 bytes": extension(n1=entry("1", der.octets(bytes(15)))),
    "machine as a number": extension(n1=entry("1", der.integer(1))),
    "model of 7 bytes": extension(n4=entry("4", der.octets(bytes(7)))),
    "model twice": extension(n4b=entry("4", der.octets(bytes(6)))),
    "type as a number": extension(n5=entry("5", der.integer(1))),
    "of another vendor": extension(n8=der.sequence(der.oid("1.2.3.4"), der.integer(1))),
    "a flag as a number": extension(n7=entry("7", der.sequence(entry("7.1", der.integer(1))))),
    "a flag that is neither": extension(n7=entry("7", der.sequence(entry("7.1", ODD_FLAG)))),
    "a level too few": extension(n2=tcb(leave_out=9)),
    "no summary of levels": extension(n2=tcb(leave_out=18)),
    "no level of the enclave": extension(n2=tcb(leave_out=17)),
    "a negative level": extension(n2=tcb(n17=NEGATIVE)),
    "a level too large": extension(n2=tcb(n17=LARGE)),
    "a level too long": extension(n2=tcb(n17=LONG)),
    "a level of no bytes": extension(n2=tcb(n17=b"\x02\x00")),
    "a level as text": extension(n2=tcb(n17=der.octets(b"\x11"))),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError, match=r"^PCK certificate, extension"):
        parse_pck_extension(data)


def chained(pem: bytes, kind: int = 5) -> bytes:
    """A quote that carries this as its chain."""
    enclave = QuotingEnclave(LAB.pki)
    head = enclave._certification.index(b"\x05\0", 384 + 64 + 2 + 32)
    numbers = kind.to_bytes(2, "little") + len(pem).to_bytes(4, "little")
    enclave._certification = enclave._certification[:head] + numbers + pem
    return enclave.sign(SIGNED)


def pem(*authorities: Authority) -> bytes:
    return "".join(item.pem for item in authorities).encode()


PKI = LAB.pki
GOOD = (PKI.pck, PKI.platform_ca, PKI.root)
CHAINS: dict[str, tuple[bytes, str]] = {
    "two": (pem(*GOOD[:2]), "three certificates"),
    "four": (pem(*GOOD, PKI.root), "three certificates"),
    "none": (b"", "three certificates"),
    "another label": (pem(*GOOD).replace(b"CERTIFICATE", b"OTHER", 2), "three certificates"),
    "one more of another label": (
        PKI.pck.pem.replace("CERTIFICATE", "OTHER").encode() + pem(*GOOD),
        "three certificates",
    ),
    "long": (pem(*GOOD) + b"\n" * MAX_CHAIN_BYTES, "a chain of"),
    "broken": (re.sub(rb"\nMII.", b"\nAAAA", pem(*GOOD), count=1), "malformed"),
    "no machine": (pem(PKI.tcb_signer, PKI.platform_ca, PKI.root), "malformed"),
}


@pytest.mark.parametrize(("chain", "reason"), CHAINS.values(), ids=CHAINS.keys())
def test_chains_that_are_refused(chain: bytes, reason: str) -> None:
    with pytest.raises(EvidenceError, match=rf"^PCK certificate: .*{reason}"):
        parse_pck_chain(parse_quote(chained(chain)))


def test_chains_that_are_read() -> None:
    for end in (b"", b"\0", b"\n\0\0"):
        assert parse_pck_chain(parse_quote(chained(pem(*GOOD) + end))).issuer_kind == "platform"
    with pytest.raises(EvidenceError, match="type 3 instead"):
        parse_pck_chain(parse_quote(chained(pem(*GOOD), 3)))
