"""Wallets of people: key files on disk and the contracts that their keys command."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from cocoon.chain import opcodes
from cocoon.chain.address import Address, parse_with_flags
from cocoon.chain.backend import ChainBackend
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell
from cocoon.chain.contracts.code import load_code
from cocoon.chain.keys import SecretKey
from cocoon.chain.message import OutMessage
from cocoon.chain.wallets.base import Wallet
from cocoon.chain.wallets.cocoon import CocoonWallet
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.chain.wallets.v5r1 import WalletV5R1
from cocoon.cli import screen
from cocoon.cli.money.intent import Intent, announce
from cocoon.cli.money.outcome import Outcome, step_line
from cocoon.cli.money.sending import send_one
from cocoon.errors import ConfigError, DecodeError

KINDS = ("v5r1", "v4r2", "cocoon")
TRANSFER_FEES = 10_000_000
"""nanoTON that a transfer uses up at most, without what the receiver's contract does."""
MAX_COMMENT_BYTES = 120
"""What fits one cell beside the operation."""


@dataclass(frozen=True, slots=True)
class WalletKind:
    """Which contract a key commands.

    Attributes:
        kind: one of ``KINDS``.
        testnet: which network it is for.
        owner: of a cocoon wallet.
    """

    kind: str
    testnet: bool
    owner: Address | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"--kind must be {', '.join(KINDS)}")
        if (self.kind == "cocoon") != (self.owner is not None):
            raise ConfigError("--owner belongs to --kind cocoon, which needs it")

    def wallet(self, key: SecretKey) -> Wallet:
        """The wallet that a key commands."""
        if self.owner is not None:
            return CocoonWallet(key, self.owner, load_code("wallet"))
        return WalletV4R2(key) if self.kind == "v4r2" else WalletV5R1(key, testnet=self.testnet)


def parse_owner(text: str | None) -> Address | None:
    """An address on the command line.

    Raises:
        ConfigError: it is none.
    """
    return None if text is None else parse_address(text, "--owner")


def parse_address(text: str, what: str) -> Address:
    """An address in any text form; raises as :func:`parse_owner`."""
    try:
        return Address.parse(text)
    except DecodeError as error:
        raise ConfigError(f"{what} is not a TON address: {error}") from None


def parse_receiver(text: str, *, testnet: bool) -> Address:
    """Where money shall go; an address that is marked for test networks gets none elsewhere.

    Raises:
        ConfigError: it is no address, or is marked for test networks only.
    """
    address = parse_address(text, "the receiver")
    if parse_with_flags(text).test_only and not testnet:
        raise ConfigError(
            "the receiver's address is marked for test networks only: ask for its address on the "
            "main network"
        )
    return address


def facts(path: Path, wallet: Wallet, key: SecretKey, kind: WalletKind) -> list[tuple[str, str]]:
    """What may be shown of a wallet."""
    return [
        ("key file", str(path)),
        ("kind", kind.kind),
        ("address", wallet.address.friendly(testnet=kind.testnet)),
        ("public key", key.public_key.hex()),
    ]


def words_table(words: Sequence[str]) -> str:
    """The words of a key in numbered columns."""
    rows = []
    for start in range(0, len(words), 6):
        numbered = enumerate(words[start : start + 6], start + 1)
        rows.append("  ".join(f"{number:2}. {word:<10}" for number, word in numbered))
    return "\n".join(rows)


def comment(text: str | None) -> Cell:
    """The body of a transfer with a comment; empty without one.

    Raises:
        ConfigError: the comment is too long.
    """
    if not text:
        return EMPTY_CELL
    raw = text.encode()
    if len(raw) > MAX_COMMENT_BYTES:
        raise ConfigError(f"a comment has at most {MAX_COMMENT_BYTES} bytes")
    return Builder().uint(opcodes.TEXT_COMMENT, 32).raw(raw).cell()


@dataclass(frozen=True, slots=True)
class Transfer:
    """A payment that somebody orders.

    Attributes:
        dest: receiver.
        amount: nanoTON.
        body: what goes along.
        bounce: whether a receiver that fails, or does not exist, sends it back.
    """

    dest: Address
    amount: int
    body: Cell
    bounce: bool


async def send(
    backend: ChainBackend, wallet: Wallet, transfer: Transfer, *, console: Console, yes: bool
) -> Outcome:
    """Say, ask, send, tell.

    Raises:
        CocoonError: it cannot be sent, or failed at the receiver.
        typer.Abort: the answer was no.
    """
    testnet = backend.is_testnet
    dest = transfer.dest.friendly(testnet=testnet)
    await backend.start()
    balance = (await backend.account(wallet.address)).balance
    receiver = await backend.account(transfer.dest)
    rows = [
        ("from", wallet.address.friendly(testnet=testnet)),
        ("its balance", screen.ton(balance)),
        ("to", dest),
        ("amount", screen.ton(transfer.amount)),
    ]
    if not receiver.is_active:
        rows.append(("careful", "there is no contract at that address yet; check it twice"))
    intent = Intent(
        "Send", "a transfer; nobody can call it back", TRANSFER_FEES, "within a few blocks",
        tuple(rows),
    )  # fmt: skip
    announce(intent, console, yes=yes)
    bounce = transfer.bounce and receiver.is_active
    message = OutMessage(transfer.dest, transfer.amount, transfer.body, bounce=bounce)
    done = await send_one(backend, wallet, "sent", message, transfer.amount)
    console.print(step_line(done))
    left = (await backend.account(wallet.address)).balance
    return Outcome([f"In the wallet now: {screen.ton(left)}."], [done], {"balance": left})


async def balance(backend: ChainBackend, address: Address) -> dict[str, Any]:
    """Balance and state of an account.

    Raises:
        ChainError: the chain cannot be reached.
    """
    await backend.start()
    account = await backend.account(address)
    return {"balance": account.balance, "status": account.status.value}
