"""How the emulator gets into the package: pinned, checked, and into every wheel."""

import base64
import hashlib
import io
import json
import runpy
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cocoon.chain.embedded import artifacts
from cocoon.chain.embedded.artifacts import load_artifacts
from cocoon.chain.embedded.exceptions_wat import is_handled
from cocoon.errors import ConfigError

ROOT = Path(__file__).parents[4]
MEMBERS = {
    "package/dist/executor/emulator-emscripten.wasm.js": b"x = { EmulatorEmscriptenWasm: '%s'}",
    "package/dist/config/slimConfig.js": b"exports.slimConfig = `%s`;",
    "package/LICENSE": b"%s",
}
CONTENTS = {"emulator.wasm": b"\0asm", "config.boc": b"config", "LICENSE": b"MIT"}
HASHES = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}


@pytest.fixture
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "build_emulator.py"))


def tarball(path: Path, contents: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for (member, template), content in zip(MEMBERS.items(), contents.values(), strict=True):
            text = content if member.endswith("LICENSE") else base64.b64encode(content)
            data = template % text
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_files_are_taken_from_the_tarball(tool: dict[str, Any], tmp_path: Path) -> None:
    assert tool["extract"](tarball(tmp_path / "p.tgz", CONTENTS), HASHES) == CONTENTS


@pytest.mark.parametrize("name", list(CONTENTS))
def test_other_content_is_refused(tool: dict[str, Any], tmp_path: Path, name: str) -> None:
    changed = CONTENTS | {name: b"something else"}
    with pytest.raises(tool["BuildError"], match="another content"):
        tool["extract"](tarball(tmp_path / "p.tgz", changed), HASHES)


def test_another_package_is_refused(
    tool: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\necho other > "$4/other.tgz"\n')
    npm.chmod(0o755)
    monkeypatch.setitem(tool["fetch"].__globals__, "find_npm", lambda: [str(npm)])
    with pytest.raises(tool["BuildError"], match="another content"):
        tool["fetch"]("@ton/sandbox", "0.41.0", "sha512-wrong")
    npm.write_text("#!/bin/sh\necho no network >&2; exit 1\n")
    with pytest.raises(tool["BuildError"], match="no network"):
        tool["fetch"]("@ton/sandbox", "0.41.0", "sha512-wrong")


def test_without_npm_it_says_what_to_do(
    tool: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tool["fetch"].__globals__, "find_npm", lambda: None)
    with pytest.raises(tool["BuildError"], match=r"requirements-node\.lock"):
        tool["fetch"]("@ton/sandbox", "0.41.0", "sha512-wrong")


def test_the_installed_files_are_the_pinned_ones(tool: dict[str, Any]) -> None:
    assert tool["is_done"](tool["pins"]()["files"])
    assert not tool["is_done"]({"emulator.wasm": "0" * 64})


def test_every_import_and_export_has_a_name() -> None:
    found = load_artifacts()
    assert len(found.imports) == 83
    assert sum(map(is_handled, found.imports.values())) == 58
    assert "memory" in found.exports.values()


def test_missing_and_wrong_files_are_a_configuration_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "_DATA", tmp_path)
    with pytest.raises(ConfigError, match="not there"):
        load_artifacts.__wrapped__()
    (tmp_path / "emulator.wasm").write_bytes(b"\0asm")
    with pytest.raises(ConfigError, match="not the one"):
        load_artifacts.__wrapped__()


def test_a_wheel_holds_the_emulator_and_its_licences(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    pins = json.loads((ROOT / "src/cocoon/chain/embedded/emulator.json").read_text())
    with zipfile.ZipFile(wheel) as archive:
        for name, digest in pins["files"].items():
            content = archive.read(f"cocoon/chain/embedded/data/{name}")
            assert hashlib.sha256(content).hexdigest() == digest
        for name in ("licenses/NOTICE.md", "licenses/LGPL-2.0.txt", "emulator.json"):
            assert archive.read(f"cocoon/chain/embedded/{name}")
        requires = archive.read("cocoon-0.1.0.dist-info/METADATA").decode()
        assert "nodejs" not in requires
