import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.errors import ConfigError
from cocoon.net.router_config import parse_arguments
from cocoon.net.router_file import (
    EXAMPLE,
    Defaults,
    PolicyConfig,
    PolicyKind,
    PortConfig,
    PortKind,
    parse_json,
    validate,
)

IMAGE, OTHER, ROOT = "11" * 32, "22" * 32, "33" * 48
SOCKS = {"port": 8116, "type": "socks5", "policy_name": "tdx"}


def file(**content: Any) -> bytes:
    return json.dumps({"ports": [SOCKS], **content}).encode()


def tdx(**config: Any) -> dict[str, Any]:
    return {"name": "mine", "type": "tdx", "tdx_config": config}


def test_stock_proxy_command_line() -> None:
    config = parse_arguments(
        [
            "-R",
            "11001:localhost:11101@tdx",
            "-R",
            "11002:localhost:11102@any",
            "--serialize-info",
            "-C",
            "/etc/tdx/tdx",
        ]
    )
    assert config.cert_base == "/etc/tdx/tdx"
    assert config.ports == (
        PortConfig(11001, PortKind.REVERSE, "tdx", ("localhost", 11101), True),
        PortConfig(11002, PortKind.REVERSE, "any", ("localhost", 11102), True),
    )
    assert [port.listen_host for port in config.ports] == ["0.0.0.0"] * 2


def test_stock_client_command_line() -> None:
    config = parse_arguments(["-S", "8116@tdx", "--serialize-info"])
    assert config.ports == (PortConfig(8116, PortKind.SOCKS5, "tdx", None, True),)
    assert config.ports[0].listen_host == "127.0.0.1"
    assert config.policies["tdx"] == PolicyConfig(PolicyKind.TDX)


def test_inline_hashes_named_policies_and_roots() -> None:
    arguments = ["-S", f"8116@tdx:{IMAGE},{OTHER}", "-P", f"lax:fake_tdx:{IMAGE}"]
    arguments += ["-F", "9000:10.0.0.1:9001@lax", "--collateral-hash", ROOT, "-d", "7", "-m", "9"]
    config = parse_arguments(arguments)
    assert [port.policy for port in config.ports] == ["tdx_inline_8116", "lax"]
    images = frozenset({bytes.fromhex(IMAGE), bytes.fromhex(OTHER)})
    roots = frozenset({bytes.fromhex(ROOT)})
    inline = config.policies["tdx_inline_8116"]
    assert inline == PolicyConfig(PolicyKind.TDX, images, None, None, roots)
    assert config.policies["tdx"].collateral_root_hashes == roots
    assert config.policies["lax"].image_hashes == frozenset({bytes.fromhex(IMAGE)})
    assert (config.ports[0].pow_difficulty, config.ports[0].max_pow_difficulty) == (7, 9)


def test_legacy_port_flag() -> None:
    config = parse_arguments(["-p", "9000:forward:any:10.0.0.1:9001", "-p", "8116:socks5:tdx"])
    assert config.ports[0] == PortConfig(9000, PortKind.FORWARD, "any", ("10.0.0.1", 9001))
    assert config.ports[1].kind is PortKind.SOCKS5


def test_ports_of_the_command_line_replace_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "router.json"
    path.write_bytes(file(threads=3, cert_base_name="a"))
    assert parse_arguments(["-c", str(path)]).ports[0].port == 8116
    config = parse_arguments(["-c", str(path), "-S", "8117@any", "-C", "b", "-t", "2"])
    assert [port.port for port in config.ports] == [8117]
    assert (config.cert_base, config.threads) == ("b", 2)


@pytest.mark.parametrize(("flags", "level"), [("", 0), ("-v", 1), ("-v 3", 3)])
def test_verbosity(flags: str, level: int) -> None:
    assert parse_arguments([*flags.split(), "-S", "8116@tdx"]).verbosity == level


def test_example_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    validate(parse_json(EXAMPLE.encode()))
    with pytest.raises(SystemExit) as stop:
        parse_arguments(["-g"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == EXAMPLE


def test_values_of_a_port_count_and_defaults_fill_in() -> None:
    own = {**SOCKS, "port": 8117, "serialize_info": False, "max_pow_difficulty": 3}
    config = parse_json(file(ports=[SOCKS, own]), Defaults(True, 5, 6))
    first, second = config.ports
    assert (first.serialize_info, first.max_pow_difficulty) == (True, 6)
    assert (second.serialize_info, second.max_pow_difficulty) == (False, 3)


def test_policy_of_the_file_is_not_replaced() -> None:
    strict = {"name": "tdx", "type": "tdx", "tdx_config": {"allowed_image_hashes": IMAGE}}
    config = parse_json(file(policies=[strict]))
    assert config.policies["tdx"].image_hashes == frozenset({bytes.fromhex(IMAGE)})


def test_all_lists_of_a_policy() -> None:
    rtmrs = [f"0{n}" * 48 for n in range(4)]
    policy = tdx(
        allowed_mrtd=["44" * 48],
        allowed_rtmr=[rtmrs],
        allowed_image_hashes=[IMAGE],
        allowed_image_hash=OTHER,
        allowed_collateral_root_hashes=ROOT,
    )
    found = parse_json(file(policies=[policy])).policies["mine"]
    assert found.mr_tds == frozenset({b"\x44" * 48})
    assert found.rtmr_sets == frozenset({tuple(bytes.fromhex(text) for text in rtmrs)})
    assert found.image_hashes == frozenset({b"\x11" * 32, b"\x22" * 32})
    assert found.collateral_root_hashes == frozenset({b"\x33" * 48})
    empty = parse_json(file(policies=[tdx(allowed_image_hashes=[])])).policies["mine"]
    assert empty.image_hashes == frozenset()


BAD_FILES = {
    "not JSON": b"{",
    "a list of the wrong type": file(policies=[tdx(allowed_image_hashes=7)]),
    "a hash of the wrong type": file(policies=[tdx(allowed_mrtd=[7])]),
    "a list that is an object": file(policies=[tdx(allowed_rtmr={"0": []})]),
    "a misspelt field": file(policies=[tdx(allowed_image_hashs=[IMAGE])]),
    "an unknown top-level field": file(policy=[]),
    "a short hash": file(policies=[tdx(allowed_image_hashes=["11"])]),
    "spaces in a hash": file(policies=[tdx(allowed_image_hashes=["11 " * 32])]),
    "an empty hash": file(policies=[tdx(allowed_image_hashes="")]),
    "three RTMRs": file(policies=[tdx(allowed_rtmr=[["00" * 48] * 3])]),
    "a policy twice": file(policies=[tdx(), tdx()]),
    "a built-in name twice": file(policies=[{"name": "tdx", "type": "tdx"}] * 2),
    "a built-in name with another type": file(policies=[{"name": "tdx", "type": "any"}]),
    "no name": file(policies=[{"name": "", "type": "any"}]),
    "lists for any": file(policies=[{"name": "a", "type": "any", "tdx_config": {}}]),
    "MRTD of fake evidence": file(
        policies=[{"name": "a", "type": "fake_tdx", "tdx_config": {"allowed_mrtd": []}}]
    ),
    "an unknown type": file(policies=[{"name": "a", "type": "sgx"}]),
    "a boolean port": file(ports=[{**SOCKS, "port": True}]),
    "a port as text": file(ports=[{**SOCKS, "port": "8116"}]),
    "half a destination": file(ports=[{**SOCKS, "destination_port": 9000}]),
    "no ports": file(ports=[]),
    "a low port": file(ports=[{**SOCKS, "port": 80}]),
    "a port twice": file(ports=[SOCKS, SOCKS]),
    "an unknown policy": file(ports=[{**SOCKS, "policy_name": "nobody"}]),
    "no policy": file(ports=[{"port": 8116, "type": "socks5"}]),
    "no destination": file(ports=[{**SOCKS, "type": "reverse"}]),
    "a destination for SOCKS5": file(
        ports=[{**SOCKS, "destination_host": "a", "destination_port": 9000}]
    ),
    "an empty destination": file(
        ports=[{**SOCKS, "type": "forward", "destination_host": "", "destination_port": 9000}]
    ),
    "difficulty 65": file(ports=[{**SOCKS, "max_pow_difficulty": 65}]),
    "negative threads": file(threads=-1),
    "user names on a reverse port": file(
        ports=[
            {
                **SOCKS,
                "type": "reverse",
                "allow_policy_from_username": True,
                "destination_host": "a",
                "destination_port": 9000,
            }
        ]
    ),
}


@pytest.mark.parametrize("text", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_bad_files_are_refused(text: bytes) -> None:
    with pytest.raises(ConfigError):
        validate(parse_json(text))


BAD_ARGUMENTS = [
    "",
    "-S 8116",
    "-S 8116@nobody",
    "-S 8116@tdx:",
    "-S 8116@tdx:11",
    f"-S 8116@any:{IMAGE}",
    f"-S 8116@mine:{IMAGE} -P mine:tdx",
    "-S x@tdx",
    "-S 80@tdx",
    "-S 99999999999@tdx",
    "-S 8116:h:9000@tdx",
    "-F 9000@tdx",
    "-R 9000:host@tdx",
    "-R 9000:host:80@tdx",
    "-P name -S 8116@tdx",
    "-P name:tdx: -S 8116@tdx",
    "-P name:sgx -S 8116@tdx",
    "-P tdx:any -S 8116@tdx",
    "-P a:tdx -P a:tdx -S 8116@tdx",
    "-p 9000:forward",
    "-p 9000:weird:any",
    "-S 8116@tdx -d 65",
    "-S 8116@tdx -m -1",
    "-S 8116@tdx -d x",
    "-S 8116@tdx --collateral-hash 11",
    "-S 8116@tdx --unknown",
    "-S 8116@tdx --serialize",
    "-S 8116@tdx -v x",
    "-c /does/not/exist",
]


@pytest.mark.parametrize("line", BAD_ARGUMENTS)
def test_bad_arguments_are_refused(line: str) -> None:
    with pytest.raises(ConfigError):
        parse_arguments(line.split())
