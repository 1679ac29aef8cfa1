"""The JSON form of runner configurations (wire-protocol.md §9)."""

import base64

import pytest

from cocoon.errors import ConfigError
from cocoon.tl import types as t
from cocoon.tl.json_form import from_json

KEY = bytes(range(32))


def test_an_empty_object_is_all_zero():
    config = from_json(t.WorkerRunnerConfig, {})
    assert config == t.WorkerRunnerConfig(
        False, False, 0, "", 0, "", "", 0, "", bytes(32), "", "", False, 0, bytes(32), ""
    )


def test_lenient_forms():
    config = from_json(
        t.ClientRunnerConfig,
        {
            "is_test": "1",
            "is_testnet": 0,
            "http_port": "10000",
            "check_proxy_hashes": True,
            "owner_address": None,
            "node_wallet_key": base64.b64encode(KEY).decode(),
            "rpc_port": "unknown fields are ignored",
        },
    )
    assert (config.is_test, config.is_testnet, config.check_proxy_hashes) == (True, False, True)
    assert (config.http_port, config.owner_address) == (10000, "")
    assert config.node_wallet_key == KEY


def test_pseudo_root_config():
    key = base64.b64encode(KEY).decode()
    config = from_json(
        t.RootConfigPseudo,
        {
            "proxy_hashes": [key],
            "model_types": ["m@c:h"],
            "registered_proxies": [{"seqno": 1, "address": "127.0.0.1:1"}, {}],
            "price_per_token": -1,
        },
    )
    assert config.proxy_hashes == (KEY,)
    assert config.model_types == ("m@c:h",)
    assert config.registered_proxies == (
        t.RootConfigRegisteredProxy(1, "127.0.0.1:1"),
        t.RootConfigRegisteredProxy(0, ""),
    )
    assert config.price_per_token == -1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("http_port", "80 "),
        ("http_port", "٣"),
        ("http_port", 2**31),
        ("http_port", 1.5),
        ("http_port", True),
        ("http_port", "9" * 5000),
        ("http_port", []),
        ("is_test", "yes"),
        ("is_test", {}),
        ("owner_address", 5),
        ("owner_address", "\ud800"),
        ("node_wallet_key", "c2hvcnQ="),
        ("node_wallet_key", "not base64!"),
        ("node_wallet_key", "ключ"),
        ("node_wallet_key", 7),
    ],
)
def test_bad_values_name_the_field_and_hide_the_value(field, value):
    with pytest.raises(ConfigError, match=rf"clientRunner\.config\.{field}: ") as caught:
        from_json(t.ClientRunnerConfig, {field: value})
    assert str(value) not in str(caught.value).partition(": ")[2] or value in ({}, [], 5, 7, 1.5)


@pytest.mark.parametrize("document", [[], None, "text", 5])
def test_not_an_object(document):
    with pytest.raises(ConfigError, match="must be a JSON object"):
        from_json(t.ProxyRunnerConfig, document)


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"proxy_hashes": {}}, "proxy_hashes"),
        ({"model_types": ["a", 1]}, r"model_types\[1\]"),
        ({"registered_proxies": [{"seqno": "x"}]}, r"registered_proxies\[0\]\.seqno"),
        ({"model_types": [""] * 65537}, "model_types"),
    ],
)
def test_vectors(document, where):
    with pytest.raises(ConfigError, match=rf"rootConfig\.pseudo\.{where}: "):
        from_json(t.RootConfigPseudo, document)


def test_types_without_a_json_form():
    with pytest.raises(ConfigError, match="missing"):
        from_json(t.TcpPacket, {})
    with pytest.raises(ConfigError, match="no JSON form"):
        from_json(t.TcpPacket, {"data": ""})
