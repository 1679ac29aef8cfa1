"""The indexer's client against one that misbehaves; honest ones are in the contract suite."""

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountStatus, TransactionRef
from cocoon.chain.boc import to_boc
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.evidence import MAINNET_ID, MAINNET_ZERO_STATE, MAX_BEHIND
from cocoon.chain.toncenter import Limits, ToncenterBackend
from cocoon.chain.vm_stack import StackSlice
from cocoon.errors import (
    ChainDataError,
    ChainError,
    ConfigError,
    ContractError,
    DecodeError,
    MessageRejectedError,
)
from cocoon.testing.chain_cells import history, transaction_cell
from cocoon.testing.indexer import FalseIndexer, Fault, Shown
from cocoon.testing.made_up_state import merkle_proof, prune

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000
HERE = Address(b"\x01" * 32)
MESSAGE = Builder().uint(0b1000, 4).address(HERE).uint(0, 6).cell()


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        return NOW + self.now - 1000.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def server() -> AsyncIterator[FalseIndexer]:
    async with FalseIndexer(NOW) as indexer:
        yield indexer


@pytest.fixture
async def connect(
    server: FalseIndexer, time: Time
) -> AsyncIterator[Callable[..., ToncenterBackend]]:
    made: list[ToncenterBackend] = []

    def make(**options: Any) -> ToncenterBackend:
        options = {
            "is_testnet": True,
            "limits": Limits(requests_per_second=1000),
            "clock": time.clock,
            "wall": time.wall,
            "sleep": time.sleep,
        } | options
        made.append(ToncenterBackend(options.pop("url", server.url), **options))
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


Connect = Callable[..., ToncenterBackend]


# Network


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_the_right_network_is_accepted(
    server: FalseIndexer, connect: Connect, version: str
) -> None:
    backend = connect(version=version)
    await backend.start()
    head = await backend.head()
    assert (head.seqno, head.time) == (100, NOW)
    assert (backend.name, backend.is_testnet) == ("toncenter", True)


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_the_wrong_network_is_refused(
    server: FalseIndexer, connect: Connect, version: str
) -> None:
    server.zero_state, server.network_id = MAINNET_ZERO_STATE, MAINNET_ID
    backend = connect(version=version)
    with pytest.raises(ConfigError, match="on mainnet, but the configuration says testnet"):
        await backend.start()
    with pytest.raises(ConfigError):  # and stays refused
        await backend.account(HERE)
    with pytest.raises(ConfigError):
        await backend.send(MESSAGE)
    assert server.sent == []


async def test_a_network_that_contradicts_itself(server: FalseIndexer, connect: Connect) -> None:
    server.network_id = MAINNET_ID
    with pytest.raises(ChainDataError, match="mainnet and on testnet"):
        await connect().start()


async def test_a_private_network_may_have_any_number(
    server: FalseIndexer, connect: Connect
) -> None:
    server.zero_state, server.network_id = b"\x07" * 32, MAINNET_ID
    await connect().start()
    await connect(is_testnet=False, version="v3").start()


async def test_a_chain_that_is_exchanged_while_running(
    server: FalseIndexer, connect: Connect
) -> None:
    server.zero_state = b"\x07" * 32
    backend = connect()
    await backend.start()
    server.zero_state = b"\x08" * 32
    with pytest.raises(ChainDataError, match="another beginning"):
        await backend.head()


# Heads


async def test_a_chain_that_jumps_back(server: FalseIndexer, connect: Connect) -> None:
    backend = connect()
    await backend.start()
    server.seqno -= MAX_BEHIND
    assert (await backend.head()).seqno == 100  # a server that lags a little changes nothing
    server.seqno -= 1
    with pytest.raises(ChainDataError, match="jumps back from block 100 to 67"):
        await backend.head()
    server.seqno, server.time = 101, NOW - 1
    with pytest.raises(ChainDataError, match="before that of its predecessor"):
        await backend.head()


async def test_a_chain_that_stalls(server: FalseIndexer, connect: Connect, time: Time) -> None:
    backend = connect(max_age=60)
    await backend.start()
    time.now += 61
    with pytest.raises(ChainError, match="block 100 is 61 s old, at most 60 s"):
        await backend.head()
    server.seqno, server.time = 101, NOW + 61
    assert (await backend.head()).seqno == 101


async def test_a_chain_from_the_future(server: FalseIndexer, connect: Connect) -> None:
    server.time = NOW + 3600
    with pytest.raises(ChainDataError, match="in the future: check this machine's clock"):
        await connect().start()
    server.zero_state = b"\x07" * 32  # a chain that may have a clock of its own
    await connect().start()
    with pytest.raises(ChainDataError, match="in the future"):
        await connect(max_age=60).start()


async def test_a_known_head_costs_one_request(server: FalseIndexer, connect: Connect) -> None:
    backend = connect()
    await backend.start()
    assert server.requests == ["getMasterchainInfo", "getBlockHeader"]
    await backend.head()
    assert server.requests[2:] == ["getMasterchainInfo"]


# Network failures


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, b"slow down"),
        Fault(500),
        Fault(502, b"<html>Bad gateway</html>"),
        Fault(503, headers={"Retry-After": "3"}),
        Fault(kind="hang"),
        Fault(kind="close"),
    ],
    ids=["429", "500", "502", "retry-after", "hang", "close"],
)
async def test_passing_failures_are_retried(
    server: FalseIndexer, connect: Connect, time: Time, fault: Fault
) -> None:
    backend = connect(limits=Limits(requests_per_second=1000, timeout=0.2))
    await backend.start()
    time.slept.clear()
    server.faults += [fault, fault]
    assert (await backend.head()).seqno == 100
    waits = [seconds for seconds in time.slept if seconds > 0.1]
    # The HTTP library tries once more by itself when a kept connection turns out to be closed.
    assert len(waits) == (1 if fault.kind == "close" else 2)
    assert 0.25 <= waits[0] <= 0.75 or waits == [3.0, 3.0]


async def test_lasting_failures_end_within_the_deadline(
    server: FalseIndexer, connect: Connect, time: Time
) -> None:
    backend = connect(limits=Limits(requests_per_second=1000, attempts=50, deadline=20))
    await backend.start()
    server.faults += [Fault(500)] * 100
    before = time.now
    with pytest.raises(ChainError, match=r"does not answer: HTTP 500.*made to fail"):
        await backend.head()
    assert time.now - before <= 20
    server.faults.clear()
    server.faults += [Fault(429)] * 100
    with pytest.raises(ChainError, match="HTTP 429; tried 6 times"):
        await connect().head()


async def test_nobody_listens(server: FalseIndexer, connect: Connect) -> None:
    with pytest.raises(ChainError, match="does not answer"):
        await connect(url="http://127.0.0.1:1").start()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(200, b"not json"),
        Fault(200, b"[" * 100_000),
        Fault(200, b'{"ok":true,"result":{"last":5}}'),
        Fault(200, b'{"ok":true,"result":{"last":{"seqno":"x"}}}'),
        Fault(200, b"\xff\xfe"),
        Fault(200, b""),
        Fault(kind="truncate"),
    ],
    ids=["garbage", "nested", "number", "text", "bytes", "empty", "truncated"],
)
async def test_nonsense_is_no_answer(server: FalseIndexer, connect: Connect, fault: Fault) -> None:
    server.faults.append(fault)
    with pytest.raises(ChainDataError, match="not what was asked for"):
        await connect().start()


async def test_a_huge_answer_is_not_read(server: FalseIndexer, connect: Connect) -> None:
    server.faults.append(Fault(kind="huge"))
    backend = connect(limits=Limits(requests_per_second=1000, max_bytes=10**5))
    with pytest.raises(ChainDataError, match="more than 100000 bytes"):
        await backend.start()


async def test_a_refused_call_tells_why(server: FalseIndexer, connect: Connect) -> None:
    server.faults.append(Fault(422, b'{"ok":false,"error":"bad\\u001b[31m address","code":422}'))
    with pytest.raises(ChainError, match=r"HTTP 422: bad \[31m address"):
        await connect().head()
    server.faults.append(Fault(403, b"no"))
    with pytest.raises(ChainError, match="check the API key"):
        await connect().head()


# Rate and key


async def test_requests_are_spread(server: FalseIndexer, connect: Connect, time: Time) -> None:
    backend = connect(limits=Limits(requests_per_second=2))
    await backend.start()
    for _ in range(4):
        await backend.head()
    assert time.now - 1000 == pytest.approx(2.5)


async def test_too_many_requests_are_refused_here(server: FalseIndexer, connect: Connect) -> None:
    import asyncio

    backend = connect(limits=Limits(requests_per_second=0.1, deadline=30), sleep=asyncio.sleep)
    await connect(limits=Limits(requests_per_second=1000)).start()
    waiting = [asyncio.create_task(backend.head()) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(ChainError, match=r"allows 0\.1 a second"):
        await backend.head()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_the_key_travels_in_its_header_only(server: FalseIndexer, connect: Connect) -> None:
    backend = connect(api_key="very-secret", limits=Limits())
    await backend.start()
    assert set(server.keys) == {"very-secret"}
    assert "secret" not in repr(backend)
    server.faults += [Fault(kind="close")] * 20
    with pytest.raises(ChainError) as caught:
        await backend.head()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["", "ftp://host", "https://", "https://user:pw@host", "https://host/?a=b", "https://[", "x"],
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(ConfigError, match="not the URL of an indexer"):
        ToncenterBackend(url, is_testnet=True)


def test_a_key_does_not_travel_in_the_clear() -> None:
    with pytest.raises(ConfigError, match="in the clear"):
        ToncenterBackend("http://host.example", api_key="k", is_testnet=True)
    ToncenterBackend("http://host.example", is_testnet=True)
    ToncenterBackend("http://[::1]:80/api/v2", api_key="k", is_testnet=True)
    backend = ToncenterBackend("https://host/base/api/v2/jsonRPC", api_key="k", is_testnet=False)
    assert repr(backend) == "ToncenterBackend(https://host)"  # a path may be a key


async def test_redirects_are_not_followed(server: FalseIndexer, connect: Connect) -> None:
    server.faults.append(Fault(302, b"", {"Location": "http://127.0.0.1:1/"}))
    with pytest.raises(ChainError):
        await connect(api_key="key").start()


# Accounts


def active(**options: Any) -> Shown:
    return Shown(5, "active", Cell(1, 8), Cell(2, 8), history(HERE, 3), **options)


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_accounts(server: FalseIndexer, connect: Connect, version: str) -> None:
    server.accounts[HERE] = active()
    backend = connect(version=version)
    state = await backend.account(HERE)
    assert (state.status, state.balance, state.time) == (AccountStatus.ACTIVE, 5, NOW)
    assert (state.code, state.data, state.last_lt) == (Cell(1, 8), Cell(2, 8), 3000)
    assert state.last_hash == server.accounts[HERE].history[0].hash
    nobody = await backend.account(Address(b"\x02" * 32))
    assert (nobody.status, nobody.balance, nobody.time) == (AccountStatus.NONEXISTENT, 0, NOW)


async def test_an_account_that_only_has_coins(server: FalseIndexer, connect: Connect) -> None:
    server.accounts[HERE] = Shown(7, "uninitialized", last=(5, b"\x05" * 32))
    state = await connect().account(HERE)
    assert (state.status, state.balance, state.code) == (AccountStatus.UNINIT, 7, None)


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(
    "shown",
    [
        Shown(5, "sleeping"),
        Shown(5, "frozen", code=Cell(1, 1)),
        Shown(-5, "active", Cell(1, 1), last=(7, bytes(32))),
        Shown(5, "active", last=(-7, bytes(32))),
        Shown(5, "active", last=(7, bytes(31))),
    ],
    ids=["state", "frozen code", "negative", "lt", "hash"],
)
async def test_incoherent_accounts(
    server: FalseIndexer, connect: Connect, shown: Shown, version: str
) -> None:
    server.accounts[HERE] = shown
    if shown.balance < 0 and version == "v2":
        shown.balance, shown.state = 5, "uninitialized"
    with pytest.raises(ChainDataError):
        await connect(version=version).account(HERE)


async def test_an_account_that_goes_back(
    server: FalseIndexer, connect: Connect, time: Time
) -> None:
    server.accounts[HERE] = active()
    backend = connect()
    await backend.account(HERE)
    full = server.accounts[HERE].history
    server.accounts[HERE].history = full[1:]
    with pytest.raises(ChainDataError, match="older state"):
        await backend.account(HERE)
    with pytest.raises(ChainDataError, match="older transactions"):
        await backend.transactions(HERE)
    server.accounts[HERE].history = []
    with pytest.raises(ChainDataError, match="older transactions"):
        await backend.transactions(HERE)
    server.accounts[HERE].history = full
    assert (await backend.account(HERE)).last_lt == 3000
    server.accounts[HERE].last = (3000, b"\x09" * 32)
    with pytest.raises(ChainDataError, match="contradicts itself"):
        await backend.account(HERE)


# Transactions


async def test_transactions_newest_first(server: FalseIndexer, connect: Connect) -> None:
    server.accounts[HERE] = Shown(5, "active", history=history(HERE, 80))
    backend = connect()
    found = await backend.transactions(HERE, limit=50)
    assert [item.lt for item in found] == [80_000 - 1000 * number for number in range(50)]
    assert server.requests.count("getTransactions") == 2
    last = TransactionRef(found[-1].lt, found[-1].hash)
    rest = await backend.transactions(HERE, limit=100, before=last)
    assert [item.lt for item in rest] == [30_000 - 1000 * number for number in range(30)]
    assert await backend.transactions(HERE, limit=0) == []
    first = TransactionRef(rest[-1].lt, rest[-1].hash)
    assert await backend.transactions(HERE, before=first) == []
    assert await backend.transactions(Address(b"\x02" * 32)) == []


async def test_a_proof_in_a_message_does_not_hide_the_history(
    server: FalseIndexer, connect: Connect
) -> None:
    """Anybody can send us cells that are not ordinary."""
    tree = Builder().ref(MESSAGE).ref(Cell(1, 1)).cell()
    proof = merkle_proof(prune(tree, frozenset((tree.hash,))))
    incoming = Builder().uint(0b0100, 4).uint(0, 2).address(HERE).coins(5).uint(0, 105 + 1)
    message = incoming.uint(1, 1).ref(proof).cell()
    server.accounts[HERE] = Shown(
        5, "active", history=[transaction_cell(HERE, 5, in_message=message)]
    )
    (found,) = await connect().transactions(HERE)
    assert found.in_message is not None
    assert found.in_message.body == proof
    with pytest.raises(DecodeError):
        Reader(found.in_message.body)


async def test_a_history_with_a_gap(server: FalseIndexer, connect: Connect) -> None:
    cells = history(HERE, 5)
    server.accounts[HERE] = Shown(5, "active", history=[cells[0], *cells[2:]])
    with pytest.raises(ChainDataError, match="gap: 4000 expected, 3000 found"):
        await connect().transactions(HERE)


async def test_a_history_that_ends_early(server: FalseIndexer, connect: Connect) -> None:
    server.accounts[HERE] = Shown(5, "active", history=history(HERE, 5)[:3])
    backend = connect()
    assert len(await backend.transactions(HERE, limit=3)) == 3
    with pytest.raises(ChainError, match=r"no transactions of .* up to logical time 2000"):
        await backend.transactions(HERE, limit=4)
    with pytest.raises(ChainError, match="up to logical time 77"):
        await backend.transactions(HERE, before=TransactionRef(77, bytes(32)))


async def test_transactions_of_somebody_else(server: FalseIndexer, connect: Connect) -> None:
    server.accounts[HERE] = Shown(5, "active", history=history(Address(b"\x02" * 32), 2))
    with pytest.raises(ChainDataError, match=r"says that a transaction of 0:0202.* is 0:0101"):
        await connect().transactions(HERE)


async def test_a_history_before_another_transaction(server: FalseIndexer, connect: Connect) -> None:
    server.accounts[HERE] = Shown(5, "active", history=history(HERE, 3))
    with pytest.raises(ChainDataError, match="gap"):
        await connect().transactions(HERE, before=TransactionRef(3000, b"\x01" * 32))


async def test_a_transaction_that_is_not_what_it_says(
    server: FalseIndexer, connect: Connect
) -> None:
    boc = base64.b64encode(to_boc(transaction_cell(HERE, 5))).decode()
    for data, lt, reason in (
        (boc, 6, "not the one that it says"),
        (boc[:-8], 5, "malformed"),
        ("####", 5, "not Base64"),
        (base64.b64encode(to_boc(Cell(1, 1))).decode(), 5, "malformed"),
    ):
        identity = {"lt": str(lt), "hash": base64.b64encode(bytes(32)).decode()}
        backend = connect()
        await backend.start()
        text = str({"ok": True, "result": [{"data": data, "transaction_id": identity}]})
        server.faults.append(Fault(200, text.replace("'", '"').replace("True", "true").encode()))
        with pytest.raises(ChainDataError, match=reason):
            await backend.transactions(HERE)


async def test_large_pages_are_asked_for_in_halves(server: FalseIndexer, connect: Connect) -> None:
    server.accounts[HERE] = Shown(5, "active", history=history(HERE, 40))
    backend = connect(limits=Limits(requests_per_second=1000, max_bytes=4000))
    assert len(await backend.transactions(HERE, limit=40)) == 40
    tiny = connect(limits=Limits(requests_per_second=1000, max_bytes=300))
    with pytest.raises(ChainDataError, match="more than 300 bytes"):
        await tiny.transactions(HERE, limit=40)


# Sending

REJECTED = (
    b'{"ok":false,"error":"LITE_SERVER_UNKNOWN: cannot apply external message to current state : '
    b"External message was not accepted\\nCannot run message on account: inbound external message "
    b'rejected by transaction: exitcode=133, steps=20, gas_used=0","code":500}'
)


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_sending(server: FalseIndexer, connect: Connect, version: str) -> None:
    backend = connect(version=version)
    await backend.send(MESSAGE)
    assert server.sent == [base64.b64encode(to_boc(MESSAGE)).decode()]


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_a_refused_message(server: FalseIndexer, connect: Connect, version: str) -> None:
    backend = connect(version=version)
    await backend.start()
    server.faults.append(Fault(500, REJECTED))
    with pytest.raises(MessageRejectedError) as caught:
        await backend.send(MESSAGE)
    assert caught.value.contract_exit_code == 133
    assert not caught.value.retryable
    server.faults.append(Fault(500, b'{"ok":false,"error":"duplicate message","code":500}'))
    await backend.send(MESSAGE)
    server.faults.append(Fault(400, b'{"ok":false,"error":"bad cell","code":400}'))
    with pytest.raises(ChainError, match=r"HTTP 400.*bad cell") as other:
        await backend.send(MESSAGE)
    assert not isinstance(other.value, MessageRejectedError)


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_a_refusal_after_an_unknown_outcome_says_nothing(
    server: FalseIndexer, connect: Connect, version: str
) -> None:
    backend = connect(version=version)
    await backend.start()
    server.faults += [Fault(500, kind="after"), Fault(500, REJECTED)]
    await backend.send(MESSAGE)  # the first attempt got through, so the second is refused
    assert len(server.sent) == 1
    server.faults += [Fault(429), Fault(500, REJECTED)]  # not taken at all, then refused
    with pytest.raises(MessageRejectedError):
        await backend.send(MESSAGE)


# Get-methods


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_a_failing_method(server: FalseIndexer, connect: Connect, version: str) -> None:
    server.method["exit_code"] = 11
    with pytest.raises(ContractError, match="fails with exit code 11") as caught:
        await connect(version=version).run(HERE, "seqno")
    assert caught.value.contract_exit_code == 11
    with pytest.raises(ContractError, match="numbers, cells and slices"):
        await connect(version=version).run(HERE, "seqno", [(1, 2)])


BOC = base64.b64encode(to_boc(Cell(5, 8))).decode()
ENTRY = {"@type": "tvm.stackEntryNumber", "number": {"@type": "x", "number": "-7"}}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (["num", "0x1f"], 31),
        (["num", "-0x1f"], -31),
        (["num", hex(-(2**256))], -(2**256)),
        (["cell", {"bytes": BOC}], Cell(5, 8)),
        (["slice", {"bytes": BOC}], StackSlice(Cell(5, 8))),
        (["list", {"elements": []}], None),
        (["list", {"elements": [ENTRY, ENTRY]}], (-7, (-7, None))),
        (["tuple", {"elements": [ENTRY]}], (-7,)),
        ({"type": "num", "value": "0x2"}, 2),
        ({"type": "cell", "value": BOC}, Cell(5, 8)),
        ({"type": "null"}, None),
        ({"type": "tuple", "value": [{"type": "num", "value": "1"}]}, (1,)),
    ],
)
async def test_results(
    server: FalseIndexer, connect: Connect, item: object, expected: object
) -> None:
    server.method["stack"] = [item]
    assert (await connect().run(HERE, "get")).stack == (expected,)


@pytest.mark.parametrize(
    "item",
    [
        *(5, None, [], [5, 6], {}, ["num"], ["num", "x"], ["num", "0x" + "f" * 80], ["cell", 5]),
        *(["cell", {"bytes": "x"}], ["cont", ""], ["num", hex(2**256)], ["tuple", {"elements": 5}]),
        ["num", True],
    ],
    ids=str,
)
async def test_malformed_results(server: FalseIndexer, connect: Connect, item: object) -> None:
    server.method["stack"] = [item]
    with pytest.raises(ChainDataError):
        await connect().run(HERE, "get")


async def test_a_result_without_end(server: FalseIndexer, connect: Connect) -> None:
    server.method["stack"] = [["num", "1"]] * 5000
    with pytest.raises(ChainDataError, match="more than 4096"):
        await connect().run(HERE, "get")
    nested: object = []
    for _ in range(200):
        nested = [{"type": "tuple", "value": nested}]
    server.method["stack"] = nested
    with pytest.raises(ChainDataError):
        await connect().run(HERE, "get")
