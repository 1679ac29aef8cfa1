"""The shipped code cells belong to the sources: checked here without a compiler."""

import hashlib
import importlib.util
import json
import re
from pathlib import Path

import pytest

from cocoon.chain.contracts.code import code_info, code_names, load_code
from cocoon.errors import DecodeError

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("build", ROOT / "tools/build_contracts.py")
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)
IMPORT = re.compile(r'^import "(?!@)([^"]+)"', re.MULTILINE)


def sources(path: Path) -> set[Path]:
    """A contract's files: those that it imports, and what they import."""
    found, todo = set(), [path]
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += [
                (file.parent / f"{name.removesuffix('.tolk')}.tolk").resolve()
                for name in IMPORT.findall(file.read_text())
            ]
    return found


def test_every_contract_is_shipped() -> None:
    assert list(code_names()) == tool.contract_names()


@pytest.mark.parametrize("name", code_names())
def test_cells_are_of_these_sources(name: str) -> None:
    base = ROOT / "contracts"
    files = {f.relative_to(base).as_posix(): f for f in sources(base / name / f"{name}.tolk")}
    digest = hashlib.sha256()
    for file in sorted(files):
        content = files[file].read_bytes()
        digest.update(f"{file}\0{len(content)}\0".encode() + content)
    assert code_info(name).source == digest.hexdigest(), "run: make contracts"


def test_a_changed_cell_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in tool.TARGET.glob("*.*"):
        if path.suffix in {".boc", ".json"}:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    entry = json.loads((tmp_path / "codes.json").read_text())
    built = {name: tool.Compiled(load_code(name), entry[name]) for name in code_names()}
    monkeypatch.setattr(tool, "TARGET", tmp_path)
    monkeypatch.setattr(tool, "CODES", tmp_path / "codes.json")
    assert tool.differences(built, complete=True) == []
    (tmp_path / "stray.boc").write_bytes(b"")
    assert tool.differences(built, complete=True) == ["stray: shipped without sources"]
    assert tool.differences(built, complete=False) == []
    (tmp_path / "proxy.boc").write_bytes((tmp_path / "client.boc").read_bytes())
    assert (
        "proxy.boc is not what the sources compile to" in tool.differences(built, complete=False)[0]
    )


def test_a_damaged_installation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from cocoon.chain.contracts import code

    codes = json.loads((ROOT / "src/cocoon/chain/contracts/code/codes.json").read_text())
    codes["proxy"]["hash"] = "00" * 32
    monkeypatch.setattr(code, "_codes", lambda: codes)
    load_code.cache_clear()
    with pytest.raises(DecodeError, match="damaged"):
        load_code("proxy")
    load_code.cache_clear()


def test_the_compiler_is_pinned_without_naming_a_registry() -> None:
    lock = (ROOT / "tools/tolk/package-lock.json").read_text()
    assert '"resolved"' not in lock
    packages = json.loads(lock)["packages"]
    assert packages["node_modules/@ton/tolk-js"]["version"] == "1.3.0"
    assert all(p["integrity"].startswith("sha512-") for n, p in packages.items() if n)
