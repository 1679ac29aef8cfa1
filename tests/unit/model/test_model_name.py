"""Full model names."""

import json
from pathlib import Path
from typing import Any

import pytest

from cocoon.chain.root_config import model_hash
from cocoon.errors import ConfigError
from cocoon.model.name import ModelName, base_name, file_stem, is_pinned

NAMES = json.loads(
    (Path(__file__).parents[3] / "vectors" / "attestation" / "model.json").read_text("utf-8")
)["names"]
ROOT = bytes(range(32))


@pytest.mark.parametrize("case", NAMES, ids=lambda case: ascii(case["name"][:30]))
def test_names(case: dict[str, Any]) -> None:
    if case["expect"] != "ok":
        with pytest.raises(ConfigError):
            ModelName.parse(case["name"])
        return
    name = ModelName.parse(case["name"])
    assert str(name) == case["name"]
    assert name.hash.hex() == case["hash"]
    assert name.hash == model_hash(case["name"])  # what the chain's code makes of it
    assert f"{name.file_stem}.tar" == case["archive"]


@pytest.mark.parametrize(
    ("name", "commit", "root"),
    [
        ("", "c", ROOT),
        ("a@b", "c", ROOT),
        ("a b", "c", ROOT),
        ("ä", "c", ROOT),
        ("a", "", ROOT),
        ("a", "c:d", ROOT),
        ("a", "c\n", ROOT),
        ("a", "c", ROOT[1:]),
        ("a" * 500, "c", ROOT),
    ],
)
def test_parts_are_checked(name: str, commit: str, root: bytes) -> None:
    with pytest.raises(ConfigError):
        ModelName(name, commit, root)


def test_a_commit_may_hold_an_at_sign_and_a_name_a_colon() -> None:
    name = ModelName("a:b", "c@d", ROOT)
    assert ModelName.parse(str(name)) == name


def test_base_names() -> None:
    assert base_name("a/b@c:d") == "a/b"
    assert base_name("a/b") == "a/b"
    assert is_pinned("a@c:d")
    assert not is_pinned("a")
    assert file_stem("Qwen/Qwen3-8B") == "Qwen_Qwen3_8B"
