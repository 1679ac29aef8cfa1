"""The pretend wallet of the stand-in: what TON Connect asks, and transfers on the real chain."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.cells import Builder
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.inclusion import SenderTiming
from cocoon.chain.keys import PublicKey, SecretKey
from cocoon.chain.message import parse_message
from cocoon.devnet.chain_control import ChainControl
from cocoon.devnet.telegram.wallet import (
    MAX_FILL,
    StandInWallet,
    WalletMaker,
    proof_hash,
)
from cocoon.devnet.telegram.wallet_request import MAX_MESSAGES, read_comment, read_transfer
from cocoon.errors import BadRequestError, WalletFundsError
from cocoon.telegram.payments import comment_cell
from cocoon.testing.chain import GENESIS, TON, memory_chain
from cocoon.testing.chain_server import serving

pytestmark = pytest.mark.anyio
OPERATOR = Address(bytes([0x42]) * 32)
COMMENT = "cocoon:abcdefghijklmnopqrst"
FAST = SenderTiming(poll=0.01, resend=0.05, track=5.0, give_up=5.0)


def payload(text: str = COMMENT) -> str:
    return base64.b64encode(to_boc(comment_cell(text))).decode()


def request(**changes: Any) -> str:
    message = {"address": OPERATOR.friendly(testnet=True), "amount": str(TON), "payload": payload()}
    fields: dict[str, Any] = {"messages": [message], "valid_until": GENESIS + 300, "network": "-3"}
    return json.dumps(fields | changes)


@pytest.fixture
async def wallet() -> AsyncIterator[StandInWallet]:
    with memory_chain() as chain:
        async with serving(chain) as url:
            made = StandInWallet(EmbeddedBackend(chain), ChainControl(url), timing=FAST)
            yield made
            await made.close()


def test_a_transfer_is_read_as_sdks_write_it() -> None:
    transfer = read_transfer(request())
    (message,) = transfer.messages
    assert message.dest == OPERATOR
    assert message.value == transfer.total == TON
    assert read_comment(message.body) == COMMENT
    assert not message.bounce  # the address says so
    assert transfer.need > TON


def test_a_bounceable_address_bounces() -> None:
    bounceable = OPERATOR.friendly(testnet=True, bounceable=True)
    given = request(messages=[{"address": bounceable, "amount": "1"}])
    assert read_transfer(given).messages[0].bounce


@pytest.mark.parametrize(
    "given",
    [
        "",
        "[]",
        "{}",
        '{"messages": []}',
        request(messages=[{"address": "nowhere", "amount": "1"}]),
        request(messages=[{"address": OPERATOR.raw(), "amount": "-1"}]),
        request(messages=[{"address": OPERATOR.raw(), "amount": "1.5"}]),
        request(messages=[{"address": OPERATOR.raw(), "amount": str(2**63)}]),
        request(messages=[{"address": OPERATOR.raw(), "amount": "1", "payload": "AAAA"}]),
        request(messages=[{"address": OPERATOR.raw(), "amount": "1", "payload": "ä"}]),
        request(
            messages=[{"address": OPERATOR.raw(), "amount": "1", "extra_currency": {"1": "2"}}]
        ),
        request(messages=[{"address": OPERATOR.raw(), "amount": "1"}] * (MAX_MESSAGES + 1)),
        request(note="x" * 70_000),
        '{"messages": "' + "[" * 5000,
    ],
)
def test_what_is_no_transfer_is_refused(given: str) -> None:
    with pytest.raises(BadRequestError):
        read_transfer(given)


def test_comments_that_are_none() -> None:
    assert read_comment(Builder().cell()) == ""
    assert read_comment(Builder().uint(1, 32).raw(b"text").cell()) == ""
    assert read_comment(Builder().uint(0, 32).raw(b"\xff").cell()) == ""
    assert read_comment(Builder().uint(0, 35).cell()) == ""
    assert read_comment(comment_cell("two\nlines")) == ""


async def test_a_new_wallet_takes_from_the_faucet_and_pays(wallet: StandInWallet) -> None:
    await wallet.fill(3 * TON)
    plan = await wallet.plan(request())
    assert plan["messages"][0]["comment"] == COMMENT
    assert plan["wallet"]["balance"] == str(3 * TON)
    boc = await wallet.send(request())
    sent = parse_message(from_boc(base64.b64decode(boc)))
    assert sent.dest == wallet.address
    left = int((await wallet.describe())["balance"])
    assert TON < left < 2 * TON


async def test_a_poor_wallet_sends_nothing(wallet: StandInWallet) -> None:
    await wallet.fill(TON // 2)
    with pytest.raises(WalletFundsError):
        await wallet.send(request())
    assert (await wallet.describe())["balance"] == str(TON // 2)


@pytest.mark.parametrize(
    "given",
    [
        request(network="-239"),
        request(valid_until=GENESIS - 1),
        request(**{"from": OPERATOR.raw()}),
    ],
)
async def test_requests_for_others_are_refused(wallet: StandInWallet, given: str) -> None:
    with pytest.raises(BadRequestError):
        await wallet.plan(given)


@pytest.mark.parametrize("nano", [0, -1, MAX_FILL + 1])
async def test_the_faucet_has_a_limit(wallet: StandInWallet, nano: int) -> None:
    with pytest.raises(BadRequestError):
        await wallet.fill(nano)


async def test_items_of_a_connection(wallet: StandInWallet) -> None:
    asked = [{"name": "ton_addr"}, {"name": "ton_proof", "payload": "nonce"}, {"name": "more"}]
    address, proof, more = wallet.connect_items(asked, "127.0.0.1:8080", GENESIS)
    assert address["address"] == wallet.address.raw()
    assert address["network"] == "-3"
    assert from_boc(base64.b64decode(address["walletStateInit"])).hash == wallet.address.account
    signed = proof_hash(wallet.address, "127.0.0.1:8080", GENESIS, "nonce")
    signature = base64.b64decode(proof["proof"]["signature"])
    PublicKey(bytes.fromhex(address["publicKey"])).verify(signature, signed)
    assert more["error"]["code"] == 400


@pytest.mark.parametrize("asked", [None, "ton_addr", [{"name": "ton_proof"}], [{}] * 5])
async def test_items_that_are_none(wallet: StandInWallet, asked: Any) -> None:
    with pytest.raises(BadRequestError):
        wallet.connect_items(asked, "app", GENESIS)


def test_the_key_is_not_shown() -> None:
    key = SecretKey(bytes([9]) * 32)
    with memory_chain() as chain:
        made = StandInWallet(EmbeddedBackend(chain), ChainControl("http://127.0.0.1:1"), key)
        assert bytes([9]).hex() * 4 not in repr(made)


async def test_wallets_over_http_are_apart() -> None:
    with memory_chain() as chain:
        async with serving(chain) as url:
            make = WalletMaker(url)
            await make.start()
            first, second = make(), make()
            assert first.address != second.address
            await first.fill(TON)
            assert (await first.describe())["balance"] == str(TON)
            assert (await second.describe())["balance"] == "0"
            await first.close()
            await second.close()
            await make.close()
