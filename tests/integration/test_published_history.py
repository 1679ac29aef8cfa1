"""The published history and the tariff, read by a node through an indexer's HTTP interface."""

import pytest

from cocoon.chain.connect import BackendSettings, backend_from
from cocoon.chain.contracts import governor as gov
from cocoon.chain.contracts import root
from cocoon.chain.contracts.tariff import Multipliers
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.root_contract import read_root
from cocoon.chain.root_history import read_history
from cocoon.testing.chain import memory_chain
from cocoon.testing.chain_server import serving
from cocoon.testing.contracts import people
from cocoon.testing.governance import DELAY, GovernedRoot

A, B = people((1, 2))


@pytest.mark.anyio
@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_indexer_tells_the_same_as_the_chain(version: str) -> None:
    with memory_chain() as chain:
        rig = GovernedRoot(chain, owners=(A, B), threshold=2)
        for number in range(12):  # more than one page of transactions
            rig.propose(A, root.add_model_type(0, bytes([number]) * 32))
            rig.withdraw(A, number)
        rig.propose_action(A, gov.set_tariff(chain.now + 2 * DELAY, Multipliers(1, 2, 3, 4)))
        rig.approve(B, 12)
        chain.advance(DELAY)
        rig.execute(12)
        inside = EmbeddedBackend(chain)
        async with serving(chain) as url:
            settings = BackendSettings(
                kind="toncenter",
                url=url,
                is_testnet=True,
                version=version,
                requests_per_second=1000,
            )
            outside = backend_from(settings)
            await outside.start()
            try:
                history = await read_history(outside, rig.root)
                config = await read_root(outside, rig.root)
            finally:
                await outside.close()
        assert history == await read_history(inside, rig.root)
        assert len(history) == 2 + 24 + 3
        assert config == await read_root(inside, rig.root)
        assert config.tariff == rig.state.tariff
