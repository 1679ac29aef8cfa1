"""The newest masterchain block, which counts only if enough servers name the same one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from cocoon.chain.backend import Head
from cocoon.chain.evidence import HeadWatch, check_network
from cocoon.chain.liteserver import tl
from cocoon.chain.liteserver.pool import Pool
from cocoon.chain.liteserver.proofs import read_header
from cocoon.errors import ChainDataError, ChainError, DecodeError


@dataclass(frozen=True, slots=True)
class Timing:
    """How long.

    Args:
        timeout: seconds to connect, and for one query.
        attempts: servers that one query is tried with.
        retry_delay: seconds before another server is asked.
        block_life: seconds that the newest block counts as newest.
        wait: seconds that a server is given to learn of a block that another names.
    """

    timeout: float = 10.0
    attempts: int = 4
    retry_delay: float = 0.5
    block_life: float = 2.0
    wait: float = 5.0


class ContradictionError(ChainDataError):
    """Servers do not agree; asking others would be choosing whom to believe."""


class NewestBlock:
    """Keeps the newest masterchain block.

    Args:
        pool: the servers.
        is_testnet: which network it must be.
        agreement: how many servers must name the same block.
        zero_state: what the chain must have started from; None for whatever is met first.
        timing: how long.
        heads: refuses chains that jump back or stand still.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        is_testnet: bool,
        agreement: int,
        zero_state: bytes | None,
        timing: Timing,
        heads: HeadWatch,
        clock: Callable[[], float],
    ) -> None:
        self._pool = pool
        self._is_testnet = is_testnet
        self._agreement = agreement
        self._zero_state = zero_state
        self._timing = timing
        self._heads = heads
        self._clock = clock
        self._block: tl.BlockId | None = None
        self._block_at = 0.0
        self._updating = asyncio.Lock()

    async def get(self) -> tl.BlockId:
        """The newest block; asks for it again only when the one known is too old for that.

        Raises:
            ContradictionError: two servers name different blocks.
            ChainError: too few servers can be reached, or the chain stalls or jumps back.
            ConfigError: they are on another network.
            DecodeError: an answer is malformed, or a proof wrong.
        """
        async with self._updating:
            if self._block is None or self._clock() - self._block_at > self._timing.block_life:
                await self._update()
            assert self._block is not None
            return self._block

    async def _update(self) -> None:
        info = (await self._pool.ask(tl.GET_MASTERCHAIN_INFO)).expect(tl.MASTERCHAIN_INFO)
        block = info.block()
        info.hash()
        info.number()
        zero_state = info.hash()
        if self._zero_state not in (None, zero_state):
            raise ChainDataError("liteserver shows a chain with another beginning")
        known = self._block
        if known is not None and block.seqno <= known.seqno:
            # Nothing new; a server far behind, or a chain that stands still, is an error here.
            best = self._heads.best
            assert best is not None
            self._heads.accept(replace(best, seqno=block.seqno), zero_state)
            self._block_at = self._clock()
            return
        answer = (await self._pool.ask(tl.get_header(block))).expect(tl.BLOCK_HEADER)
        answer.block()
        answer.unsigned()
        header = read_header(answer.text(), block)
        check_network(self._is_testnet, zero_state=zero_state, network_id=header.network_id)
        await self._agree(block)
        self._heads.accept(Head(header.seqno, header.time), zero_state)
        self._zero_state, self._block, self._block_at = zero_state, block, self._clock()

    async def _agree(self, block: tl.BlockId) -> None:
        """Ask other servers for the same block."""
        missing, failures = self._agreement - 1, []
        query = tl.lookup_masterchain(block.seqno, int(self._timing.wait * 1000))
        for number in self._pool.others():
            if not missing:
                return
            try:
                answer = await self._pool.ask(query, number)
                other = answer.expect(tl.BLOCK_HEADER).block()
            except (ChainError, DecodeError) as error:
                failures.append(str(error))
                continue
            if other != block:
                raise ContradictionError(
                    f"liteservers {self._pool.first} and {self._pool.server(number)} contradict "
                    f"each other on masterchain block {block.seqno}; nothing is believed"
                )
            missing -= 1
        if missing:
            reasons = "; ".join(failures[:3]) or "there are no more"
            raise ChainError(f"{missing} more liteservers must confirm the newest block: {reasons}")
