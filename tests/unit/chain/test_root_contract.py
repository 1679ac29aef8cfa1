import dataclasses
from collections.abc import Sequence

import pytest

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState, AccountStatus
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell
from cocoon.chain.contracts.params import ROOT_MASK, ContractParams
from cocoon.chain.hashmap import write_hashmap
from cocoon.chain.net_address import Endpoint, RegisteredProxy
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import (
    MAX_HASHES,
    adopt,
    net_address,
    read_root,
    root_config,
    root_data,
    root_lists,
)
from cocoon.errors import ChainDataError, ChainError, DecodeError

ADDRESS = Address(b"\x22" * 32)
ONE = (1).to_bytes(32, "big")
PARAMS = ContractParams(
    struct_version=3,
    params_version=5,
    unique_id=17,
    is_test=False,
    price_per_token=20,
    worker_fee_per_token=14,
    prompt_multiplier=10000,
    cached_multiplier=1000,
    completion_multiplier=80000,
    reasoning_multiplier=80000,
    proxy_delay_before_close=86400,
    client_delay_before_close=43200,
    min_proxy_stake=10**9,
    min_client_stake=15 * 10**9,
    proxy_code=Cell(0xAAAA, 16),
    worker_code=Cell(0xBBBB, 16),
    client_code=Cell(0xCCCC, 16),
)
CONFIG = RootConfig(
    address=ADDRESS,
    version=7,
    params=PARAMS,
    owner=Address(b"\x11" * 32),
    proxy_hashes=frozenset([ONE]),
    worker_hashes=frozenset([ONE]),
    model_hashes=frozenset([ONE]),
    proxies=(RegisteredProxy(1, Endpoint("10.0.0.1", 11001), Endpoint("10.0.0.1", 11002)),),
    last_proxy_seqno=1,
)


def test_vectors_of_the_root_contract() -> None:
    """``onchain.md`` §19, the two root rows."""
    lists, data = root_lists(CONFIG), root_data(CONFIG)
    assert (lists.bits, lists.hash.hex()) == (
        36,
        "555a74e83cfe74381926d419cc652a53771ccad4fd1ef1cc63a87cf668f774e6",
    )
    assert (data.bits, data.hash.hex()) == (
        299,
        "12ca56155e51cd9feffe01aa1d1d12c7a156a261dac1f017eeee10ccfc3bce9d",
    )
    assert root_config(ADDRESS, data) == CONFIG


def test_one_endpoint_for_all_is_written_once() -> None:
    both = Endpoint("10.0.0.1", 11001)
    cell = net_address(RegisteredProxy(3, both, both))
    assert cell == Builder().uint(0, 1).uint(14, 7).raw(b"10.0.0.1:11001").cell()
    with pytest.raises(DecodeError, match="127"):
        net_address(RegisteredProxy(3, Endpoint("a" * 128, 1), both))


def data_with(proxies: dict[int, Cell], owner: Builder | None = None, hashes: int = 0) -> Cell:
    many = write_hashmap(dict.fromkeys(range(hashes), EMPTY_CELL), 256)
    lists = Builder().maybe_ref(many).maybe_ref(write_hashmap(proxies, 32)).uint(9, 32).uint(0, 2)
    out = owner or Builder().address(ADDRESS)
    return out.uint(7, 32).ref(lists.cell()).ref(PARAMS.cell(ROOT_MASK)).cell()


def test_proxies_that_cannot_be_read_are_left_out() -> None:
    good = b"10.0.0.2:1"
    data = data_with(
        {
            1: Builder().uint(1, 1).uint(5, 77).ref(EMPTY_CELL).cell(),
            2: Builder().uint(0, 1).uint(3, 7).raw(b"abc").cell(),
            3: Builder().uint(0, 1).uint(9, 7).raw(b"short").cell(),
            4: Builder().uint(0, 1).uint(2, 7).raw(b"\xff\xff").cell(),
            5: Builder().uint(0, 1).uint(len(good), 7).raw(good).uint(1, 1).cell(),
            6: Builder().uint(0, 1).uint(len(good), 7).raw(good).cell(),
        }
    )
    assert [proxy.seqno for proxy in root_config(ADDRESS, data).proxies] == [6]


def test_an_owner_outside_workchain_0_is_not_named() -> None:
    masterchain = Builder().uint(0b100, 3).uint(0xFF, 8).raw(bytes(32))
    config = root_config(ADDRESS, data_with({}, masterchain))
    assert (config.owner, config.version) == (None, 7)
    with pytest.raises(DecodeError, match="owner"):
        root_data(config)


def test_limits_and_malformed_data() -> None:
    assert len(root_config(ADDRESS, data_with({}, hashes=MAX_HASHES)).proxy_hashes) == MAX_HASHES
    good = data_with({})
    for bad, reason in (
        (data_with({}, hashes=MAX_HASHES + 1), "more than"),
        (Cell(good.data << 1, good.bits + 1, good.refs), "too many"),
        (Cell(good.data, good.bits, (*good.refs, EMPTY_CELL)), "too many"),
        (Cell(good.data, good.bits, (good.refs[0], Cell(4, 8))), "struct version 4"),
        (EMPTY_CELL, "ends"),
        (Cell.library(bytes(32)), "library"),
    ):
        with pytest.raises(DecodeError, match=reason):
            root_config(ADDRESS, bad)


def test_only_a_greater_version_is_adopted() -> None:
    older = dataclasses.replace(CONFIG, version=6)
    same = dataclasses.replace(CONFIG, last_proxy_seqno=99)
    newer = dataclasses.replace(CONFIG, version=8)
    assert adopt(None, older) is older
    assert adopt(CONFIG, older) is CONFIG
    assert adopt(CONFIG, same) is CONFIG
    assert adopt(CONFIG, newer) is newer


class OneAccount:
    """As much of a backend as is needed here."""

    name = "test"
    is_testnet = True

    def __init__(self, data: Cell | None) -> None:
        self.data = data

    async def account(self, address: Address) -> AccountState:
        status = AccountStatus.UNINIT if self.data is None else AccountStatus.ACTIVE
        return AccountState(address, status, 5, data=self.data)

    async def run(self, address: Address, method: str, stack: Sequence[object] = ()) -> None:
        raise NotImplementedError


@pytest.mark.anyio
async def test_reading_from_a_backend() -> None:
    assert await read_root(OneAccount(root_data(CONFIG)), ADDRESS) == CONFIG  # type: ignore[arg-type]
    with pytest.raises(ChainError, match=r"no root contract at 0:2222.*on this testnet"):
        await read_root(OneAccount(None), ADDRESS)  # type: ignore[arg-type]
    with pytest.raises(ChainDataError, match="is no root contract"):
        await read_root(OneAccount(Cell(1, 1)), ADDRESS)  # type: ignore[arg-type]
