"""Cases of ``generate_bad_tdx.py``: platform certificates, revocation lists and collateral."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bad_tdx_parts import DAY, NOW, Catalogue, edited, put, v4
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from cocoon.devnet import tee_pki
from cocoon.devnet.sgx_quote import build_sgx_quote
from cocoon.devnet.tee_pki import SimulatedPki, sign_raw


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
