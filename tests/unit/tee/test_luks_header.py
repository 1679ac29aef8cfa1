"""The data disk's header: the host may write there what it likes, and gets nothing in plain."""

import copy
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cocoon.errors import EvidenceError
from cocoon.tee.luks import MAX_HEADER, checked_header, main

SIZE = 16384
DATA = 1 << 20
METADATA: dict[str, Any] = {
    "keyslots": {
        "0": {
            "type": "luks2",
            "key_size": 64,
            "af": {"type": "luks1", "stripes": 4000, "hash": "sha256"},
            "area": {
                "type": "raw",
                "offset": "32768",
                "size": "258048",
                "encryption": "aes-xts-plain64",
                "key_size": 64,
            },
            "kdf": {"type": "argon2id", "time": 4, "memory": 65536, "cpus": 4, "salt": "c2FsdA=="},
        }
    },
    "tokens": {},
    "segments": {
        "0": {
            "type": "crypt",
            "offset": str(DATA),
            "size": "dynamic",
            "iv_tweak": "0",
            "encryption": "aes-xts-plain64",
            "sector_size": 4096,
        }
    },
    "digests": {
        "0": {
            "type": "pbkdf2",
            "keyslots": ["0"],
            "segments": ["0"],
            "hash": "sha256",
            "iterations": 1000,
            "salt": "c2FsdA==",
            "digest": "ZGlnZXN0",
        }
    },
    "config": {"json_size": "12288", "keyslots_size": "1015808"},
}


def disk(text: bytes) -> bytes:
    """A disk of 2 MiB whose header says this."""
    binary = bytearray(4096)
    binary[:16] = b"LUKS\xba\xbe" + (2).to_bytes(2, "big") + SIZE.to_bytes(8, "big")
    binary[72:78] = b"sha256"
    body = text.ljust(SIZE - 4096, b"\0")
    binary[448:480] = hashlib.sha256(binary + body).digest()
    return (bytes(binary) + body) * 2 + b"k" * (DATA - 2 * SIZE) + b"d" * DATA


def changed(change: Callable[[Any], object]) -> bytes:
    metadata = copy.deepcopy(METADATA)
    change(metadata)
    return json.dumps(metadata).encode()


def test_an_honest_header_is_written_again() -> None:
    given = disk(json.dumps(METADATA).encode())
    header = checked_header(given)
    assert len(header) == DATA
    assert header[2 * SIZE :] == given[2 * SIZE : DATA]
    for magic, at in ((b"LUKS\xba\xbe", 0), (b"SKUL\xba\xbe", SIZE)):
        assert header[at : at + 6] == magic
        assert int.from_bytes(header[at + 256 : at + 264], "big") == at
        assert json.loads(header[at + 4096 : at + SIZE].rstrip(b"\0")) == METADATA
        plain = header[at : at + 448] + bytes(64) + header[at + 512 : at + SIZE]
        assert header[at + 448 : at + 480] == hashlib.sha256(plain).digest()
    assert checked_header(header + b"d") == header


def replace_segment(**values: Any) -> Callable[[Any], object]:
    return lambda metadata: metadata["segments"]["0"].update(values)


def replace_area(**values: Any) -> Callable[[Any], object]:
    return lambda metadata: metadata["keyslots"]["0"]["area"].update(values)


@pytest.mark.parametrize(
    "change",
    [
        replace_segment(encryption="cipher_null-ecb"),
        replace_segment(encryption="aes-ecb"),
        replace_segment(type="linear"),
        replace_segment(integrity={"type": "none"}),
        replace_segment(flags=["backup-final"]),
        replace_segment(offset=str(MAX_HEADER + 4096)),
        replace_segment(offset="0"),
        replace_segment(offset="-1"),
        replace_area(encryption="cipher_null-ecb"),
        replace_area(key_size=32),
        replace_area(offset="4096"),
        replace_area(offset=str(DATA)),
        lambda metadata: metadata["keyslots"].clear(),
        lambda metadata: metadata["segments"].clear(),
        lambda metadata: metadata["digests"].clear(),
        lambda metadata: metadata["keyslots"].update({"1": metadata["keyslots"]["0"]}),
        lambda metadata: metadata["segments"].update({"1": metadata["segments"]["0"]}),
        lambda metadata: metadata["tokens"].update({"0": {"type": "x", "keyslots": ["0"]}}),
        lambda metadata: metadata["config"].update(requirements=["online-reencrypt-v2"]),
    ],
)
def test_what_a_host_may_put_there(change: Callable[[Any], object]) -> None:
    with pytest.raises(EvidenceError, match="data disk"):
        checked_header(disk(changed(change)))


@pytest.mark.parametrize("text", [b"", b"{", b"[" * 12000, b"\xff", b"{} {}", b"null"])
def test_no_metadata(text: bytes) -> None:
    with pytest.raises(EvidenceError, match="data disk"):
        checked_header(disk(text))


@pytest.mark.parametrize(
    "data", [b"", bytes(4096), b"LUKS\xba\xbe\0\1" + bytes(8192), b"LUKS\xba\xbe\0\2" + bytes(8192)]
)
def test_no_header(data: bytes) -> None:
    with pytest.raises(EvidenceError, match="no LUKS2"):
        checked_header(data)


def test_the_program_of_the_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, target = (tmp_path / name for name in ("good", "bad", "copy"))
    good.write_bytes(disk(json.dumps(METADATA).encode()))
    bad.write_bytes(disk(changed(replace_segment(encryption="cipher_null-ecb"))))
    assert main([str(bad), str(target)]) == 1
    assert "the host has changed it" in capsys.readouterr().err
    assert not target.exists()
    assert main([str(good), str(target)]) == 0
    assert target.stat().st_mode & 0o777 == 0o600
    assert main([str(good), str(target)]) == 1  # never over something that is there
    assert main([str(tmp_path / "none"), str(target)]) == 1
    assert main([]) == 2


def test_cryptsetup_reads_the_copy(tmp_path: Path) -> None:
    program = shutil.which("cryptsetup", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        pytest.skip("cryptsetup is not installed")
    image, header, key = (tmp_path / name for name in ("disk", "header", "key"))
    image.write_bytes(bytes(MAX_HEADER + DATA))
    key.write_bytes(bytes(range(32)))
    fast = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", str(key)]

    def run(*words: str) -> int:
        command = [program, *words]
        return subprocess.run(command, capture_output=True, check=False, timeout=8).returncode

    assert run("luksFormat", "--type", "luks2", "--batch-mode", *fast, str(image)) == 0
    assert main([str(image), str(header)]) == 0
    opened = ("open", "--test-passphrase", "--header", str(header), "--key-file")
    assert run(*opened, str(key), str(image)) == 0
    key.write_bytes(bytes(32))
    assert run(*opened, str(key), str(image)) != 0
