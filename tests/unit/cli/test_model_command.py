"""``cocoon model``."""

import json
from pathlib import Path

import pytest

from cocoon.cli.app import run

NAME = (
    "Qwen/Qwen3-8B@b968826d9c46dd6066d109eabc6255188de91218:"
    "7e9d33bebf5518e0dc666e5a04ffbab247ff5878f91a9a55a6e942fe245a8ee9"
)
HASH = "4e8d0d15a82615d4fa5aff8bb7a114152c7c17a517a809d7a7670c149079d2d3"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_bytes(b"{}")
    (tmp_path / "model" / "weights").write_bytes(bytes(100_000))
    return tmp_path / "model"


def build(model: Path, *more: str) -> int:
    words = ["model", "build", str(model), "--name", "a/b", "--commit", "c1"]
    return run([*words, "--output", str(model.parent), *more])


def test_build_prints_the_name_and_the_archive(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(model) == 0
    printed = capsys.readouterr()
    name, path = printed.out.split()
    assert name.startswith("a/b@c1:")
    assert path == str(model.parent / "a_b.tar")
    assert "model hash in the root contract: " in printed.err
    assert run(["model", "hash", name]) == 0
    assert capsys.readouterr().out.strip() in printed.err
    for target in (path, str(model)):
        assert run(["model", "verify", name, target, "--verity", path + ".verity"]) == 0
        assert capsys.readouterr().out.startswith("verified: this ")


def test_build_in_json(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(model, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["archive"] == str(model.parent / "a_b.tar")
    assert found["verity"] == found["archive"] + ".verity"
    assert found["size"] == Path(found["archive"]).stat().st_size
    assert build(model, "--dry-run", "--json") == 0
    dry = json.loads(capsys.readouterr().out)
    assert dry == {key: value for key, value in found.items() if key not in ("archive", "verity")}
    assert run(["model", "verify", found["name"], str(model), "--json"]) == 0
    verified = json.loads(capsys.readouterr().out)
    assert (verified["verified"], verified["form"]) == (True, "directory")


def test_a_dry_run_writes_nothing(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(model, "--dry-run") == 0
    assert capsys.readouterr().out.startswith("a/b@c1:")
    assert [path.name for path in model.parent.iterdir()] == ["model"]


def test_another_model_has_exit_code_3(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(model) == 0
    name, path = capsys.readouterr().out.split()
    (model / "weights").write_bytes(bytes(99_999) + b"!")
    assert run(["model", "verify", name, str(model), "--verity", path + ".verity"]) == 3
    error = capsys.readouterr().err
    assert "weights" in error
    assert error.startswith("cocoon: ")
    assert run(["model", "verify", name, str(model), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["verified"]) == (name, False)
    assert "its root is" in found["reason"]


def test_a_name_is_hashed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "hash", NAME]) == 0
    assert capsys.readouterr().out == HASH + "\n"
    assert run(["model", "hash", NAME, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model_hash"] == HASH


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["hash", "Qwen/Qwen3-8B"], "name@commit:hash"),
        (["verify", "Qwen/Qwen3-8B", "."], "name@commit:hash"),
        (["verify", NAME, "missing"], "cannot be read"),
        (["build", "missing", "--name", "a", "--commit", "b"], "cannot be read"),
        (["build", ".", "--name", "a@b", "--commit", "c"], "model name"),
        (["build", ".", "--name", "a", "--commit", "b:c"], "commit"),
        (["build", ".", "--name", "a", "--commit", "b", "--output", "missing"], "no directory"),
    ],
)
def test_wrong_words_have_exit_code_2(
    words: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / word) if word in (".", "missing") else word for word in words]
    assert run(["model", *words]) == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1
