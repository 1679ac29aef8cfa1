"""A pretend wallet for TON Connect: real keys and transfers on an embedded chain.

Sources: https://github.com/ton-blockchain/ton-connect/blob/main/requests-responses.md (what a
wallet is asked and answers, protocol 2) and …/spec for ``ton_proof``. What it signs with is worth
nothing outside of the devnet, and it never leaves this process.
"""

import base64
import hashlib
from typing import Any, Final

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.boc import to_boc
from cocoon.chain.connect import BackendSettings, backend_from
from cocoon.chain.inclusion import SenderTiming
from cocoon.chain.keys import SecretKey
from cocoon.chain.message import external_in
from cocoon.chain.sender import WalletSender
from cocoon.chain.wallets.v5r1 import WalletV5R1
from cocoon.devnet.chain_control import ChainControl
from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.wallet_request import Transfer, read_comment, read_transfer
from cocoon.errors import BadRequestError, ChainError

FIRST_FILL: Final = 20 * 10**9
"""NanoTON in a new wallet."""
MAX_FILL: Final = 1000 * 10**9
"""NanoTON that the faucet gives at once."""
MAX_PROOF_PAYLOAD: Final = 1024
TIMING: Final = SenderTiming(poll=0.2, resend=2.0, track=20.0, give_up=30.0)
"""A chain on this machine has a block for every message."""

_NETWORKS = {False: "-239", True: "-3"}


class StandInWallet:
    """One person's pretend wallet.

    Args:
        backend: the embedded chain, started; stays the caller's.
        control: its faucet.
        key: a fresh one when it is None.
        timing: how the chain is watched.
    """

    def __init__(
        self,
        backend: ChainBackend,
        control: ChainControl,
        key: SecretKey | None = None,
        *,
        timing: SenderTiming = TIMING,
    ) -> None:
        self._backend = backend
        self._control = control
        self._key = key or SecretKey.generate()
        self._wallet = WalletV5R1(self._key, testnet=backend.is_testnet)
        self._sender = WalletSender(backend, self._wallet, timing=timing)

    @property
    def address(self) -> Address:
        """Where it lives."""
        return self._wallet.address

    @property
    def network(self) -> str:
        """TON Connect's id of the network: ``-239`` or ``-3``."""
        return _NETWORKS[self._backend.is_testnet]

    async def describe(self) -> Json:
        """What the page shows: ``address``, ``network`` and ``balance`` in nanoTON as text.

        Raises:
            ChainError: the chain cannot be read.
        """
        state = await self._backend.account(self.address)
        shown = self.address.friendly(testnet=self._backend.is_testnet)
        return {"address": shown, "network": self.network, "balance": str(state.balance)}

    async def fill(self, nano: int) -> None:
        """Take so many nanoTON from the devnet's faucet.

        Raises:
            BadRequestError: not 1 nanoTON to 1000 TON.
            ChainError: the chain does not answer, or has no faucet.
        """
        if not 0 < nano <= MAX_FILL:
            raise BadRequestError("the faucet gives 1 nanoTON to 1000 TON at once")
        await self._control.faucet(self.address, nano)

    def connect_items(self, asked: Any, domain: str, now: int) -> list[Json]:
        """The answers to ``items`` of a connect request.

        Args:
            asked: such as ``[{"name": "ton_addr"}]``.
            domain: of the app, which ``ton_proof`` covers.
            now: Unix seconds.

        Raises:
            BadRequestError: no list of items, or a payload that is too long.
        """
        if not isinstance(asked, list) or len(asked) > 4:
            raise BadRequestError("items is a short list")
        answers: list[Json] = []
        for item in asked:
            name = item.get("name") if isinstance(item, dict) else None
            if name == "ton_addr":
                answers.append(self._address_item())
            elif name == "ton_proof":
                answers.append(self._proof_item(item.get("payload"), domain, now))
            else:
                unknown = {"code": 400, "message": "the wallet does not know this item"}
                answers.append({"name": str(name)[:40], "error": unknown})
        return answers

    def _address_item(self) -> Json:
        return {
            "name": "ton_addr",
            "address": self.address.raw(),
            "network": self.network,
            "walletStateInit": _base64(to_boc(self._wallet.state_init)),
            "publicKey": self._key.public_key.hex(),
        }

    def _proof_item(self, payload: Any, domain: str, now: int) -> Json:
        if not isinstance(payload, str) or len(payload.encode()) > MAX_PROOF_PAYLOAD:
            raise BadRequestError("a proof's payload is a short text")
        signed = proof_hash(self.address, domain, now, payload)
        proof = {
            "timestamp": now,
            "domain": {"lengthBytes": len(domain.encode()), "value": domain},
            "payload": payload,
            "signature": _base64(self._key.sign(signed)),
        }
        return {"name": "ton_proof", "proof": proof}

    async def plan(self, text: str) -> Json:
        """What a person is asked to confirm.

        Raises:
            BadRequestError: the request cannot be done; see :func:`read_transfer`.
            ChainError: the chain cannot be read.
        """
        transfer = await self._checked(text)
        testnet = self._backend.is_testnet
        shown = [
            {
                "address": message.dest.friendly(testnet=testnet),
                "amount": str(message.value),
                "comment": read_comment(message.body),
            }
            for message in transfer.messages
        ]
        return {
            "messages": shown,
            "total": str(transfer.total),
            "need": str(transfer.need),
            "wallet": await self.describe(),
        }

    async def send(self, text: str) -> str:
        """Sign, send and wait until the wallet's transaction is on chain.

        Returns:
            The external message in base64, as ``sendTransaction`` answers.

        Raises:
            BadRequestError: as :meth:`plan`.
            WalletFundsError: the wallet has too little.
            ChainError: it was not sent.
        """
        transfer = await self._checked(text)
        deliveries = await self._sender.send(*transfer.messages)
        step = deliveries[0].wallet_transaction
        if step is None or step.in_message is None:
            raise ChainError(f"the transfer was not sent: {deliveries[0].describe()}")
        return _base64(to_boc(external_in(self.address, step.in_message.body)))

    async def _checked(self, text: str) -> Transfer:
        transfer = read_transfer(text)
        if transfer.network not in {None, self.network}:
            raise BadRequestError("the request is for another network")
        if transfer.source not in {None, self.address}:
            raise BadRequestError("the request is for another wallet")
        until = transfer.valid_until
        if until is not None and until < (await self._backend.head()).time:
            raise BadRequestError("the request's time is over")
        return transfer

    async def close(self) -> None:
        """Stop sending; the chain's connection stays."""
        await self._sender.close()


class WalletMaker:
    """Makes pretend wallets on one chain; what ``BrowserOptions.new_wallet`` takes.

    Args:
        url: HTTP interface of the embedded chain, with its controls on.
    """

    def __init__(self, url: str) -> None:
        settings = BackendSettings(kind="embedded", is_testnet=True, url=url)
        self._backend = backend_from(settings)
        self._control = ChainControl(url)

    def __call__(self) -> StandInWallet:
        """A wallet with a key of its own."""
        return StandInWallet(self._backend, self._control)

    async def start(self) -> None:
        """Connect.

        Raises:
            ChainError: the chain cannot be reached.
        """
        await self._backend.start()

    async def close(self) -> None:
        """Release the connection; close the wallets first."""
        await self._backend.close()


def proof_hash(address: Address, domain: str, timestamp: int, payload: str) -> bytes:
    """The 32 bytes that a ``ton_proof`` signs.

    Args:
        address: the wallet's.
        domain: host and port of the app.
        timestamp: Unix seconds.
        payload: the app's own text.
    """
    name = domain.encode()
    message = b"".join(
        (
            b"ton-proof-item-v2/",
            (0).to_bytes(4, "big"),  # workchain
            address.account,
            len(name).to_bytes(4, "little"),
            name,
            timestamp.to_bytes(8, "little"),
            payload.encode(),
        )
    )
    inner = hashlib.sha256(message).digest()
    return hashlib.sha256(b"\xff\xffton-connect" + inner).digest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
