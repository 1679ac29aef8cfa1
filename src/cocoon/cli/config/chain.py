"""From the tables ``chain`` and ``node_wallet`` to a connection to TON and the wallet on it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.connect import BackendSettings, Kind, backend_from
from cocoon.chain.contracts.code import load_code
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import read_root
from cocoon.chain.sender import SenderTiming
from cocoon.chain.wallets.base import Wallet
from cocoon.chain.wallets.cocoon import CocoonWallet
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.chain.wallets.v5r1 import WalletV5R1
from cocoon.cli.config import tables
from cocoon.cli.config.keys import open_key
from cocoon.errors import ConfigError
from cocoon.net.chain_settings import ChainSettings


def chain_settings(file: tables.RoleFile, directory: Path | None) -> ChainSettings | None:
    """How a role reaches TON; None when TON is simulated.

    Args:
        file: its configuration.
        directory: what it keeps over restarts.

    Raises:
        ConfigError: something is missing, or a file cannot be used.
    """
    table = file.chain
    if table.kind == "simulated":
        return None
    if directory is None:
        raise ConfigError("with TON a node must keep its state: give the key `state`")
    return ChainSettings(
        backend=backend_maker(table, testnet=file.is_testnet),
        wallet=node_wallet(file),
        root=root_address(file),
        directory=directory,
        root_interval=(table.root_seconds, 2 * table.root_seconds),
        poll_interval=(table.poll_seconds, 2 * table.poll_seconds),
        timing=SenderTiming(poll=min(SenderTiming().poll, table.poll_seconds)),
    )


def root_address(file: tables.NetworkFile) -> Address:
    """The root contract.

    Raises:
        ConfigError: it is not named.
    """
    if file.root_contract is None:
        raise ConfigError("with TON the root contract must be named: give the key `root_contract`")
    return Address.parse(file.root_contract)


def backend_maker(table: tables.ChainTable, *, testnet: bool) -> Callable[[], ChainBackend]:
    """Makes connections to TON.

    Raises:
        ConfigError: a file cannot be read, or TON is simulated.
    """
    if table.kind == "simulated":
        raise ConfigError("TON is simulated: there is no chain to connect to")
    settings = BackendSettings(
        kind=cast(Kind, table.kind),
        is_testnet=testnet,
        url=table.url or "",
        api_key_file=table.api_key_file,
        version="v3" if table.api == "v3" else "v2",
        requests_per_second=table.requests_per_second,
        network_config=table.network_config,
        agreement=table.agreement,
    )
    backend_from(settings)  # what is wrong with it is told now
    return lambda: backend_from(settings)


def node_wallet(file: tables.RoleFile) -> Wallet:
    """The wallet that a node sends from.

    Raises:
        ConfigError: its key is missing or cannot be read.
    """
    table = file.node_wallet
    if table.key_file is None:
        raise ConfigError("with TON a node needs a wallet: give `key_file` under [node_wallet]")
    key = open_key(table.key_file, table.password_file)
    match table.kind:
        case "v4r2":
            return WalletV4R2(key)
        case "v5r1":
            return WalletV5R1(key, testnet=file.is_testnet)
        case _:
            if file.owner is None:
                raise ConfigError("a cocoon wallet belongs to somebody: give the key `owner`")
            return CocoonWallet(key, Address.parse(file.owner), load_code("wallet"))


def read_root_now(file: tables.NetworkFile) -> RootConfig:
    """The root configuration from the root contract, before a role starts.

    Raises:
        ChainError: TON cannot be reached, or there is no root contract.
        ConfigError: the configuration is not complete.
    """
    make, address = backend_maker(file.chain, testnet=file.is_testnet), root_address(file)

    async def read() -> RootConfig:
        backend = make()
        try:
            await backend.start()
            return await read_root(backend, address)
        finally:
            await backend.close()

    return asyncio.run(read())
