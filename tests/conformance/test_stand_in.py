"""The stand-in itself: against the reference's own vectors, and that it is independent of us."""

import ast
import asyncio
import hashlib
import re
from pathlib import Path

import pytest
from conformance_net import (
    FAKE_TDX_IMAGE,
    HOST,
    MODEL,
    chat,
    json_engine,
    official_root,
    open_net,
    sse_engine,
)
from official import attested, certs, chain, tl, tls
from official.attested import PeerInfo
from official.chain import Root, Signer
from official.tl import Obj, ParseError
from official.worker import Counter
from pytoniq_core import begin_cell

FOLDER = Path(__file__).parent / "official"
KEY = bytes(range(32))


def test_it_imports_nothing_of_ours() -> None:
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", [])]
            module = getattr(node, "module", None) or ""
            for name in (module, *names):
                assert name.partition(".")[0] != "cocoon", path


# --- vectors of wire-protocol.md §14 and onchain.md §19 ---


def params(kind: str, **fields: object) -> Obj:
    owner = "UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m"
    return Obj(kind, flags=3, owner=owner, min_proto=1, max_proto=2, **fields)


REQUEST = tl.http_request(b"{}")
VECTORS = {
    "client.connectToProxy": (
        Obj(
            "client.connectToProxy",
            params=params("client.params", is_test=False),
            min_config_version=7,
        ),
        "f4a05fff0300000030555141757a313548315a48725a5f70735672417261374865616c4d495665467130776775"
        "716c6d466e6f316633422d6d000000379779bc010000000200000007000000",
    ),
    "worker.connectToProxy": (
        Obj(
            "worker.connectToProxy",
            params=params(
                "worker.params",
                model=MODEL,
                coefficient=1000,
                is_test=True,
                proxy_cnt=1,
                max_active_requests=60,
            ),
        ),
        "5d4c48cc0300000030555141757a313548315a48725a5f70735672417261374865616c4d495665467130776775"
        "716c6d466e6f316633422d6d0000000f5177656e2f5177656e332d302e3642e8030000b5757299010000003c00"
        "00000100000002000000",
    ),
    "client.runQueryEx": (
        Obj(
            "client.runQueryEx",
            model="m",
            query=REQUEST,
            max_coefficient=4000,
            max_tokens=1000,
            timeout=114.0,
            request_id=KEY,
            min_config_version=7,
            flags=1,
            debug=False,
        ),
        "4bb74cf5016d00004ce52d494704504f5354000000142f76312f636861742f636f6d706c6574696f6e73000000"
        "08485454502f312e31000000010000000e436f6e74656e742d4c656e6774680001320000027b7d00000000a00f"
        "0000e80300000000000000805c40000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"
        "1f0700000001000000379779bc",
    ),
    "proxy.queryAnswerPartEx": (
        Obj(
            "proxy.queryAnswerPartEx",
            request_id=KEY,
            answer=b"hi",
            flags=1,
            final=Obj(
                "proxy.queryFinalInfo",
                flags=2,
                used=tl.tokens(1, 2, 3, 4),
                worker_start=1.5,
                worker_end=2.5,
            ),
        ),
        "0fb5856d000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f026869000100000002"
        "00000001000000000000000200000000000000030000000000000004000000000000000a000000000000000000"
        "00000000f83f0000000000000440",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_messages(name: str) -> None:
    obj, expected = VECTORS[name]
    assert obj.boxed().hex() == expected
    assert tl.decode(obj.boxed()).boxed() == obj.boxed()


def test_trailing_bytes_and_bad_flags_are_refused() -> None:
    obj, _ = VECTORS["client.connectToProxy"]
    with pytest.raises(ParseError):
        tl.decode(obj.boxed() + bytes(4))
    with pytest.raises(ParseError):
        tl.decode(obj.boxed()[:-1])
    broken = bytearray(obj.boxed())
    broken[7] = 0x80
    with pytest.raises(ParseError):
        tl.decode(bytes(broken))


def test_record_and_image_hashes() -> None:
    where = ("10.0.0.1", 5000), (HOST, 11101)
    assert PeerInfo(KEY, None, *where).frame().hex() == (
        "780000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000020000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00"
        "00000831302e302e302e3100000088130000093132372e302e302e3100005d2b0000"
    )
    fake = PeerInfo(KEY, attested.fake_tdx(KEY), *where)
    body = fake.frame()[4:]
    assert hashlib.sha256(body).hexdigest() == (
        "d7f3f6f68a9ada743b3f983e3fb4e646d80100726b9f02645365d1c08387ca74"
    )
    assert attested.parse(body) == fake
    assert FAKE_TDX_IMAGE.hex().startswith("5c55c8f4db4010ba")
    registers = (b"\x12", b"\x34", b"\xaa", b"\xbb", b"a", b"b", b"c", b"d")
    tdx = b"".join(byte * 48 for byte in registers) + bytes(64)
    assert PeerInfo(KEY, tdx).image_hash.hex() == (
        "36caf4e8958afa865b8ccc68f1c6f40bc7bddb11150bf437f6fed58b1ca26000"
    )


def test_proof_of_work() -> None:
    salt = bytes(range(16))
    assert tls.pow_solve(salt, 8) == 480
    assert tls.pow_solve(salt, 16) == 84956
    assert tls.pow_ok(salt, 303607, 20)
    assert not tls.pow_ok(salt, 303608, 20)


def test_wallet_address() -> None:
    signer = Signer(bytes([7]) * 32)
    assert chain.wallet(b"\x11" * 32, signer.public_key).hex() == (
        "eb8b668995f7effec5bd82a84fedeb77485fa731fff9558e616916093aea5e54"
    )


REFERENCE_PARAMS = {
    0: ("48d18a05192c8886", "a7684072efc24c1c", "5f27c9ae1351fb28"),
    1: ("f94b8535b164191a", "094001574f52dc74", "40d95dbb6e173c6b"),
    2: ("fb7784540dca577d", "b91ac4d7cc6e0579", "a8a3e8552865c946"),
    3: ("7a1d19a709d19062", "56ead11f16e4381f", "0aa1b1690eeb36ca"),
}
"""Hashes of params cells, masks 7, 6 and 0, by struct version (onchain.md §19)."""


def reference_root(struct_version: int) -> Root:
    codes = {
        f"{name}_sc_code": begin_cell().store_uint(code, 16).end_cell().to_boc().hex()
        for name, code in (("proxy", 0xAAAA), ("worker", 0xBBBB), ("client", 0xCCCC))
    }
    document = {"params_version": 5, "price_per_token": 20, "worker_fee_per_token": 14, **codes}
    stakes = (chain.TON, 15 * chain.TON)
    fixed = chain.Fixed(
        struct_version, 17, False, (10_000, 1_000, 80_000, 80_000), (86_400, 43_200), stakes
    )
    return Root(b"\x22" * 32, document, fixed)


def test_contract_addresses() -> None:
    for version, hashes in REFERENCE_PARAMS.items():
        root = reference_root(version)
        assert tuple(root.params(mask).hash.hex()[:16] for mask in (7, 6, 0)) == hashes
    root, key = reference_root(3), Signer(bytes([7]) * 32).public_key
    proxy = root.proxy(b"\x11" * 32, key)
    client = root.client(b"\x33" * 32, proxy, key)
    worker = root.worker(b"\x44" * 32, proxy, key)
    assert proxy.hex().startswith("08c2f9ce278dc9fa0fd2fe9e538937969e4129a376e8cdfe")
    assert client.hex().startswith("9f9375ec237081e808d3c519d4221699c3cd39104a7037aa")
    assert worker.hex().startswith("7e98882164f96f9a1c0d12079c9dd692d269166b57959864")


def test_certificate_form() -> None:
    """Version left out, extensions there, in the official order."""
    from cryptography import x509

    made = certs.generate(attested=True)
    assert b"\xa0\x03\x02\x01\x02" not in made.certificate[:16]
    parsed = x509.load_der_x509_certificate(made.certificate)
    assert [extension.oid.dotted_string for extension in parsed.extensions] == [
        "1.3.6.1.4.1.12345.1",
        "1.3.6.1.4.1.12345.2",
        "2.5.29.19",
        "2.5.29.15",
        "2.5.29.37",
        "2.5.29.14",
        "2.5.29.17",
    ]
    assert parsed.subject.rfc4514_string() == (
        "CN=localhost,OU=Security,O=TDLib Development,ST=DUBAI,C=AE"
    )
    made.key.public_key().verify(parsed.signature, parsed.tbs_certificate_bytes)


def test_counting() -> None:
    """JSON values are cut off and counted; server-sent events are held and count nothing."""
    counter = Counter()
    assert counter.feed(b'{"b":1,"a":2} {"usage":') == b'{"a":2,"b":1}\n'
    assert counter.feed(b'{"prompt_tokens":5,"completion_tokens":2}}').endswith(b"}}\n")
    assert counter.adjusted(2000) == tl.tokens(10, 0, 4, 0)
    events = Counter()
    for piece in sse_engine(Obj("http.header")).body:
        assert events.feed(piece) == b""
    assert events.adjusted(1000) == tl.tokens()


# --- the stand-ins among themselves: the documented defects are there ---


@pytest.mark.anyio
async def test_official_network(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        back = await net.reverse(proxy.worker_port)
        front = await net.reverse(proxy.client_port, "any")
        await net.official_worker(back.port, engine=json_engine)
        client = await net.official_client(front.port)
        answer = client.send(tl.http_request(chat()), model=MODEL)
        await asyncio.wait_for(answer.ended.wait(), 10)
        assert b'"hi"' in answer.body
        await asyncio.wait_for(answer.paid.wait(), 10)
        assert client.known == {"chain": 0, "db": 0, "max": 10}


@pytest.mark.anyio
async def test_official_client_waits_for_ever_on_a_proxy_error(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        front = await net.reverse(proxy.client_port, "any")
        client = await net.official_client(front.port)
        answer = client.send(tl.http_request(chat()), model="unknown")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answer.ended.wait(), 0.3)
        assert client.ignored == ["client.queryAnswerError"]


def test_table_has_no_duplicates() -> None:
    assert official_root().version == 3
    assert len(tl.SCHEMA) == len(tl.NAMES) == len(re.findall(r"^[0-9a-f]{8} ", tl.TABLE, re.M))
