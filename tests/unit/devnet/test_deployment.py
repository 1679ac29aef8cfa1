"""A devnet's root contract on a real virtual machine: deployed once, then led by its plan."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.chain.contracts.root import add_model_type
from cocoon.chain.embedded import FAUCET, EmbeddedBackend, EmbeddedChain
from cocoon.chain.message import OutMessage
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import read_root
from cocoon.chain.sender import WalletSender
from cocoon.devnet import coins
from cocoon.devnet.deployment import TIMING, deploy
from cocoon.devnet.options import DevnetOptions
from cocoon.devnet.plan import Plan, make_plan
from cocoon.devnet.ports import official_ports
from cocoon.devnet.root_data import RootContract, load_root, save_root
from cocoon.devnet.root_plan import RootPlan
from cocoon.devnet.state import StateDirectory
from cocoon.errors import ChainError, ConfigError
from cocoon.testing.chain import memory_chain

pytestmark = pytest.mark.anyio


class Rig(EmbeddedBackend):
    """A chain of this test."""

    def __init__(self, chain: EmbeddedChain) -> None:
        super().__init__(chain)
        self.chain = chain


@pytest.fixture
def backend() -> Iterator[Rig]:
    with memory_chain() as chain:
        yield Rig(chain)


def plan(state: Path, **options: int) -> Plan:
    asked = DevnetOptions(state=state, **options)  # type: ignore[arg-type]
    directory = StateDirectory(state)
    try:
        return make_plan(directory, asked, official_ports(asked.proxies, asked.workers))
    finally:
        directory.release()


async def put(made: Plan, backend: Rig) -> RootConfig:
    """Deploy a plan as a network does."""

    async def faucet(address: object, amount: int) -> None:
        backend.chain.faucet(address, amount)  # type: ignore[arg-type]

    assert made.root_contract is not None
    return await deploy(made, made.root_contract, backend, faucet)


def follows(root: RootConfig, wanted: RootPlan) -> bool:
    listed = tuple(f"{item.for_workers} {item.for_clients}" for item in root.proxies)
    lists = (root.proxy_hashes, root.worker_hashes, root.model_hashes)
    return (
        lists == (wanted.proxy_hashes, wanted.worker_hashes, wanted.model_hashes)
        and listed == wanted.proxies
        and root.params.price_per_token == wanted.price_per_token
    )


async def test_deployed_once(tmp_path: Path, backend: Rig) -> None:
    made = plan(tmp_path, proxies=2)
    root = await put(made, backend)
    assert follows(root, made.root)
    assert root.address == made.root_contract.address  # type: ignore[union-attr]
    assert root.owner == made.deployer.owner.address
    blocks = backend.chain.head().seqno
    again = plan(tmp_path, proxies=2)
    assert await put(again, backend) == root
    assert backend.chain.head().seqno == blocks  # nothing was sent or given
    for member in made.members.values():
        assert (await backend.account(member.wallet.address)).balance >= 20 * 10**9


async def test_a_new_plan_changes_the_same_root(tmp_path: Path, backend: Rig) -> None:
    first = await put(plan(tmp_path, proxies=1), backend)
    more = plan(tmp_path, proxies=3, price_per_token=200_000)
    second = await put(more, backend)
    assert second.address == first.address
    assert follows(second, more.root)
    assert second.params.params_version == first.params.params_version + 1
    assert more.root_contract is not None
    save_root(tmp_path, replace(more.root_contract, applied=more.root))
    fewer = plan(tmp_path, proxies=1, price_per_token=200_000)
    third = await put(fewer, backend)
    assert follows(third, fewer.root)
    assert third.params.params_version == second.params.params_version


async def test_a_start_that_was_cut_off_leaves_no_stale_proxy(tmp_path: Path, backend: Rig) -> None:
    """Its messages arrived, and what they did was not written down."""
    await put(plan(tmp_path, proxies=1), backend)
    await put(plan(tmp_path, proxies=2), backend)
    last = plan(tmp_path, proxies=1)
    assert follows(await put(last, backend), last.root)


async def test_what_the_owner_decided_stays(tmp_path: Path, backend: Rig) -> None:
    made = plan(tmp_path)
    root = await put(made, backend)
    sender = WalletSender(backend, made.deployer.owner, timing=TIMING)
    message = OutMessage(root.address, 10**8, add_model_type(0, bytes([1]) * 32))
    assert all(item.ok for item in await sender.send(message))
    await sender.close()
    await put(plan(tmp_path), backend)
    assert bytes([1]) * 32 in (await read_root(backend, root.address)).model_hashes


async def test_a_root_that_was_handed_over_is_not_changed(tmp_path: Path, backend: Rig) -> None:
    made = plan(tmp_path)
    await put(made, backend)
    stranger = plan(tmp_path, proxies=2)
    stranger = replace(stranger, deployer=made.members["client"])
    with pytest.raises(ChainError, match="does not own it any more"):
        await put(stranger, backend)


def test_the_state_directory_remembers(tmp_path: Path) -> None:
    made = plan(tmp_path)
    assert made.root_contract is not None
    owner = made.deployer.owner.address
    other = replace(made.root, price_per_token=1, worker_fee_per_token=1)
    listed = made.root.proxies
    assert load_root(tmp_path, other, owner) == RootContract(
        made.root_contract.init, made.root, listed=listed
    )
    path = tmp_path / "root-contract.json"
    known = RootContract(made.root_contract.init, made.root, {"proxy-1": owner}, listed)
    save_root(tmp_path, known)
    assert load_root(tmp_path, other, owner) == known
    for text in ("{", "{}", json.dumps({"state_init": "00", "applied": {}}), "[]"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="damaged"):
            load_root(tmp_path, other, owner)


def test_the_faucet_is_the_chains() -> None:
    assert coins.FAUCET == FAUCET
