"""The embedded chain's HTTP interface: what SDKs read, what is refused, what a devnet controls."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from cocoon.chain import Address, Builder, Cell, from_boc, to_boc
from cocoon.chain.embedded import FAUCET, EmbeddedChain
from cocoon.chain.embedded.http import ChainApi, create_app
from cocoon.chain.embedded.http.call import MAX_BODY_BYTES, MAX_QUERY_BYTES, Call
from cocoon.chain.message import OutMessage
from cocoon.chain.transaction import parse_transaction
from cocoon.testing.chain import GENESIS, TON, memory_chain
from cocoon.testing.probe import ADD_FAILS, Probe, add, burst

NOBODY = Address(bytes([0x77]) * 32)


class Caller:
    """Calls the application without a server."""

    def __init__(self, app: ChainApi) -> None:
        self.app = app

    def get(self, path: str, **query: Any) -> tuple[int, Any]:
        answer = self.app.answer(Call("GET", path, urlencode(query, doseq=True).encode()))
        return answer.status, json.loads(answer.body)

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        answer = self.app.answer(Call("POST", path, b"", json.dumps(body).encode()))
        return answer.status, json.loads(answer.body)

    def v2(self, call: str, /, **query: Any) -> Any:
        status, answer = self.get(f"/api/v2/{call}", **query)
        assert (status, answer["ok"]) == (200, True), answer
        return answer["result"]

    def v3(self, call: str, /, **query: Any) -> Any:
        status, answer = self.get(f"/api/v3/{call}", **query)
        assert status == 200, answer
        return answer


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        yield chain


@pytest.fixture
def caller(chain: EmbeddedChain) -> Caller:
    return Caller(create_app(chain))


@pytest.fixture
def probe(chain: EmbeddedChain) -> Probe:
    return Probe().deploy(chain)


def b64(cell: Cell) -> str:
    return base64.b64encode(to_boc(cell)).decode()


def cell_of(text: str) -> Cell:
    return from_boc(base64.b64decode(text))


# Accounts


def test_account_in_every_form(caller: Caller, chain: EmbeddedChain, probe: Probe) -> None:
    state = chain.account(probe.address)
    for text in (
        probe.address.raw(),
        probe.address.friendly(testnet=True),
        probe.address.friendly(testnet=False, bounceable=True),
    ):
        found = caller.v2("getAddressInformation", address=text)
        assert found["state"] == "active"
        assert found["balance"] == str(state.balance)
        assert cell_of(found["code"]) == state.code
        assert cell_of(found["data"]) == state.data
        assert found["last_transaction_id"]["lt"] == str(state.last_lt)
        assert base64.b64decode(found["last_transaction_id"]["hash"]) == state.last_hash
        assert found["sync_utime"] == GENESIS
    assert caller.v2("getAddressBalance", address=probe.address.raw()) == str(state.balance)
    assert caller.v2("getAddressState", address=probe.address.raw()) == "active"
    assert caller.v2("getAddressState", address=NOBODY.raw()) == "uninitialized"
    extended = caller.v2("getExtendedAddressInformation", address=probe.address.raw())
    assert extended["account_state"]["@type"] == "raw.accountState"
    assert caller.v2("getWalletInformation", address=probe.address.raw())["wallet"] is False


def test_addresses_are_converted(caller: Caller) -> None:
    friendly = NOBODY.friendly(testnet=True)
    assert caller.v2("unpackAddress", address=friendly) == NOBODY.raw()
    packed = caller.v2("packAddress", address=NOBODY.raw())
    assert packed == NOBODY.friendly(testnet=False, bounceable=True)
    found = caller.v2("detectAddress", address=friendly)
    assert (found["given_type"], found["test_only"]) == ("friendly_non_bounceable", True)
    assert found["non_bounceable"]["b64url"] == friendly


# Blocks


def test_blocks_are_linked(caller: Caller, chain: EmbeddedChain, probe: Probe) -> None:
    last = caller.v2("getMasterchainInfo")["last"]
    assert last["seqno"] == chain.head().seqno == 2
    assert caller.v2("getConsensusBlock")["consensus_block"] == 2
    (shard,) = caller.v2("shards", seqno=2)["shards"]
    where = {name: shard[name] for name in ("workchain", "shard", "seqno")}
    header = caller.v2("getBlockHeader", **where)
    assert header["gen_utime"] == GENESIS
    assert header["prev_blocks"][0]["seqno"] == 1
    (item,) = caller.v2("getBlockTransactions", **where)["transactions"]
    assert item["account"] == probe.address.raw()
    whole = caller.v2("getBlockTransactionsExt", **where)["transactions"]
    assert whole == caller.v2("getTransactions", address=probe.address.raw())
    assert caller.v2("getBlockTransactions", **where | {"workchain": -1})["transactions"] == []
    assert caller.v2("lookupBlock", workchain=0, lt=item["lt"]) == shard
    assert caller.v2("lookupBlock", workchain=0, seqno=2) == shard
    assert caller.v2("lookupBlock", workchain=0, unixtime=GENESIS)["seqno"] == 1
    assert caller.get("/api/v2/lookupBlock", workchain=0, lt=1 << 60)[0] == 404
    assert caller.get("/api/v2/shards", seqno=9)[0] == 404


def test_chains_differ_from_the_beginning(caller: Caller) -> None:
    with memory_chain(now=GENESIS + 1) as other:
        theirs = Caller(create_app(other)).v2("getMasterchainInfo")["init"]
    assert caller.v2("getMasterchainInfo")["init"]["root_hash"] != theirs["root_hash"]


# Transactions


def test_history_is_read_in_pages(caller: Caller, chain: EmbeddedChain, probe: Probe) -> None:
    for number in range(4):
        chain.faucet(probe.address, TON, body=add(number))
    address = probe.address.raw()
    whole = caller.v2("getTransactions", address=address)
    assert len(whole) == 5
    for item in whole:
        parsed = parse_transaction(cell_of(item["data"]))
        assert base64.b64decode(item["transaction_id"]["hash"]) == parsed.hash
        assert int(item["fee"]) == parsed.total_fees
        assert item["in_msg"]["value"] == str(parsed.in_message and parsed.in_message.value)
        assert len(item["out_msgs"]) == len(parsed.out_messages)
    third = whole[2]["transaction_id"]
    assert caller.v2("getTransactions", address=address, limit=2) == whole[:2]
    page = caller.v2("getTransactions", address=address, lt=third["lt"], hash=third["hash"])
    assert page == whole[2:]
    hexadecimal = base64.b64decode(third["hash"]).hex()
    assert page == caller.v2("getTransactions", address=address, lt=third["lt"], hash=hexadecimal)
    newer = caller.v2("getTransactions", address=address, to_lt=third["lt"], archival="true")
    assert newer == whole[:2]
    wrong = {"lt": third["lt"], "hash": "00" * 32}
    assert caller.get("/api/v2/getTransactions", address=address, **wrong)[0] == 404
    std = caller.v2("getTransactionsStd", address=address, limit=2)
    assert std["previous_transaction_id"] == third
    source = std["transactions"][0]["in_msg"]["source"]["account_address"]
    assert Address.parse(source) == FAUCET


def test_messages_are_located(caller: Caller, chain: EmbeddedChain, probe: Probe) -> None:
    other = Probe(2).deploy(chain)
    sent = chain.faucet(probe.address, TON, body=burst(2, other.address))
    message = sent[0].parsed.out_messages[1]
    where = {
        "source": probe.address.raw(),
        "destination": other.address.raw(),
        "created_lt": message.created_lt,
    }
    found = caller.v2("tryLocateResultTx", **where)
    assert base64.b64decode(found["in_msg"]["hash"]) == message.hash
    assert caller.v2("tryLocateTx", **where) == found
    source = caller.v2("tryLocateSourceTx", **where)
    assert base64.b64decode(source["transaction_id"]["hash"]) == sent[0].hash
    assert caller.get("/api/v2/tryLocateTx", **where | {"created_lt": 5})[0] == 404


def test_a_comment_is_text(caller: Caller, chain: EmbeddedChain) -> None:
    text = "hello <b>"
    body = Builder().uint(0, 32).raw(text.encode()).cell()
    chain.faucet(NOBODY, TON, body=body)
    (item,) = caller.v2("getTransactions", address=NOBODY.raw())
    assert item["in_msg"]["message"] == text
    assert item["in_msg"]["msg_data"]["@type"] == "msg.dataText"


def test_a_state_that_deploys_is_shown(caller: Caller, probe: Probe) -> None:
    (item,) = caller.v2("getTransactions", address=probe.address.raw())
    assert cell_of(item["in_msg"]["msg_data"]["init_state"]) == probe.init
    (same,) = caller.v3("transactions", account=probe.address.raw())["transactions"]
    assert base64.b64decode(same["in_msg"]["init_state"]["hash"]) == probe.init.hash


# Sending


def test_message_is_sent(caller: Caller, chain: EmbeddedChain, probe: Probe) -> None:
    message = probe.order(0, OutMessage(NOBODY, TON, bounce=False, mode=1))
    status, answer = caller.post("/api/v2/sendBocReturnHash", boc=b64(message))
    assert status == 200
    assert base64.b64decode(answer["result"]["hash"]) == message.hash
    assert chain.account(NOBODY).balance == TON
    status, answer = caller.post("/api/v2/sendBoc", boc=b64(message))
    assert (status, answer["ok"], answer["code"]) == (500, False, 500)
    assert "cannot apply external message to current state" in answer["error"]
    assert "exitcode=" in answer["error"]
    status, answer = caller.post("/api/v3/message", boc=b64(message))
    assert status == 500
    assert "cannot apply external message" in answer["error"]


def test_query_and_estimate(caller: Caller, chain: EmbeddedChain, probe: Probe) -> None:
    body = Builder().uint(0, 32).ref(OutMessage(NOBODY, TON, bounce=False, mode=1).cell()).cell()
    query = {"address": probe.address.raw(), "body": b64(body), "init_code": "", "init_data": ""}
    before = chain.head()
    status, answer = caller.post("/api/v2/estimateFee", **query)
    fees = answer["result"]["source_fees"]
    assert status == 200
    assert chain.head() == before
    assert caller.post("/api/v2/sendQuery", **query)[0] == 200
    (done,) = chain.transactions(probe.address, limit=1)
    kept = fees["in_fwd_fee"] + fees["storage_fee"] + fees["gas_fee"]
    assert 0 < kept <= done.parsed.total_fees < kept + fees["fwd_fee"]
    assert fees["in_fwd_fee"] > 0


def test_nothing_is_sent_by_a_link(caller: Caller, probe: Probe) -> None:
    """A page of any site can make a browser fetch an address."""
    boc = b64(probe.order(0, OutMessage(NOBODY, TON, bounce=False, mode=1)))
    for path in ("/api/v2/sendBoc", "/api/v2/sendBocReturnHash", "/api/v3/message"):
        assert caller.get(path, boc=boc)[0] == 405
    assert caller.get("/devnet/faucet", address=NOBODY.raw(), amount=1)[0] == 404


# Get-methods, configuration, libraries


def test_get_method(caller: Caller, probe: Probe) -> None:
    address = probe.address.raw()
    status, answer = caller.post("/api/v2/runGetMethod", address=address, method="total", stack=[])
    assert status == 200
    result = answer["result"]
    assert (result["exit_code"], result["stack"]) == (0, [["num", "0x1"]])
    assert result["gas_used"] > 0
    assert caller.v2("runGetMethod", address=address, method="nothing")["exit_code"] == 11
    assert caller.v2("runGetMethod", address=NOBODY.raw(), method="total")["exit_code"] == -13
    std = caller.v2("runGetMethodStd", address=address, method="total")["stack"]
    assert std[0]["number"]["number"] == "1"
    for arguments in (
        [["num", "0x2"], ["num", -5]],
        [{"type": "num", "value": "2"}, ["int", "-5"]],
    ):
        status, answer = caller.post(
            "/api/v2/runGetMethod", address=address, method="sum", stack=arguments
        )
        assert answer["result"]["stack"] == [["num", "-0x3"]]
    cell = b64(Builder().uint(5, 8).ref(Cell(1, 1)).cell())
    echo = {"address": address, "method": "echo"}
    for item in (["cell", cell], ["tvm.Cell", cell], ["cell", {"bytes": cell}]):
        answer = caller.post("/api/v2/runGetMethod", **echo, stack=[item])[1]
        depth, same, inside, own = answer["result"]["stack"]
        assert depth == ["num", "0x1"]
        assert same == ["cell", inside[1]]
        assert same[1]["bytes"] == cell
        assert own[0] == "slice"
    failing = {"address": address, "method": "fails", "stack": [["num", 777]]}
    assert caller.post("/api/v2/runGetMethod", **failing)[1]["result"]["exit_code"] == 777
    status, answer = caller.post("/api/v3/runGetMethod", address=address, method="total", stack=[])
    assert answer["stack"] == [{"type": "num", "value": "0x1"}]


def test_configuration_and_libraries(caller: Caller, chain: EmbeddedChain) -> None:
    assert cell_of(caller.v2("getConfigAll")["config"]["bytes"]) == chain.config()
    assert cell_of(caller.v2("getConfigParam", config_id=20)["config"]["bytes"]).bits > 0
    assert caller.get("/api/v2/getConfigParam", config_id=-999)[0] == 404
    cell = Builder().uint(7, 8).cell()
    status, answer = caller.post("/devnet/library", boc=b64(cell))
    assert (status, answer["hash"]) == (200, cell.hash.hex())
    wanted = f"{cell.hash.hex()},{'00' * 32}"
    (entry,) = caller.v2("getLibraries", libraries=wanted)["result"]
    assert cell_of(entry["data"]) == cell


# JSON-RPC and v3


def test_json_rpc(caller: Caller) -> None:
    status, answer = caller.post(
        "/api/v2/jsonRPC", method="getAddressBalance", params={"address": NOBODY.raw()}, id="x"
    )
    assert status == 200
    assert (answer["ok"], answer["result"], answer["id"], answer["jsonrpc"]) == (
        True,
        "0",
        "x",
        "2.0",
    )
    status, answer = caller.post("/api/v2/jsonRPC", method="getAddressBalance", params={}, id=1)
    assert (status, answer["ok"], answer["code"], answer["id"]) == (422, False, 422, 1)
    assert caller.post("/api/v2/jsonRPC", method="nope", id=[1])[0] == 404


def test_v3_tells_the_same(caller: Caller, chain: EmbeddedChain, probe: Probe) -> None:
    chain.faucet(probe.address, TON, body=add(ADD_FAILS), bounce=True)
    (account,) = caller.v3("accountStates", address=probe.address.raw())["accounts"]
    assert cell_of(account["data_boc"]).hash == base64.b64decode(account["data_hash"])
    information = caller.v3("addressInformation", address=probe.address.raw())
    assert (information["status"], information["balance"]) == ("active", account["balance"])
    found = caller.v3("transactions", account=probe.address.raw())["transactions"]
    failed = found[0]
    assert failed["description"]["compute_ph"]["exit_code"] == 100 + ADD_FAILS
    assert failed["description"]["bounce"]["type"] == "ok"
    assert failed["out_msgs"][0]["bounced"] is True
    digest = base64.b64decode(failed["hash"]).hex()
    assert caller.v3("transactions", hash=digest)["transactions"] == [failed]
    everything = caller.v3("transactions", sort="asc", limit=100)["transactions"]
    assert everything[-1]["account"] == FAUCET.raw()  # what bounced arrived there
    assert [item["lt"] for item in everything] == sorted(
        (item["lt"] for item in everything), key=int
    )
    assert caller.v3("transactions", offset=1, limit=1, account=probe.address.raw())[
        "transactions"
    ] == [found[1]]
    block = caller.v3("transactions", mc_seqno=failed["mc_block_seqno"])["transactions"]
    assert failed in block
    caused = caller.v3("transactionsByMessage", msg_hash=failed["in_msg"]["hash"])
    assert caused["transactions"] == [failed]
    info = caller.v3("masterchainInfo")
    assert (info["first"]["seqno"], info["last"]["seqno"]) == (1, chain.head().seqno)


# Control


def test_faucet_clock_and_snapshots(caller: Caller, chain: EmbeddedChain) -> None:
    assert caller.post("/devnet/snapshots/save", name="start")[1] == {"snapshots": ["start"]}
    status, answer = caller.post("/devnet/faucet", address=NOBODY.raw(), amount=str(5 * TON))
    assert (status, answer["transactions"][0]["outcome"]) == (200, "received")
    assert chain.account(NOBODY).balance == 5 * TON
    assert caller.post("/devnet/time", advance=3600)[1]["now"] == GENESIS + 3600
    assert caller.post("/devnet/time", unfreeze=True)[1]["frozen"] is False
    assert caller.post("/devnet/time", freeze=True)[1]["frozen"] is True
    later = chain.now + 1000
    assert caller.post("/devnet/time", at=later)[1]["now"] == later
    assert caller.post("/devnet/time", at=later - 1)[0] == 409
    assert caller.post("/devnet/time", advance=1, at=later)[0] == 422
    assert caller.post("/devnet/time")[0] == 422
    seqno = chain.head().seqno
    assert caller.post("/devnet/block")[1]["head"]["seqno"] in (seqno, seqno + 1)
    assert caller.post("/devnet/snapshots/restore", name="start")[1]["head"]["seqno"] == 1
    assert chain.account(NOBODY).balance == 0
    assert caller.get("/devnet/snapshots")[1] == {"snapshots": ["start"]}
    assert caller.post("/devnet/snapshots/restore", name="other")[0] == 404
    assert caller.post("/devnet/snapshots/save", name="../up")[0] == 422


def test_faucet_deploys_and_plays_a_sender(caller: Caller, chain: EmbeddedChain) -> None:
    probe = Probe(3)
    status, _ = caller.post(
        "/devnet/faucet",
        address=probe.address.raw(),
        amount=TON,
        init=b64(probe.init),
        body=b64(add(4)),
        source=NOBODY.raw(),
    )
    assert status == 200
    assert chain.run(probe.address, "total").stack == (7,)
    incoming = chain.transactions(probe.address)[-1].parsed.in_message
    assert incoming is not None
    assert incoming.source == NOBODY


def test_control_can_be_kept_from_callers(chain: EmbeddedChain) -> None:
    caller = Caller(create_app(chain, control=False))
    for path in ("faucet", "time", "library", "block", "snapshots/save", "snapshots/restore"):
        assert caller.post(f"/devnet/{path}", address=NOBODY.raw(), amount=1)[0] == 403
    assert caller.get("/devnet/time")[0] == 200
    assert chain.head().seqno == 1


# Listing


def test_listing_for_explorers(caller: Caller, chain: EmbeddedChain, probe: Probe) -> None:
    chain.faucet(probe.address, TON, body=add(5))
    page = caller.get("/devnet/transactions", limit=2)[1]
    assert [item["block"] for item in page["transactions"]] == [3, 3]
    assert page["transactions"][1]["operation"] == "0x7e8764ef"
    rest = caller.get("/devnet/transactions", before=page["next"])[1]
    assert [item["block"] for item in rest["transactions"]] == [2]
    assert rest["next"] is None
    mine = caller.get("/devnet/transactions", account=probe.address.raw())[1]["transactions"]
    assert {item["account"] for item in mine} == {probe.address.raw()}
    one = caller.get(f"/devnet/transaction/{mine[0]['hash']}")[1]
    assert one["phases"]["compute_ph"]["exit_code"] == 0
    assert one["in_message"]["source"] == FAUCET.raw()
    assert one["out_messages"][0]["transaction"] == page["transactions"][0]["hash"]
    same = caller.get(f"/devnet/transaction/{one['in_message']['hash']}")[1]
    assert same == one
    account = caller.get(f"/devnet/account/{probe.address.friendly(testnet=True)}")[1]
    assert account["balance"] == chain.account(probe.address).balance
    assert account["transactions"] == mine
    accounts = caller.get("/devnet/accounts")[1]["accounts"]
    assert accounts[1]["address"] == probe.address.raw()
    blocks = caller.get("/devnet/blocks", limit=1)[1]
    assert (blocks["blocks"][0]["seqno"], blocks["next"]) == (3, 3)
    block = caller.get("/devnet/block/3")[1]
    assert block["list"] == page["transactions"][::-1]
    assert caller.get("/devnet/block/99")[0] == 404
    assert caller.get("/devnet/status")[1]["head"]["seqno"] == 3
    assert caller.get("/health") == (200, {"status": "ok", "seqno": 3})


# Refusals


@pytest.mark.parametrize(
    ("path", "query", "status", "reason"),
    [
        ("/api/v2/getAddressInformation", {}, 422, "'address' is required"),
        ("/api/v2/getAddressInformation", {"address": "x" * 300}, 422, "longer than"),
        ("/api/v2/getAddressBalance", {"address": f"-1:{'5' * 64}"}, 422, "workchain"),
        ("/api/v2/getAddressBalance", {"address": "nonsense"}, 422, "neither raw"),
        ("/api/v2/getTransactions", {"address": NOBODY.raw(), "limit": 101}, 422, "from 1 to"),
        ("/api/v2/getTransactions", {"address": NOBODY.raw(), "limit": "many"}, 422, "a number"),
        ("/api/v2/getTransactions", {"address": NOBODY.raw(), "lt": "9" * 99}, 422, "a number"),
        ("/api/v2/getTransactions", {"address": NOBODY.raw(), "lt": 5}, 404, "cannot locate"),
        ("/api/v2/getBlockHeader", {"workchain": 5, "seqno": 1}, 422, "from -1 to 0"),
        ("/api/v2/getBlockHeader", {"workchain": 0, "shard": 7, "seqno": 1}, 404, "one shard"),
        ("/api/v2/getLibraries", {"libraries": "xyz"}, 422, "32 bytes"),
        ("/api/v2/getLibraries", {"libraries": ",".join(["00" * 32] * 33)}, 422, "more than"),
        ("/api/v2/nonsense", {}, 404, "no such method"),
        ("/api/v2/", {}, 404, "no such method"),
        ("/api/v3/transactions", {"sort": "up"}, 422, "asc or desc"),
        ("/api/v3/accountStates", {"address": [NOBODY.raw()] * 63}, 200, ""),
        ("/api/v3/nonsense", {}, 404, "no such method"),
        ("/devnet/transaction/xyz", {}, 422, "32 bytes"),
        (f"/devnet/transaction/{'00' * 32}", {}, 404, "no such transaction"),
        ("/devnet/account/xyz", {}, 422, "neither raw"),
        ("/devnet/nonsense", {}, 404, "nothing at this path"),
        ("/nonsense", {}, 404, "nothing at this path"),
    ],
)
def test_what_is_wrong_is_said(
    caller: Caller, path: str, query: dict[str, Any], status: int, reason: str
) -> None:
    found, answer = caller.get(path, **query)
    assert found == status
    if reason:
        assert reason in answer["error"]
        assert answer["code"] == status
        assert answer.get("ok", False) is False


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"{", 422, "not valid JSON"),
        (b"\xff", 422, "not valid JSON"),
        (b"[]", 422, "must be a JSON object"),
        (b"[" * 100_000, 422, "nested too deeply"),
        (b'{"boc": 5}', 422, "bag of cells"),
        (b'{"boc": "?"}', 422, "neither Base64 nor hex"),
        (b'{"boc": "' + b"A" * 600_000 + b'"}', 413, "more than"),
        (json.dumps({str(i): 0 for i in range(65)}).encode(), 422, "more than 64"),
        (json.dumps({"boc": b64(Cell(0, 0))}).encode(), 422, "not an external message"),
    ],
)
def test_a_malformed_body_is_refused(caller: Caller, body: bytes, status: int, reason: str) -> None:
    answer = caller.app.answer(Call("POST", "/api/v2/sendBoc", b"", body))
    assert answer.status == status
    assert reason in json.loads(answer.body)["error"]


def test_other_methods_are_refused(caller: Caller) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "CONNECT"):
        assert caller.app.answer(Call(method, "/api/v2/getMasterchainInfo")).status == 405


async def _ask(app: ChainApi, method: str, query: bytes, parts: list[bytes]) -> list[Any]:
    sent: list[Any] = []
    queue = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]

    async def receive() -> Any:
        return queue.pop(0) if queue else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/api/v2/sendBoc", "query_string": query}
    await app(scope, receive, send)
    return sent


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("query", "parts", "status"),
    [
        (b"a" * (MAX_QUERY_BYTES + 1), [b""], 414),
        (b"", [b"x" * MAX_BODY_BYTES, b"x"], 413),
        (b"&".join(b"a=1" for _ in range(65)), [b""], 422),
        (b"", [], 499),
    ],
)
async def test_sizes_are_limited(
    caller: Caller, query: bytes, parts: list[bytes], status: int
) -> None:
    sent = await _ask(caller.app, "POST", query, parts)
    assert sent[0]["status"] == status


@pytest.mark.anyio
async def test_head_has_no_body(caller: Caller) -> None:
    start, body = await _ask(caller.app, "HEAD", b"", [b""])
    assert start["status"] == 405
    assert body["body"] == b""


@pytest.mark.anyio
async def test_too_many_calls_are_sent_away(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocoon.chain.embedded.http.app.MAX_WAITING", 1)
    both = [_ask(caller.app, "POST", b"", [b""]) for _ in range(2)]
    assert sorted(sent[0]["status"] for sent in await asyncio.gather(*both)) == [422, 429]


def test_bug_is_answered_without_its_text(
    caller: Caller, chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(chain, "head", broken)
    status, answer = caller.get("/api/v2/getMasterchainInfo")
    assert (status, answer["error"]) == (500, "internal error")


def test_wallets_are_known_by_their_code() -> None:
    from ton_core import CONTRACT_CODES

    from cocoon.chain.embedded.http.v2_accounts import WALLETS

    codes = {
        hashlib.sha256(bytes.fromhex(text)).hexdigest(): from_boc(bytes.fromhex(text)).hash.hex()
        for text in CONTRACT_CODES.values()
    }
    assert set(WALLETS) <= set(codes.values())
