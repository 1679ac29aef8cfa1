"""The parameters cell that is part of every contract's data (``onchain.md`` §3)."""

from dataclasses import dataclass

from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader
from cocoon.errors import DecodeError

MAX_STRUCT_VERSION = 3
"""Newest layout that is understood; the official reader refuses newer ones too."""
DEFAULT_MULTIPLIER = 10_000
DEFAULT_STAKE = 10**9
"""1 TON, in nanoTON."""

PROXY_CODE = 1
WORKER_CODE = 2
CLIENT_CODE = 4
ROOT_MASK = PROXY_CODE | WORKER_CODE | CLIENT_CODE
PROXY_MASK = WORKER_CODE | CLIENT_CODE
CHILD_MASK = 0


@dataclass(frozen=True)
class ContractParams:
    """Prices, delays, stakes and codes that the root contract sets for its network.

    ``struct_version`` says which fields the cell has: multipliers of cached and reasoning tokens
    from 2, of prompt and completion tokens from 3, stakes from 1. Fields that the cell lacks have
    their defaults, as after reading it.

    Args:
        struct_version: layout, 0…3.
        params_version: counts changes; it is in every address, so a change moves all contracts.
        unique_id: keeps addresses of different networks apart.
        is_test: the network runs without attestation; must equal each node's own setting.
        price_per_token: nanoTON that a client pays for an adjusted token.
        worker_fee_per_token: nanoTON of it that the worker earns.
        prompt_multiplier: weight of prompt tokens, 10000 = x1.0; likewise the next three.
        proxy_delay_before_close: seconds; likewise for the client.
        min_proxy_stake: nanoTON; likewise for the client.
        proxy_code: code cells of the three contracts; None only where a mask left them out.
    """

    struct_version: int
    params_version: int
    unique_id: int
    is_test: bool
    price_per_token: int
    worker_fee_per_token: int
    prompt_multiplier: int = DEFAULT_MULTIPLIER
    cached_multiplier: int = DEFAULT_MULTIPLIER
    completion_multiplier: int = DEFAULT_MULTIPLIER
    reasoning_multiplier: int = DEFAULT_MULTIPLIER
    proxy_delay_before_close: int = 0
    client_delay_before_close: int = 0
    min_proxy_stake: int = DEFAULT_STAKE
    min_client_stake: int = DEFAULT_STAKE
    proxy_code: Cell | None = EMPTY_CELL
    worker_code: Cell | None = EMPTY_CELL
    client_code: Cell | None = EMPTY_CELL

    def cell(self, mask: int) -> Cell:
        """The parameters as a cell.

        Args:
            mask: which codes to include, ``ROOT_MASK``, ``PROXY_MASK`` or ``CHILD_MASK``.

        Raises:
            DecodeError: a field does not fit, or the layout is not known.
        """
        version = self.struct_version
        if version > MAX_STRUCT_VERSION:
            raise DecodeError(f"parameters of struct version {version} are not known")
        out = Builder().uint(version, 8).uint(self.params_version, 32).uint(self.unique_id, 32)
        out.uint(self.is_test, 1).coins(self.price_per_token).coins(self.worker_fee_per_token)
        if version >= 3:
            out.uint(self.prompt_multiplier, 32)
        if version >= 2:
            out.uint(self.cached_multiplier, 32)
        if version >= 3:
            out.uint(self.completion_multiplier, 32)
        if version >= 2:
            out.uint(self.reasoning_multiplier, 32)
        out.uint(self.proxy_delay_before_close, 32).uint(self.client_delay_before_close, 32)
        if version >= 1:
            out.coins(self.min_proxy_stake).coins(self.min_client_stake)
        out.maybe_ref(self.proxy_code if mask & PROXY_CODE else None)
        out.maybe_ref(self.worker_code if mask & WORKER_CODE else None)
        out.maybe_ref(self.client_code if mask & CLIENT_CODE else None)
        return out.cell()

    @classmethod
    def from_cell(cls, cell: Cell) -> "ContractParams":
        """Read a parameters cell with any mask.

        Raises:
            DecodeError: malformed, followed by other data, or of an unknown layout.
        """
        read = Reader(cell)
        version = read.uint(8)
        if version > MAX_STRUCT_VERSION:
            raise DecodeError(f"parameters of struct version {version} are not known")
        # Keyword arguments are evaluated in this order, which is the order in the cell.
        params = cls(
            struct_version=version,
            params_version=read.uint(32),
            unique_id=read.uint(32),
            is_test=bool(read.uint(1)),
            price_per_token=read.coins(),
            worker_fee_per_token=read.coins(),
            prompt_multiplier=read.uint(32) if version >= 3 else DEFAULT_MULTIPLIER,
            cached_multiplier=read.uint(32) if version >= 2 else DEFAULT_MULTIPLIER,
            completion_multiplier=read.uint(32) if version >= 3 else DEFAULT_MULTIPLIER,
            reasoning_multiplier=read.uint(32) if version >= 2 else DEFAULT_MULTIPLIER,
            proxy_delay_before_close=read.uint(32),
            client_delay_before_close=read.uint(32),
            min_proxy_stake=read.coins() if version >= 1 else DEFAULT_STAKE,
            min_client_stake=read.coins() if version >= 1 else DEFAULT_STAKE,
            proxy_code=read.maybe_ref(),
            worker_code=read.maybe_ref(),
            client_code=read.maybe_ref(),
        )
        read.end()
        return params
