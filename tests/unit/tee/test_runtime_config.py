"""What a host may set, and what it may not."""

import pytest

from cocoon.errors import ConfigError
from cocoon.tee.runtime_config import MAX_FILE_BYTES, Role, parse_runtime, render

OWNER = "0:" + "ab" * 32
WORKER = f"OWNER={OWNER}\nMODEL=Qwen/Qwen3-8B@b968826d:{'7e' * 32}\n"
PROXY = f"OWNER={OWNER}\nPUBLIC_HOST=proxy.example.org\n"


def test_a_worker() -> None:
    text = f"# who is paid\n\n{WORKER}COEFFICIENT=1500\n"
    assert parse_runtime(text.encode(), Role.WORKER) == {
        "OWNER": OWNER,
        "TON_API_KEY": "",
        "MODEL": f"Qwen/Qwen3-8B@b968826d:{'7e' * 32}",
        "COEFFICIENT": 1500,
        "MAX_ACTIVE_REQUESTS": 60,
        "PROXY_CONNECTIONS": 1,
    }


def test_a_proxy() -> None:
    values = parse_runtime(PROXY.encode(), Role.PROXY)
    assert values["PUBLIC_HOST"] == "proxy.example.org"
    assert values["PUBLIC_PORT"] == 11001


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("PATH=/tmp", "may not set PATH"),
        ("LD_PRELOAD=/mnt/x.so", "may not set LD_PRELOAD"),
        ("ROOT_CONTRACT=0:00", "may not set ROOT_CONTRACT"),
        ("PUBLIC_HOST=a", "may not set PUBLIC_HOST"),
        ("IMAGE_HASH=00", "may not set IMAGE_HASH"),
        (f"OWNER={OWNER}", "set twice"),
        ("COEFFICIENT=0", "a whole number"),
        ("COEFFICIENT=01", "a whole number"),
        ("COEFFICIENT=1_0", "a whole number"),
        ("COEFFICIENT=-1", "a whole number"),
        ("COEFFICIENT=", "a whole number"),
        ("COEFFICIENT=99999999999999", "a whole number"),
        ("COEFFICIENT=$(id)", "line 3"),
        ("COEFFICIENT=1 ", "line 3"),
        (" COEFFICIENT=1", "line 3"),
        ("COEFFICIENT=1\r", "line 3"),
        ("coefficient=1", "line 3"),
        ("COEFFICIENT", "line 3"),
        ('TON_API_KEY="', "line 3"),
        ("TON_API_KEY=a/b", "API key"),
        ("TON_API_KEY=" + "a" * 600, "512"),
    ],
)
def test_refused_lines(line: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_runtime(f"{WORKER}{line}\n".encode(), Role.WORKER)


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"#" * (MAX_FILE_BYTES + 1), b"\n" * 300, b"OWNER=x\n"]
)
def test_refused_files(data: bytes) -> None:
    with pytest.raises(ConfigError):
        parse_runtime(data, Role.WORKER)


@pytest.mark.parametrize("model", ["Qwen/Qwen3-8B", "a@b:c", f"../x@0123456:{'0' * 64}"])
def test_a_model_has_its_full_name(model: str) -> None:
    with pytest.raises(ConfigError, match="full model name"):
        parse_runtime(f"OWNER={OWNER}\nMODEL={model}\n".encode(), Role.WORKER)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match=r"must set OWNER \(address that is paid\)"):
        parse_runtime(b"", Role.PROXY)


def test_render_replaces_once() -> None:
    runtime = {"OWNER": "a", "COEFFICIENT": 7}
    assert render("$GPUS $OWNER=$COEFFICIENT;", {"GPUS": "8"}, runtime) == "8 a=7;"


@pytest.mark.parametrize("template", ["$UNKNOWN", "$", "$$", "$lower", "a$"])
def test_templates_name_what_is_set(template: str) -> None:
    with pytest.raises(ConfigError, match="nothing sets"):
        render(template, {}, {})


def test_a_host_cannot_override_the_guest() -> None:
    with pytest.raises(ConfigError, match="may not set GPUS"):
        render("", {"GPUS": "0"}, {"GPUS": "8"})
    with pytest.raises(ConfigError, match="not safe"):
        render("", {"PATH": "a b"}, {})
    with pytest.raises(ConfigError, match="1 MiB"):
        render("$A" * 3000, {"A": "a" * 500}, {})
