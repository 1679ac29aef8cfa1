"""Wallets, their messages and 24 words, compared with other libraries."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytoniq_core.crypto import keys as other

from cocoon import errors
from cocoon.chain import Address, Cell, SecretKey, from_boc
from cocoon.chain.boc import to_boc
from cocoon.chain.cells import Builder
from cocoon.chain.contracts.payment import CLIENT_CHARGE, sign_payment
from cocoon.chain.message import MessageKind, OutMessage, parse_message
from cocoon.chain.wallets import mnemonic
from cocoon.chain.wallets.base import Wallet
from cocoon.chain.wallets.cocoon import CocoonWallet, unsigned_body
from cocoon.chain.wallets.codes import CODE_HASHES, wallet_code
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.chain.wallets.v5r1 import MAX_SUBWALLET, WalletV5R1

VECTORS = Path(__file__).parents[3] / "vectors" / "chain"
DOCUMENT = json.loads((VECTORS / "wallets.json").read_text())
PAYMENT = json.loads((VECTORS / "payments.json").read_text())["payment"]
KEY = SecretKey(bytes.fromhex(DOCUMENT["seed"]))
OWNER = Address(bytes([0x11]) * 32)
CODE = Cell(0xAAAA, 16)


def messages(count: int) -> list[OutMessage]:
    long = Builder().uint(0xF172E6C2, 32).raw(b"\xab" * 100).cell()
    short = Builder().uint(0, 32).raw(b"hello").cell()
    first = OutMessage(Address(bytes([0x33]) * 32), 1_500_000_000, long)
    second = OutMessage(Address(bytes([0x44]) * 32), 1, short, bounce=False)
    return [first, second][:count]


def wallet(given: dict[str, Any]) -> Wallet:
    if given["version"] == "v4r2":
        return WalletV4R2(KEY)
    return WalletV5R1(KEY, testnet=given["testnet"], subwallet=given["subwallet"])


def charge_message() -> OutMessage:
    payment = sign_payment(
        KEY,
        CLIENT_CHARGE,
        query_id=int(PAYMENT["query_id"], 16),
        tokens=PAYMENT["tokens"],
        address=Address.parse(PAYMENT["address"]),
        excesses=Address.parse(PAYMENT["excesses"]),
    )
    return OutMessage(payment.address, 700_000_000, payment.body(), mode=0)


def vectors(*objects: str) -> list[Any]:
    found = [vector for vector in DOCUMENT["vectors"] if vector["object"] in objects]
    return [pytest.param(vector, id=vector["name"]) for vector in found]


@pytest.mark.parametrize("vector", vectors("transfer"))
def test_addresses_and_messages_are_those_of_other_libraries(vector: dict[str, Any]) -> None:
    given = vector["input"]
    ours = wallet(given)
    assert ours.address.raw() == vector["address"]
    cell = ours.transfer(messages(given["messages"]), given["seqno"], given["valid_until"])
    assert parse_message(cell).body.hash.hex() == vector["body"]
    if "external" in vector:  # with an initial state there are two equally good layouts
        assert cell.hash.hex() == vector["external"]


@pytest.mark.parametrize("vector", vectors("cocoon_message", "cocoon_unsigned", "cocoon_signed"))
def test_messages_of_the_cocoon_wallet(vector: dict[str, Any]) -> None:
    message = charge_message()
    match vector["object"]:
        case "cocoon_message":
            cell = message.cell()
        case "cocoon_unsigned":
            cell = unsigned_body([message], 3, 1_800_000_000)
        case _:
            external = CocoonWallet(KEY, OWNER, CODE).transfer([message], 3, 1_800_000_000)
            cell = parse_message(external).body
    assert (cell.bits, cell.hash.hex()) == (vector["bits"], vector["hash"])


@pytest.mark.parametrize("vector", vectors("mnemonic"))
def test_words_and_their_keys(vector: dict[str, Any]) -> None:
    text = vector["input"]["words"]
    if vector["expect"] != "ok":
        with pytest.raises(getattr(errors, vector["expect"])) as caught:
            mnemonic.parse_mnemonic(text)
        assert not set(str(caught.value).split()) & {"bonjour", *text.split()[5:9]}
        return
    words = mnemonic.parse_mnemonic(f"  {text.upper()}\n")
    assert mnemonic.mnemonic_key(words).public_key.hex() == vector["public_key"]


def test_new_words_are_valid_here_and_elsewhere() -> None:
    words = mnemonic.new_mnemonic()
    assert mnemonic.parse_mnemonic(" ".join(words)) == words
    assert other.mnemonic_is_valid(list(words))
    public, _ = other.mnemonic_to_private_key(list(words))
    assert mnemonic.mnemonic_key(words).public_key == public
    assert mnemonic.word_list() == tuple(other.words)


@pytest.mark.parametrize("version", CODE_HASHES)
def test_shipped_code_is_what_it_says(version: str) -> None:
    assert wallet_code(version).hash.hex() == CODE_HASHES[version]
    assert from_boc(to_boc(wallet_code(version))) == wallet_code(version)


ALL: list[Wallet] = [
    WalletV4R2(KEY),
    WalletV4R2(KEY, subwallet=5),
    WalletV5R1(KEY, testnet=False),
    WalletV5R1(KEY, testnet=True, subwallet=MAX_SUBWALLET),
    CocoonWallet(KEY, OWNER, CODE),
]


@pytest.mark.parametrize("ours", ALL, ids=repr)
def test_every_wallet(ours: Wallet) -> None:
    assert ours.address == Address(ours.state_init.hash)
    data = ours.state_init.refs[1]
    assert ours.read_seqno(data) == 0
    with pytest.raises(errors.DecodeError):
        ours.read_seqno(Cell(0, 8))
    with pytest.raises(errors.LocalProtocolError):
        ours.transfer([], 1, 1)
    with pytest.raises(errors.LocalProtocolError):
        ours.transfer(messages(1) * (ours.max_messages + 1), 1, 1)
    full = parse_message(ours.transfer(messages(1) * ours.max_messages, 1, 1))
    assert (full.kind, full.dest, full.has_init) == (MessageKind.EXTERNAL_IN, ours.address, False)
    assert parse_message(ours.transfer(messages(1), 0, 1)).has_init
    assert "07" * 8 not in repr(ours)


def test_wallets_of_one_key_are_all_different() -> None:
    assert len({ours.address for ours in ALL}) == len(ALL)


def test_a_subwallet_that_does_not_fit_is_refused() -> None:
    with pytest.raises(errors.DecodeError):
        WalletV5R1(KEY, testnet=False, subwallet=MAX_SUBWALLET + 1)
