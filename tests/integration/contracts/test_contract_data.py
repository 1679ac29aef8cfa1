"""Initial data and addresses: what Python derives is what the contracts derive and read."""

import pytest

from cocoon.chain import opcodes
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.code import code_info, code_names, load_code
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.contracts.state_init import contract_address
from cocoon.chain.contracts.worker import worker_data
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import person
from cocoon.testing.money_lab import CLIENT_OWNER, MoneyLab

DUMMIES = {"worker_code": Cell(0xBBBB, 16), "client_code": Cell(0xCCCC, 16)}
"""Codes of the vectors in ``onchain.md`` §19: any cells do for addresses."""
PARAMS = [
    {},
    {"price_per_token": 0, "worker_fee_per_token": 0, "min_client_stake": 0, "min_proxy_stake": 0},
    {"params_version": 2**32 - 1, "unique_id": 2**32 - 1, "is_test": True},
    {"min_client_stake": 2**64 - 1, "price_per_token": 10**9, "client_delay_before_close": 2**31},
]


def request(operation: int, owner_part: Builder) -> Cell:
    out = Builder().uint(operation, 32).uint(1, 64)
    return out.content(owner_part.cell()).cell()


@pytest.mark.parametrize("changes", PARAMS)
@pytest.mark.parametrize("owner", [person(0x33), person(0), person(0xFF)])
def test_the_proxy_knows_its_children_by_their_address(changes: dict, owner) -> None:
    with memory_chain() as chain:
        lab = MoneyLab(chain, **DUMMIES, **changes)
        lab.deploy_proxy(stake=0)
        proxy, key = lab.proxy.address, lab.key.public_key
        client = contract_address(
            DUMMIES["client_code"], client_data(lab.params, owner, proxy, key)
        )
        worker = contract_address(
            DUMMIES["worker_code"], worker_data(lab.params, owner, proxy, key)
        )
        charged = Builder().coins(0).address(owner).address(owner)
        body = request(opcodes.CLIENT_PROXY_CHARGED, charged)
        assert lab.send(client, proxy, TON, body).ok
        assert lab.send(worker, proxy, TON, body).exit_code == 1014
        payload = Builder().uint(opcodes.WORKER_PROXY_PAYOUT_REQUEST, 32).coins(0).coins(0)
        work = Builder().address(owner).uint(0, 2).uint(0, 64)
        body = request(opcodes.WORKER_PROXY_REQUEST, work.maybe_ref(payload.address(owner).cell()))
        assert lab.send(worker, proxy, TON, body).ok
        assert lab.send(client, proxy, TON, body).exit_code == 1014


def test_initial_storage_is_read_by_getters() -> None:
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy(stake=0)
        client, worker = lab.client(), lab.worker()
        stack = chain.run(client.address, "get_cocoon_client_data").stack
        assert stack[3:] == (0, 0, 15 * TON, 0, 0, 0)
        stack = chain.run(worker.address, "get_cocoon_worker_data").stack
        assert stack[3:] == (0, 0)
        stack = chain.run(lab.proxy.address, "get_cocoon_proxy_data").stack
        assert stack[3:] == (0, 0, 0, 0, 20, 14, TON, 15 * TON, 5)
        assert chain.run(lab.proxy.address, "get_cocoon_proxy_ledger").stack == (0,) * 6
        # An empty message has not changed the data: it is still the one that the address is of.
        for contract in (client, worker, lab.proxy):
            assert chain.account(contract.address).data == contract.init.refs[1]


def test_live_storage_keeps_the_official_fields_in_front(stage, lab) -> None:
    data = lab.chain.account(lab.proxy.address).data
    state = ProxyState.from_data(data)
    assert state.data() == data
    assert data.refs[0] == lab.params.cell(6)
    assert data.bits <= 960
    data = lab.chain.account(stage.client.address).data
    state = ClientState.from_data(data)
    assert state.data() == data
    assert (state.owner, state.phase, len(data.refs)) == (CLIENT_OWNER, ContractPhase.OPEN, 2)


def test_shipped_codes() -> None:
    assert {"client", "proxy", "worker"} <= set(code_names())
    for name in code_names():
        info, code = code_info(name), load_code(name)
        assert (code.hash, code.depth) == (info.code.hash, info.code.depth)
        assert info.tolk == "1.3.0"
        assert len(info.source) == 64
    with pytest.raises(KeyError):
        load_code("nobody")
