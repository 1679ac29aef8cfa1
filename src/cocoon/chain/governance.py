"""Reads the governor that owns a root: how its owners decide, and which tariff holds."""

from dataclasses import replace

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.governor_state import GovernorState, read_decided
from cocoon.chain.root_config import RootConfig
from cocoon.errors import ChainDataError, DecodeError


async def read_governor(backend: ChainBackend, address: Address) -> GovernorState | None:
    """Read the governor at an address; None if there is another contract, or none.

    Raises:
        ChainError: the chain cannot be read.
        ChainDataError: our code with data that is not a governor's.
    """
    data = await _governor_data(backend, address)
    try:
        return None if data is None else GovernorState.from_data(data)
    except DecodeError as error:
        raise ChainDataError(f"governor at {address}: {error}") from None


async def with_governance(backend: ChainBackend, config: RootConfig) -> RootConfig:
    """The configuration with rules and tariff, if a governor owns the root.

    Raises:
        ChainError: the chain cannot be read.
        ChainDataError: the governor's data is malformed.
    """
    if config.owner is None:
        return config
    data = await _governor_data(backend, config.owner)
    if data is None:
        return config
    try:
        root, rules, tariff = read_decided(data)
    except DecodeError as error:
        raise ChainDataError(f"governor at {config.owner}: {error}") from None
    return replace(config, rules=rules, tariff=tariff) if root == config.address else config


async def _governor_data(backend: ChainBackend, address: Address) -> Cell | None:
    """Only our code is believed: any contract could have data that looks like a governor's."""
    state = await backend.account(address)
    if state.code is None or state.code.hash != load_code("governor").hash:
        return None
    return state.data
