"""``vectors/attestation``: every case has the outcome that stands in it."""

import base64
import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon import errors
from cocoon.attestation import policy
from cocoon.attestation.certificate import build_certificate, parse_certificate, raw_public_key
from cocoon.attestation.evidence import report_data
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.measurements import Attestation, SgxMeasurements, TdxMeasurements
from cocoon.attestation.verify import PeerRole, verify_peer

FOLDER = Path(__file__).parents[3] / "vectors" / "attestation"


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def cases(name: str) -> Any:
    return pytest.mark.parametrize("case", load(name), ids=lambda case: case["name"])


def collateral(platform: dict[str, Any], name: str) -> CollateralBook:
    return CollateralBook(Collateral.from_json(json.dumps(platform[name])))


@pytest.fixture(scope="module")
def policies() -> dict[str, policy.Policy]:
    platform = load("simulated_platform.json")
    root = base64.b64decode(platform["root"])
    book = collateral(platform, "collateral")
    proxy = bytes.fromhex(platform["image_hash_proxy"])

    def simulated(book: CollateralBook, **more: Any) -> policy.Policy:
        return policy.tdx(collateral=book, simulated_root=root, **more)

    return {
        "simulated": simulated(book),
        "intel": policy.tdx(collateral=book),
        "unsafe": policy.unsafe_accept_anything(),
        "fake_tdx": policy.fake_tdx(),
        "proxy_only": simulated(book, image_hashes=[proxy]),
        "no_images": simulated(book, image_hashes=[]),
        "no_collateral": simulated(CollateralBook()),
        "out_of_date": simulated(collateral(platform, "collateral_out_of_date")),
        "revoked": simulated(collateral(platform, "collateral_revoked")),
        "one_hour": simulated(book, max_age=3600),
    }


@cases("certificates.json")
def test_certificate(case: dict[str, Any], policies: dict[str, policy.Policy]) -> None:
    given = case["input"]
    arguments = (
        base64.b64decode(given["certificate"]),
        policies[given["policy"]],
        given["now"],
    )
    role = PeerRole(given["role"])
    if case["expect"] == "ok":
        peer = verify_peer(*arguments, role=role)
        assert peer.kind is policies[given["policy"]].kind
        assert peer.expires_at >= given["now"]
        return
    expected = getattr(errors, case["expect"])
    with pytest.raises(errors.AttestationError) as caught:
        verify_peer(*arguments, role=role)
    assert type(caught.value) is expected


def build_attestation(given: dict[str, Any]) -> Attestation:
    if given["kind"] == "none":
        return Attestation()
    if given["kind"] == "sgx":
        return Attestation(SgxMeasurements(bytes.fromhex(given["mr_enclave"]) * 32, bytes(64)))
    first, second, third, fourth = (bytes.fromhex(value) * 48 for value in given["rtmrs"])
    return Attestation(
        TdxMeasurements(
            mr_td=bytes.fromhex(given["mr_td"]) * 48,
            mr_config_id=bytes.fromhex(given["mr_config_id"]) * 48,
            mr_owner=bytes.fromhex(given["mr_owner"]) * 48,
            mr_owner_config=bytes.fromhex(given["mr_owner_config"]) * 48,
            rtmrs=(first, second, third, fourth),
            report_data=bytes(range(64)),
        )
    )


@cases("measurements.json")
def test_measurements(case: dict[str, Any]) -> None:
    given = case["input"]
    if given["kind"] == "bytes":
        with pytest.raises(getattr(errors, case["expect"])):
            Attestation.from_bytes(bytes.fromhex(given["hex"]) + bytes(given.get("zeros", 0)))
        return
    value = build_attestation(given)
    encoded = value.to_bytes()
    assert len(encoded) == case["encoded_size"]
    assert Attestation.from_bytes(encoded) == value
    assert value.image_hash.hex() == case["image_hash"]
    assert value.describe() == case["description"]


@cases("report_data.json")
def test_report_data(case: dict[str, Any]) -> None:
    assert report_data(bytes.fromhex(case["input"]["public_key"])).hex() == case["report_data"]


def string_type(attribute: x509.NameAttribute[Any]) -> str:
    """The ASN.1 type, read back from the encoding of a one-attribute name."""
    tag = x509.Name([attribute]).public_bytes()[-len(attribute.value) - 2]
    return {0x13: "PrintableString", 0x0C: "UTF8String"}[tag]


@cases("certificate_fields.json")
def test_certificate_fields(case: dict[str, Any]) -> None:
    given = case["input"]
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(given["seed"]))
    quote = bytes(given["quote_bytes"]) or None
    serial = int(given["serial"], 16)
    der = build_certificate(key, quote=quote, not_before=given["not_before"], serial=serial)
    certificate = x509.load_der_x509_certificate(der)
    assert certificate.version.name == case["version"]
    assert certificate.serial_number == serial
    subject = [
        [item.oid.dotted_string, string_type(item), item.value] for item in certificate.subject
    ]
    assert subject == case["subject"]
    assert certificate.issuer == certificate.subject
    found = [[item.oid.dotted_string, item.critical] for item in certificate.extensions]
    assert found == case["extensions"]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    shown = [
        f"DNS:{name.value}"
        if isinstance(name, x509.DNSName)
        else f"IP:{ipaddress.ip_address(str(name.value))}"
        for name in names
    ]
    assert shown == case["alternative_names"]
    parsed = parse_certificate(der)
    assert parsed.not_before == given["not_before"]
    assert parsed.not_after - parsed.not_before == case["lifetime"]
    assert parsed.public_key == raw_public_key(key)
    assert parsed.quote == quote
    again = build_certificate(key, quote=quote, not_before=given["not_before"], serial=serial)
    assert again == der
