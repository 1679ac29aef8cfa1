"""The seal protocol against ``vectors/sealing``, computed by other code."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cocoon import errors
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.errors import EvidenceError, LocalProtocolError
from cocoon.sealing import derivation as seal
from cocoon.sealing.checks import SealPolicy, check_answer, open_answer
from cocoon.sealing.messages import GetPersistentKey, PersistentKeyAnswer

FOLDER = Path(__file__).parents[3] / "vectors" / "sealing"


def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


DERIVATION, MESSAGES, ANSWERS = load("derivation"), load("messages"), load("answers")


def scalar(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int(text, 16), ec.SECP256R1())


def by_name(case: Any) -> str:
    return str(case["name"])


def test_the_constant_of_debug_builds_is_refused() -> None:
    assert seal.DEBUG_KEY.decode() == DERIVATION["debug_key"]
    assert hashlib.sha256(seal.DEBUG_KEY).hexdigest() == DERIVATION["debug_key_sha256"]
    with pytest.raises(EvidenceError, match="debug builds"):
        seal.PersistentKey(seal.DEBUG_KEY, "app")


def test_persistent_keys() -> None:
    seen = set()
    for case in DERIVATION["persistent_keys"]:
        names = ("sealing_key", "tee_info_hash", "tee_tcb_info_hash")
        parts = [bytes.fromhex(case[name]) for name in names]
        key = seal.persistent_key(*parts, case["key_name"].encode())
        assert key.hex() == case["persistent_key"]
        seen.add(key)
    assert len(seen) == len(DERIVATION["persistent_keys"])
    with pytest.raises(LocalProtocolError):
        seal.persistent_key(bytes(15), bytes(48), bytes(48), b"app")


@pytest.mark.parametrize("case", DERIVATION["exchanges"])
def test_exchanges(case: Any) -> None:
    guest, enclave = scalar(case["guest_scalar"]), scalar(case["enclave_scalar"])
    public, secret = bytes.fromhex(case["public_key"]), bytes.fromhex(case["secret"])
    assert seal.public_bytes(guest.public_key()) == public
    assert seal.parse_public(public) == guest.public_key()
    encrypted = seal.encrypt_secret(secret, public, enclave)
    assert encrypted.hex() == case["encrypted_secret"]
    assert seal.decrypt_secret(encrypted, guest) == secret
    assert seal.request_report_data(public).hex() == case["request_report_data"]
    assert seal.answer_report_data(public, encrypted).hex() == case["answer_report_data"]


def test_points_and_sizes_are_checked() -> None:
    guest = scalar("1")
    for data in (b"", bytes(64), b"\1" * 64, b"\xff" * 64):
        with pytest.raises(EvidenceError):
            seal.parse_public(data)
    with pytest.raises(EvidenceError):
        seal.decrypt_secret(bytes(95), guest)
    with pytest.raises(LocalProtocolError):
        seal.encrypt_secret(b"short", seal.public_bytes(guest.public_key()), guest)
    with pytest.raises(EvidenceError):
        seal.PersistentKey(bytes(31), "app")


@pytest.mark.parametrize("case", MESSAGES["cases"], ids=by_name)
def test_messages(case: Any) -> None:
    kind = GetPersistentKey if case["kind"] == "request" else PersistentKeyAnswer
    data = bytes.fromhex(case["message"])
    if case["expect"] == "ok":
        assert kind.from_bytes(data).to_bytes() == data
        return
    with pytest.raises(getattr(errors, case["expect"])):
        kind.from_bytes(data)


@pytest.mark.parametrize("case", ANSWERS["cases"], ids=by_name)
def test_answers(case: Any) -> None:
    text = ANSWERS["collateral"][case["collateral"]]
    book = CollateralBook() if text is None else CollateralBook(Collateral.from_json(text))
    root = base64.b64decode(ANSWERS["root"])
    policy = SealPolicy(frozenset({bytes.fromhex(ANSWERS["mr_enclave"])}), book, root)
    guest, public = scalar(ANSWERS["guest_scalar"]), bytes.fromhex(ANSWERS["public_key"])
    answer = PersistentKeyAnswer(
        base64.b64decode(case["quote"]), base64.b64decode(case["encrypted_secret"])
    )
    if case["expect"] == "ok":
        key = open_answer(answer, guest, public, "app", policy, ANSWERS["now"])
        assert key.reveal().hex() == ANSWERS["secret"]
        assert key.reveal().hex() not in repr(key)
        assert check_answer(answer, public, policy, ANSWERS["now"]).kind.value == "sgx-simulated"
        nobody = SealPolicy(frozenset(), book, root)
        with pytest.raises(errors.PolicyError, match="not allowed"):
            check_answer(answer, public, nobody, ANSWERS["now"])
        real = SealPolicy(policy.mr_enclaves, book)  # Intel's root: a devnet proves nothing
        with pytest.raises(EvidenceError):
            check_answer(answer, public, real, ANSWERS["now"])
        return
    with pytest.raises(getattr(errors, case["expect"])):
        open_answer(answer, guest, public, "app", policy, ANSWERS["now"])
