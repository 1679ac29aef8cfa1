import base64
import hashlib
import json
from typing import Any

import pytest

from cocoon.accounting import PriceList
from cocoon.chain import Address, Builder, Endpoint, RootConfig, load_pseudo_config, to_boc
from cocoon.chain.cells import EMPTY_CELL
from cocoon.chain.net_address import parse_registered_proxy
from cocoon.errors import ConfigError, DecodeError

IMAGE = bytes([5]) * 32
CODE = Builder().uint(0xAAAA, 16).cell()
OWNER = Address(bytes([1]) * 32)
KEY = bytes([2]) * 32


def sample(**changes: Any) -> dict[str, Any]:
    """Shaped like the official sample: unknown fields are in it, most fields are not."""
    return {
        "@type": "rootConfig.pseudo",
        "proxy_hashes": [base64.b64encode(IMAGE).decode()],
        "registered_proxies": [
            {"seqno": 1, "address": "127.0.0.1:11001 127.0.0.1:11002", "proxy_hash": "unread"}
        ],
        "model_names": ["unread"],
        "model_types": ["Some/Model@commit:hash"],
        "price_per_token": 2,
        "worker_fee_per_token": "1",
        "last_proxy_seqno": 1,
        "version": 3,
        "params_version": 1,
        "proxy_sc_code": to_boc(CODE).hex(),
        "worker_sc_code": "",
        "root_owner_address": OWNER.friendly(testnet=True),
    } | changes


def load(**changes: Any) -> RootConfig:
    return load_pseudo_config(json.dumps(sample(**changes)))


def test_fields_of_the_file() -> None:
    root = load()
    assert (root.version, root.last_proxy_seqno, root.owner) == (3, 1, OWNER)
    assert root.params.params_version == 1
    assert root.params.proxy_code == CODE
    assert root.params.worker_code == root.params.client_code == EMPTY_CELL
    (proxy,) = root.proxies
    assert (proxy.for_workers, proxy.for_clients) == (
        Endpoint("127.0.0.1", 11001),
        Endpoint("127.0.0.1", 11002),
    )


def test_values_fixed_in_simulated_mode() -> None:
    params = load().params
    assert (params.struct_version, params.unique_id, params.is_test) == (1, 13, True)
    assert (params.proxy_delay_before_close, params.client_delay_before_close) == (600, 300)
    assert params.min_proxy_stake == params.min_client_stake == 10**9


def test_prices_go_into_a_price_list() -> None:
    prices = PriceList.from_fields(load().params)
    assert (prices.price_per_token, prices.worker_fee_per_token) == (2, 1)
    assert prices.multipliers == (10_000,) * 4


def test_an_empty_object_is_a_configuration_that_allows_nothing() -> None:
    root = load_pseudo_config("{}")
    assert not root.allows_proxy(IMAGE)
    assert not root.allows_worker(IMAGE)
    assert not root.allows_model("")
    assert root.proxies == ()
    assert root.owner is None


def test_allow_lists() -> None:
    root = load(model_hashes=[base64.b64encode(hashlib.sha256(b"m@c:h").digest()).decode()])
    assert root.allows_proxy(IMAGE)
    assert not root.allows_worker(IMAGE)
    assert root.allows_model("m@c:h")
    assert not root.allows_model("m@c:other")
    assert root.allows_model("Some/Model"), "model types are hashed without their version"


def test_is_test_must_agree() -> None:
    load().check_is_test(True)
    with pytest.raises(ConfigError, match="is_test"):
        load().check_is_test(False)


def test_addresses_are_derived_once_and_depend_on_everything() -> None:
    root = load()
    proxy = root.proxy_address(OWNER, KEY)
    client = root.client_address(OWNER, proxy, KEY)
    worker = root.worker_address(OWNER, proxy, KEY)
    assert len({proxy, client, worker}) == 3
    assert root.client_address(OWNER, proxy, KEY) is client
    assert load(params_version=2).proxy_address(OWNER, KEY) != proxy
    elsewhere = load_pseudo_config(json.dumps(sample()), root=Address(bytes([9]) * 32))
    assert elsewhere.proxy_address(OWNER, KEY) != proxy


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"proxy_hashes": ["AAAA"]}, r"proxy_hashes\[0\]: must be base64 of 32 bytes"),
        ({"worker_hashes": [7]}, r"worker_hashes\[0\]"),
        ({"model_hashes": {}}, "model_hashes must be a list"),
        ({"model_types": [None]}, r"model_types\[0\]: must be a text"),
        ({"version": -1}, "version: must be a whole number"),
        ({"version": 1.5}, "version"),
        ({"version": True}, "version"),
        ({"version": 2**32}, "version"),
        ({"price_per_token": "x"}, "price_per_token"),
        ({"price_per_token": "9" * 5000}, "price_per_token"),
        ({"proxy_sc_code": "zz"}, "proxy_sc_code: must be a bag of cells in hex"),
        ({"client_sc_code": "00"}, "client_sc_code: bag of cells is truncated"),
        ({"root_owner_address": "nowhere"}, "root_owner_address"),
        ({"registered_proxies": ["127.0.0.1:1"]}, r"registered_proxies\[0\]: must be an object"),
        ({"registered_proxies": [{"seqno": 1}]}, "host:port"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(**changes)


@pytest.mark.parametrize("text", ["", "[]", "{", "nul", b"\xff", "[" * 100_000])
def test_not_a_configuration_at_all(text: str | bytes) -> None:
    with pytest.raises(ConfigError):
        load_pseudo_config(text)


@pytest.mark.parametrize(
    ("text", "workers", "clients"),
    [
        ("10.0.0.1:5", "10.0.0.1:5", "10.0.0.1:5"),
        ("10.0.0.1:5 10.0.0.2:6", "10.0.0.1:5", "10.0.0.2:6"),
        ("[::1]:5", "[::1]:5", "[::1]:5"),
        ("[proxy.example]:65535", "proxy.example:65535", "proxy.example:65535"),
    ],
)
def test_registered_addresses(text: str, workers: str, clients: str) -> None:
    proxy = parse_registered_proxy(1, text)
    assert (str(proxy.for_workers), str(proxy.for_clients)) == (workers, clients)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "a", "a:", ":1", "a:0", "a:65536", "a:1 ", "a:1  b:2", "a:1 b:2 c:3"),
        *("::1:5", "a:1\n", "a:٣", "a" * 300 + ":1", "[a:1", "user@a:1"),
    ],
)
def test_malformed_registered_addresses(text: str) -> None:
    with pytest.raises(DecodeError):
        parse_registered_proxy(1, text)
