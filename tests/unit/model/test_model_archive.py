"""Archives are byte for byte those of GNU tar; what a model must not hold is refused."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cocoon.errors import ConfigError, EvidenceError
from cocoon.model import archive
from cocoon.model.archive import Source, chunks, scan, single_file, source
from cocoon.model.build import root_of
from cocoon.model.tar import Kind, Member, end_of_archive, header, read_members

VECTORS = json.loads(
    (Path(__file__).parents[3] / "vectors" / "attestation" / "model.json").read_text("utf-8")
)
OPTIONS = [
    "--sort=name",
    "--format=posix",
    "--pax-option=exthdr.name=%d/PaxHeaders/%f",
    "--pax-option=delete=atime,delete=ctime",
    "--clamp-mtime",
    "--mtime=@0",
    "--numeric-owner",
    "--owner=0",
    "--group=0",
    "--mode=go+u,go-w",
]


def content(path: str, size: int) -> bytes:
    line = path.encode() + b"\n"
    return (line * (size // len(line) + 1))[:size]


def make(folder: Path, tree: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    folder.chmod(0o755)
    for entry in tree:
        path = folder / entry["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if "link" in entry:
            path.symlink_to(entry["link"])
        elif "same_as" in entry:
            path.hardlink_to(folder / entry["same_as"])
        else:
            path.write_bytes(content(entry["path"], entry["size"]))
            path.chmod(entry.get("mode", 0o644))
    return folder


def written(made_of: Source, size: int = archive.CHUNK) -> bytes:
    return b"".join(chunks(made_of, size))


def members_of(data: bytes) -> list[Any]:
    return list(read_members(lambda offset, size: data[offset : offset + size], len(data)))


@pytest.mark.parametrize("case", VECTORS["archives"], ids=lambda case: case["name"])
def test_archives_are_the_official_ones(case: dict[str, Any], tmp_path: Path) -> None:
    made_of = scan(make(tmp_path / "model", case["tree"]))
    data = written(made_of)
    assert len(data) == made_of.size == case["archive_bytes"]
    assert hashlib.sha256(data).hexdigest() == case["archive_sha256"]
    assert root_of(made_of).hex() == case["root"]
    assert members_of(data) == list(made_of.placed())


@pytest.mark.skipif(shutil.which("tar") is None, reason="needs GNU tar")
def test_odd_names_and_modes_as_in_gnu_tar(tmp_path: Path) -> None:
    version = subprocess.run(["tar", "--version"], capture_output=True, check=True).stdout
    if b"GNU tar" not in version:
        pytest.skip("needs GNU tar")
    folder = make(tmp_path / "model", [{"path": "sub/suid", "size": 3, "mode": 0o4755}])
    (folder / "sub").chmod(0o2775)
    (folder / "locked").mkdir()
    (folder / "locked").chmod(0o700)
    with open(os.fsencode(folder) + b"/no-utf8-\xff", "wb") as file:
        file.write(b"x")
    command = ["tar", "-cf", "-", "-C", str(folder), ".", *OPTIONS]
    environment = {**os.environ, "LC_ALL": "C"}
    data = subprocess.run(command, check=True, capture_output=True, env=environment).stdout
    assert written(scan(folder)) == data + bytes(4096 - len(data) % 4096)


def test_a_huge_file_stands_in_a_pax_record() -> None:
    (case,) = VECTORS["headers"]
    block = header(Member(case["member"].encode(), Kind.FILE, case["mode"], case["size"]))
    assert block.hex() == case["header"]
    assert b"size=8589934597\n" in block
    assert block[-512 + 124 : -512 + 136] == b"00000000000\0"
    small = header(Member(b"./a", Kind.FILE, 0o644, 8**11 - 1))
    assert len(small) == 512
    assert small[124:136] == b"77777777777\0"


def test_a_single_file_is_the_directory_that_holds_it(tmp_path: Path) -> None:
    folder = make(tmp_path / "model", [{"path": "model.gguf", "size": 5000}])
    file = folder / "model.gguf"
    assert written(single_file(file)) == written(scan(folder))
    file.chmod(0o600)  # a single file has mode 644, whatever its owner allows himself
    assert written(source(file)) == written(source(folder))
    link = tmp_path / "link.gguf"
    link.symlink_to(file)
    assert written(single_file(link)) != written(single_file(file))  # its name is part of it


def test_pieces_are_as_large_as_asked(tmp_path: Path) -> None:
    folder = make(tmp_path / "model", [{"path": "x", "size": 10_000}])
    made_of = scan(folder)
    pieces = list(chunks(made_of, 4096))
    assert b"".join(pieces) == written(made_of)
    assert max(map(len, pieces[:-1])) == 4096


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "sub/../../outside"])
def test_links_that_lead_out_are_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").write_bytes(b"x")
    folder = make(tmp_path / "model", [{"path": "sub/x", "size": 1}])
    (folder / "link").symlink_to(target)
    with pytest.raises(ConfigError, match="leads out of the model"):
        scan(folder)


@pytest.mark.parametrize("target", ["missing", "link", "sub/link"])
def test_links_to_nothing_are_refused(tmp_path: Path, target: str) -> None:
    folder = make(tmp_path / "model", [{"path": "x", "size": 1}])
    (folder / "link").symlink_to(target)
    with pytest.raises(ConfigError, match="link to nothing"):
        scan(folder)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "model", [{"path": "x", "size": 1}])
    os.mkfifo(folder / "pipe")
    with pytest.raises(ConfigError, match="pipe is no file"):
        scan(folder)
    (folder / "pipe").unlink()
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
            with pytest.raises(ConfigError, match="socket is no file"):
                scan(folder)
            with pytest.raises(ConfigError, match="not a regular file"):
                single_file(folder / "socket")
    finally:
        os.chdir(here)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "model", [{"path": "x", "size": 1, "mode": 0}])
    with pytest.raises(ConfigError, match="permission denied"):
        scan(folder)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    for look in (scan, single_file, source):
        with pytest.raises(ConfigError, match="No such file"):
            look(tmp_path / "missing")


def test_times_before_1970_are_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "model", [{"path": "x", "size": 1}])
    os.utime(folder / "x", ns=(0, -1))
    with pytest.raises(ConfigError, match="before 1970"):
        scan(folder)


def test_times_do_not_matter(tmp_path: Path) -> None:
    folder = make(tmp_path / "model", [{"path": "x", "size": 1}])
    before = written(scan(folder))
    os.utime(folder / "x", (5, 5))
    assert written(scan(folder)) == before


@pytest.mark.parametrize("size", [0, 4999, 5001])
def test_a_file_that_changes_meanwhile_is_noticed(tmp_path: Path, size: int) -> None:
    folder = make(tmp_path / "model", [{"path": "x", "size": 5000}])
    made_of = scan(folder)
    (folder / "x").write_bytes(bytes(size))
    with pytest.raises(ConfigError, match="changed while it was read"):
        written(made_of)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 2)
    folder = make(tmp_path / "model", [{"path": name, "size": 1} for name in "abc"])
    with pytest.raises(ConfigError, match="too many files"):
        scan(folder)


# --- reading ---


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("small") / "model"
    return written(scan(make(folder, VECTORS["archives"][0]["tree"])))


HEADERS = [case for case in VECTORS["bad_archives"] if "content" not in case["name"]]


@pytest.mark.parametrize("case", HEADERS, ids=lambda case: case["name"])
def test_archives_of_another_form_are_refused(small: bytes, case: dict[str, Any]) -> None:
    data = bytearray(small)
    data[case["offset"] : case["offset"] + len(case["bytes"])] = case["bytes"].encode()
    assert bytes(data) != small
    with pytest.raises(EvidenceError, match="not a normalised archive"):
        members_of(bytes(data))


@pytest.mark.parametrize("kept", [0, 100, 512, 1000, 20_000, -1, -4096])
def test_archives_that_are_cut_off_are_refused(small: bytes, kept: int) -> None:
    with pytest.raises(EvidenceError):
        members_of(small[:kept])


def test_archives_with_more_behind_are_refused(small: bytes) -> None:
    with pytest.raises(EvidenceError, match="the end"):
        members_of(small + bytes(4096))
    with pytest.raises(EvidenceError, match="the end"):
        members_of(small[:-1] + b"\1")


def hand_made(*members: Member) -> bytes:
    data = b"".join(header(member) for member in members)
    return data + end_of_archive(len(data))


@pytest.mark.parametrize(
    "member",
    [
        Member(b"x", Kind.FILE, 0o644),
        Member(b"./../x", Kind.FILE, 0o644),
        Member(b"./a//b", Kind.FILE, 0o644),
        Member(b"./a/", Kind.FILE, 0o644),
        Member(b"./a", Kind.DIRECTORY, 0o755),
        Member(b"./a", Kind.SYMBOLIC_LINK, 0o755),
        Member(b"./a", Kind.FILE, 0o644, target=b"x"),
        Member(b"./a/", Kind.DIRECTORY, 0o755, 7),
        Member(b"./a", Kind.FILE, 0o644, 1 << 51),
        Member(b"./" + b"a" * 5000, Kind.FILE, 0o644),
    ],
    ids=lambda member: ascii(member.name[:10]),
)
def test_members_that_make_no_sense_are_refused(member: Member) -> None:
    with pytest.raises(EvidenceError, match="not a normalised archive"):
        members_of(hand_made(Member(b"./", Kind.DIRECTORY, 0o755), member))


def test_names_must_be_sorted_and_different() -> None:
    first, second = (Member(name, Kind.FILE, 0o644) for name in (b"./a", b"./b"))
    assert len(members_of(hand_made(first, second))) == 2
    for wrong in ((second, first), (first, first)):
        with pytest.raises(EvidenceError, match="not sorted"):
            members_of(hand_made(*wrong))


@pytest.mark.parametrize(
    "records",
    [
        b"11 path=./a\n",  # one too few
        b"13 path=./a\n",
        b"x path=./a\n",
        b"12 path=./a ",
        b"13 mtime=1.5\n\n",
        b"20 linkpath=./abcd\n\n",
        b"12 path=./a\n12 path=./a\n",
        b"15 size=-11111\n",
    ],
)
def test_pax_records_of_another_form_are_refused(records: bytes) -> None:
    block = bytearray(header(Member(b"./" + b"n" * 120, Kind.FILE, 0o644)))
    block[124:136] = b"%011o\0" % len(records)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    data = bytes(block[:512]) + records.ljust(512, b"\0") + bytes(block[1024:])
    with pytest.raises(EvidenceError, match="not a normalised archive"):
        members_of(data + end_of_archive(len(data)))


def test_folders_without_end(tmp_path: Path) -> None:
    (tmp_path / Path(*["a"] * (archive.MAX_DEPTH + 1))).mkdir(parents=True)
    with pytest.raises(ConfigError, match="inside of one another"):
        scan(tmp_path)
