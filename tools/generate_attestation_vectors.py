"""Write ``vectors/attestation/``: values of the reference, and a catalogue of certificates.

Keys are drawn afresh, so every run gives other bytes with the same outcomes::

    python tools/generate_attestation_vectors.py
"""

import base64
import json
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.attestation.certificate import raw_public_key
from cocoon.attestation.evidence import report_data
from cocoon.devnet.tee import simulated_measurements
from cocoon.devnet.tee_pki import SimulatedPki
from cocoon.devnet.tee_quote import build_quote
from cocoon.testing.certificates import CLIENT_AUTH, SERVER_AUTH, CertificateRecipe

NOW = 1_795_000_000
FOLDER = Path(__file__).parent.parent / "vectors" / "attestation"
DEBUG = bytes.fromhex("0100001000000000")
SEPT_VE_CLEAR = bytes(8)
UNKNOWN_OID = "1.3.6.1.4.1.12345.9"


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


class Catalogue:
    """Collects cases against one simulated platform."""

    def __init__(self) -> None:
        self.pki = SimulatedPki.create(NOW, secrets.token_bytes(32))
        self.other_pki = SimulatedPki.create(NOW, secrets.token_bytes(32))
        self.cases: list[dict[str, Any]] = []

    def recipe(
        self,
        *,
        pki: SimulatedPki | None = None,
        attributes: bytes | None = None,
        image: str = "proxy",
        **changes: Any,
    ) -> CertificateRecipe:
        """A good certificate with a quote for its own key, then ``changes``."""
        key = Ed25519PrivateKey.generate()
        measurements = simulated_measurements(image, "1", report_data(raw_public_key(key)))
        extra = {} if attributes is None else {"attributes": attributes}
        quote = build_quote(pki or self.pki, measurements, **extra)
        return replace(CertificateRecipe(NOW - 3600, key=key, quote=quote), **changes)

    def add(
        self,
        name: str,
        certificate: CertificateRecipe | bytes,
        expect: str,
        source: str,
        *,
        role: str = "server",
        policy: str = "simulated",
        now: int = NOW,
    ) -> None:
        """Add one case."""
        der = certificate if isinstance(certificate, bytes) else certificate.to_der()
        self.cases.append(
            {
                "name": name,
                "source": source,
                "input": {"certificate": b64(der), "role": role, "policy": policy, "now": now},
                "expect": expect,
            }
        )


def good_cases(make: Catalogue) -> None:
    """Certificates that pass."""
    good = make.recipe()
    for role in ("server", "client"):
        make.add(f"good {role}", good, "ok", "attestation.md §2.2", role=role)
    make.add("X.509 v1 with extensions", make.recipe(official_v1=True), "ok", "attestation.md §1.1")
    make.add(
        "quote extension not critical",
        make.recipe(tee_critical=False),
        "ok",
        "attestation.md §2.2 step 4",
    )
    make.add(
        "user claims are not read",
        make.recipe(user_claims=b"anything"),
        "ok",
        "attestation.md §2.2 step 6",
    )
    make.add("no purpose named", make.recipe(purposes=None), "ok", "attestation.md §2.2 step 1")
    make.add(
        "client without host name",
        make.recipe(dns_names=()),
        "ok",
        "attestation.md §1.1",
        role="client",
    )
    make.add(
        "unknown extension, not critical",
        make.recipe(extra=((UNKNOWN_OID, b"x", False),)),
        "ok",
        "attestation.md §2.2 step 3",
    )
    make.add(
        "last second of validity", good, "ok", "attestation.md §2.2 step 1", now=NOW - 3600 + 86_400
    )
    make.add(
        "anything goes without evidence",
        make.recipe(quote=None),
        "ok",
        "attestation.md §5",
        policy="unsafe",
    )
    key = Ed25519PrivateKey.generate()
    fake = CertificateRecipe(NOW, key=key, quote=report_data(raw_public_key(key)))
    make.add(
        "fake evidence where it is asked for", fake, "ok", "attestation.md §1.3", policy="fake_tdx"
    )
    make.add("fake evidence where TDX is asked for", fake, "EvidenceError", "attestation.md §5")
    make.add(
        "fake evidence of the wrong size",
        replace(fake, quote=bytes(65)),
        "EvidenceError",
        "attestation.md §1.3",
        policy="fake_tdx",
    )
    make.add(
        "fake evidence for another key",
        replace(fake, key=Ed25519PrivateKey.generate()),
        "EvidenceError",
        "attestation.md §5",
        policy="fake_tdx",
    )


def bad_certificates(make: Catalogue) -> None:
    """Refused for their form."""
    expect, good = "CertificateError", make.recipe()
    section = "attestation.md §2.2"
    make.add("expired", good, expect, section, now=NOW - 3600 + 86_401)
    make.add("not valid yet", good, expect, section, now=NOW - 3601)
    make.add(
        "server that is for clients only", make.recipe(purposes=(CLIENT_AUTH,)), expect, section
    )
    make.add(
        "client that is for servers only",
        make.recipe(purposes=(SERVER_AUTH,)),
        expect,
        section,
        role="client",
    )
    make.add("key may not sign", make.recipe(may_sign=False), expect, "attestation.md §1.1")
    make.add("no alternative name", make.recipe(dns_names=()), expect, "attestation.md §1.1")
    make.add(
        "alternative name without 127.0.0.1",
        make.recipe(dns_names=("localhost",)),
        expect,
        "attestation.md §1.1",
    )
    make.add(
        "unknown critical extension",
        make.recipe(extra=((UNKNOWN_OID, b"x", True),)),
        expect,
        section,
    )
    make.add(
        "quote of more than 32 KiB", make.recipe(quote=bytes(32_769)), expect, "attestation.md §1.3"
    )
    make.add(
        "certificate of 64 KiB", make.recipe(quote=bytes(65_536)), expect, "attestation.md §1.3"
    )
    make.add("P-256 key", good.with_p256_key(), expect, section)
    make.add(
        "signed by another key",
        good.signed_by(Ed25519PrivateKey.generate()),
        expect,
        "ours: the self-signature is checked",
    )
    der = good.to_der()
    make.add("cut short", der[:-1], expect, "ours")
    make.add("bytes behind it", der + b"\0", expect, "ours")
    make.add("empty", b"", expect, "ours")


def bad_evidence(make: Catalogue) -> None:
    """Refused for what the quote says or does not prove."""
    expect, good = "EvidenceError", make.recipe()
    make.add(
        "stolen quote",
        replace(good, key=Ed25519PrivateKey.generate()),
        expect,
        "attestation.md §5 check 1",
    )
    make.add("DEBUG domain", make.recipe(attributes=DEBUG), expect, "attestation.md §12.1")
    make.add(
        "SEPT_VE_DISABLE clear",
        make.recipe(attributes=SEPT_VE_CLEAR),
        expect,
        "attestation.md §4.7",
    )
    make.add(
        "another platform root", make.recipe(pki=make.other_pki), expect, "attestation.md §4.7"
    )
    make.add(
        "simulated evidence, production policy",
        good,
        expect,
        "design: Intel's root is pinned",
        policy="intel",
    )
    quote = bytearray(good.quote or b"")
    quote[400] ^= 1
    make.add(
        "RTMR changed after signing",
        replace(good, quote=bytes(quote)),
        expect,
        "attestation.md §4.3",
    )
    make.add(
        "quote cut short",
        replace(good, quote=good.quote and good.quote[:600]),
        expect,
        "attestation.md §4",
    )
    make.add("garbage quote", replace(good, quote=bytes(5000)), expect, "attestation.md §4")
    make.add(
        "collateral expired",
        replace(good, not_before=NOW + 40 * 86_400),
        expect,
        "attestation.md §4.7",
        now=NOW + 40 * 86_400,
    )
    make.add(
        "collateral missing",
        good,
        "MissingCollateralError",
        "attestation.md §4.7",
        policy="no_collateral",
    )
    make.add("platform revoked", good, expect, "attestation.md §4.7", policy="revoked")


def bad_for_policy(make: Catalogue) -> None:
    """Genuine, but not what the policy allows."""
    expect, good = "PolicyError", make.recipe()
    make.add("no quote", replace(good, quote=None), expect, "attestation.md §5")
    make.add(
        "image not listed",
        make.recipe(image="worker"),
        expect,
        "attestation.md §5 check 4",
        policy="proxy_only",
    )
    make.add("image listed", good, "ok", "attestation.md §5 check 4", policy="proxy_only")
    make.add("empty list of images", good, expect, "ours: empty allows nothing", policy="no_images")
    make.add("platform out of date", good, expect, "attestation.md §4.7", policy="out_of_date")
    make.add("older than the policy allows", good, expect, "ours", policy="one_hour")


def write(name: str, content: Any) -> None:
    """Write one file of vectors."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_text(json.dumps(content, indent=1) + "\n")


def main() -> None:
    """Write everything."""
    make = Catalogue()
    good_cases(make)
    bad_certificates(make)
    bad_evidence(make)
    bad_for_policy(make)
    write("certificates.json", make.cases)
    write(
        "simulated_platform.json",
        {
            "note": "root and collateral of the simulated platform of certificates.json",
            "now": NOW,
            "root": b64(make.pki.root_der),
            "collateral": json.loads(make.pki.collateral_json(NOW)),
            "collateral_out_of_date": json.loads(
                make.pki.collateral_json(NOW, tcb_status="OutOfDate")
            ),
            "collateral_revoked": json.loads(make.pki.collateral_json(NOW, revoke_platform=True)),
            "image_hash_proxy": simulated_measurements("proxy").image_hash().hex(),
        },
    )
    print(f"{len(make.cases)} certificates in {FOLDER}")


if __name__ == "__main__":
    main()
