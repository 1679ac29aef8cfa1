"""Contract messages and storage: what is written reads back; anything else is refused."""

import hypothesis.strategies as st
from hypothesis import given

from cocoon.chain import Address, Cell, ContractParams, SecretKey, from_boc, opcodes
from cocoon.chain.cells import Builder
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.client_state import ClientLedger, ClientSnapshot, ClientState
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.params import PROXY_MASK
from cocoon.chain.contracts.proxy import proxy_data
from cocoon.chain.contracts.proxy_envelopes import sign_close_request, sign_commit
from cocoon.chain.contracts.proxy_inbox import (
    ClientCharged,
    ClientRequest,
    PayoutRequest,
    RefundForced,
    RefundGranted,
    Register,
    SaveState,
    TopUp,
    WorkerRequest,
    parse_proxy_inbox,
)
from cocoon.chain.contracts.proxy_state import ProxyLedger, ProxyState
from cocoon.chain.contracts.replies import ProxyClientCredited, parse_bounce, parse_reply
from cocoon.chain.contracts.wallet import CocoonWalletState, wallet_data
from cocoon.chain.contracts.worker import worker_data
from cocoon.chain.contracts.worker_state import WorkerState
from cocoon.errors import DecodeError

KEY = SecretKey(bytes([7]) * 32)
hashes = st.binary(min_size=32, max_size=32)
addresses = hashes.map(Address)
amounts = st.integers(0, 2**64 - 1)
uint32 = st.integers(0, 2**32 - 1)
uint64 = st.integers(0, 2**64 - 1)
phases = st.sampled_from(ContractPhase)
full_params = st.builds(
    ContractParams,
    struct_version=st.just(3),
    params_version=uint32,
    unique_id=uint32,
    is_test=st.booleans(),
    price_per_token=amounts,
    worker_fee_per_token=amounts,
    min_client_stake=amounts,
)
proxy_params = full_params.map(lambda p: ContractParams.from_cell(p.cell(PROXY_MASK)))
child_params = full_params.map(lambda p: ContractParams.from_cell(p.cell(0)))
snapshots = st.builds(ClientSnapshot, phases, amounts, amounts, uint64, hashes)
client_payloads = st.one_of(
    st.builds(TopUp, amounts, addresses),
    st.builds(Register, uint64),
    st.builds(RefundGranted, amounts, addresses),
    st.builds(RefundForced, amounts, addresses),
)
events = st.one_of(
    st.builds(ClientRequest, uint64, addresses, snapshots, st.none() | client_payloads),
    st.builds(ClientCharged, uint64, amounts, addresses, addresses),
    st.builds(
        WorkerRequest,
        uint64,
        addresses,
        phases,
        uint64,
        st.none() | st.builds(PayoutRequest, amounts, amounts, addresses),
    ),
    st.builds(SaveState, uint64, st.integers(0, 2**31 - 1), hashes),
    st.builds(lambda q, p, e: sign_close_request(KEY, q, p, e), uint64, addresses, addresses),
    st.builds(
        lambda q, n, r, p, e: sign_commit(KEY, q, seqno=n, state_root=r, proxy=p, excesses=e),
        uint64,
        uint64,
        hashes,
        addresses,
        addresses,
    ),
)


@given(events)
def test_what_arrives_at_a_proxy_reads_back(event: ClientRequest) -> None:
    assert parse_proxy_inbox(event.cell()) == event


@given(events, st.data())
def test_a_damaged_message_is_another_or_none(event: ClientRequest, data: st.DataObject) -> None:
    cell = event.cell()
    flipped = Cell(cell.data ^ 1 << data.draw(st.integers(0, cell.bits - 1)), cell.bits, cell.refs)
    assert parse_proxy_inbox(flipped) != event
    assert parse_proxy_inbox(Cell(cell.data << 1, cell.bits + 1, cell.refs)) is None
    assert parse_proxy_inbox(Cell(cell.data >> 1, cell.bits - 1, cell.refs)) is None
    assert parse_proxy_inbox(Cell(cell.data, cell.bits, cell.refs[:-1])) is None or not cell.refs


OPERATIONS = [value for name, value in vars(opcodes).items() if name.isupper()]


@given(st.sampled_from(OPERATIONS), st.integers(0, 900), st.data())
def test_any_body_is_read_or_ignored(operation: int, bits: int, data: st.DataObject) -> None:
    rest = Builder().uint(operation, 32).uint(data.draw(st.integers(0, 2**bits - 1)), bits)
    for _ in range(data.draw(st.integers(0, 3))):
        rest.ref(Cell(data.draw(st.integers(0, 2**64 - 1)), 64))
    for parse in (parse_proxy_inbox, parse_reply, parse_bounce):
        parse(rest.cell())


@given(st.builds(ProxyClientCredited, uint64, amounts, addresses, addresses))
def test_replies_read_back(reply: ProxyClientCredited) -> None:
    assert parse_reply(reply.cell()) == reply


ledgers = st.builds(ProxyLedger, amounts, amounts, uint64, hashes, amounts, amounts)


@given(
    st.builds(
        ProxyState,
        addresses,
        hashes,
        addresses,
        phases,
        amounts,
        amounts,
        uint32,
        proxy_params,
        st.none() | ledgers,
    )
)
def test_proxy_storage_reads_back(state: ProxyState) -> None:
    assert ProxyState.from_data(state.data()) == state


@given(
    st.builds(
        ClientState,
        phases,
        amounts,
        amounts,
        uint64,
        uint32,
        hashes,
        addresses,
        addresses,
        hashes,
        child_params,
        st.none() | st.builds(ClientLedger, amounts, amounts, st.booleans()),
    )
)
def test_client_storage_reads_back(state: ClientState) -> None:
    assert ClientState.from_data(state.data()) == state
    assert ClientSnapshot.from_cell(state.snapshot.cell()) == state.snapshot


@given(st.builds(WorkerState, addresses, addresses, hashes, phases, uint64, child_params))
def test_worker_storage_reads_back(state: WorkerState) -> None:
    assert WorkerState.from_data(state.data()) == state
    longer = state.data()
    assert WorkerState.from_data(Cell(longer.data << 8, longer.bits + 8, longer.refs)) == state


@given(st.builds(CocoonWalletState, uint32, uint32, hashes, uint32, addresses))
def test_wallet_storage_reads_back(state: CocoonWalletState) -> None:
    assert CocoonWalletState.from_data(state.data()) == state


@given(full_params, addresses, addresses, hashes)
def test_initial_data_is_a_state(
    params: ContractParams, owner: Address, other: Address, key: bytes
) -> None:
    proxy = ProxyState.from_data(proxy_data(params, owner, key, other))
    assert (proxy.owner, proxy.public_key, proxy.root) == (owner, key, other)
    assert (proxy.phase, proxy.balance, proxy.stake, proxy.ledger) == (0, 0, 0, None)
    assert proxy.data() == proxy_data(params, owner, key, other)
    client = ClientState.from_data(client_data(params, owner, other, key))
    assert (client.owner, client.proxy, client.stake) == (owner, other, params.min_client_stake)
    assert client.data() == client_data(params, owner, other, key)
    worker = WorkerState.from_data(worker_data(params, owner, other, key))
    assert (worker.owner, worker.tokens) == (owner, 0)
    assert worker.data() == worker_data(params, owner, other, key)
    wallet = CocoonWalletState.from_data(wallet_data(owner, key))
    assert (wallet.owner, wallet.seqno, wallet.is_blocked) == (owner, 0, False)


@given(st.binary(max_size=300))
def test_any_data_is_a_state_or_refused(data: bytes) -> None:
    try:
        cell = from_boc(data)
    except DecodeError:
        cell = Cell(int.from_bytes(data[:127], "big"), min(len(data), 127) * 8)
    for kind in (ProxyState, ClientState, WorkerState, CocoonWalletState):
        try:
            kind.from_data(cell)
        except DecodeError:
            continue
