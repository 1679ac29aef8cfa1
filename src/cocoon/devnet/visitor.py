"""A further client of a devnet that runs: for a program that connects with the SDK.

It is a member like the others, with a folder, keys, a wallet that the faucet fills and a contract
at each proxy, so every coin of it shows in ``cocoon balance``. Two programs at a time get two
folders; the next program takes one over that is free, with its prepaid money.
"""

import asyncio
import fcntl
import os
import tomllib
from pathlib import Path
from typing import Any

from cocoon.chain.address import Address
from cocoon.chain.connect import BackendSettings, backend_from
from cocoon.devnet.chain_control import ChainControl
from cocoon.devnet.members import Member, load_member
from cocoon.devnet.options import NANO
from cocoon.devnet.plan import CONFIG_FILE
from cocoon.devnet.state import find_running, write_atomically
from cocoon.devnet.toml import to_toml
from cocoon.errors import ConfigError

MAX_VISITORS = 64
NAME = "client-sdk"
LOCK_FILE = "lock"
FUNDS = 200 * NANO
"""What the wallet is filled up to, nanoTON."""


class Visitor:
    """A place among a devnet's clients, taken until :meth:`release`.

    Args:
        state: directory of the devnet.

    Attributes:
        config: its configuration file.

    Raises:
        ConfigError: no network runs there, or its files cannot be used.
        ChainError: the devnet's chain does not answer.
    """

    def __init__(self, state: Path) -> None:
        require_running(state)
        document = _client_document(state)
        folder, self._lock = _free_folder(state)
        try:
            member = load_member(folder, folder.name)
            self.config = folder / CONFIG_FILE
            write_atomically(self.config, to_toml(_adapted(document, member)))
            chain = document.get("chain", {})
            if chain.get("kind") == "embedded":
                asyncio.run(_fund(chain["url"], member.owner.address, member.wallet.address))
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Leave the place to the next program; keys and prepaid money stay."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def refresh_visitors(state: Path) -> None:
    """Write what earlier visitors left anew: the network may have another chain address now.

    Commands that look at everybody's money read these files while no visitor is there.

    Raises:
        ConfigError: a file cannot be used.
    """
    found = sorted(state.glob(f"{NAME}-*/{CONFIG_FILE}"))
    document = _client_document(state) if found else {}
    for path in found:
        member = load_member(path.parent, path.parent.name)
        write_atomically(path, to_toml(_adapted(document, member)))


def _client_document(state: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((state / "client" / CONFIG_FILE).read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"the devnet in {state} has no client: {error}") from None


def require_running(state: Path) -> None:
    """Make sure that a devnet runs.

    Raises:
        ConfigError: none does; says how to start it.
    """
    if find_running(state) is None:
        raise ConfigError(f"no network runs in {state}: start one with `cocoon up`")


def _free_folder(state: Path) -> tuple[Path, int | None]:
    for number in range(1, MAX_VISITORS + 1):
        folder = state / f"{NAME}-{number}"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"cannot use {folder}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        return folder, lock
    raise ConfigError(f"{MAX_VISITORS} programs use the devnet in {state} already")


def _adapted(document: dict[str, Any], member: Member) -> dict[str, Any]:
    """The configuration of the devnet's own client with another owner; its files are beside it."""
    kept = {name: value for name, value in document.items() if name not in ("http", "log")}
    return {**kept, "owner": member.owner.address.friendly(testnet=True)}


async def _fund(url: str, owner: Address, wallet: Address) -> None:
    control = ChainControl(url)
    backend = backend_from(BackendSettings(kind="embedded", is_testnet=True, url=url))
    try:
        await backend.start()
        for address, level in ((owner, FUNDS // 40), (wallet, FUNDS)):
            balance = (await backend.account(address)).balance
            if balance < level // 2:
                await control.faucet(address, level - balance)
    finally:
        await backend.close()
