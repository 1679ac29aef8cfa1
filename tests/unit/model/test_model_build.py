"""Builds are complete or absent; verification says what differs."""

import os
from pathlib import Path

import pytest

from cocoon.attestation.measure.verity import BLOCK, Superblock, VerityLayout
from cocoon.errors import ConfigError, EvidenceError
from cocoon.model import build as build_module
from cocoon.model.archive import scan, single_file
from cocoon.model.build import Built, ModelFiles, build, root_of
from cocoon.model.name import ModelName
from cocoon.model.proof import FilesProof, LoadedFileProof
from cocoon.model.verify import Form, form_of, root_of_path, verify


def ignore(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    (made / "sub").mkdir(parents=True)
    for number in range(4):
        (made / f"weights-{number}").write_bytes(bytes([number]) * 300_000)
    (made / "sub" / "config.json").write_bytes(b"{}" * 5000)
    (tmp_path / "images").mkdir()
    return made


@pytest.fixture
def built(folder: Path) -> Built:
    return build(scan(folder), "some/model", "c0ffee", folder.parent / "images")


def test_three_files_and_a_name(built: Built, folder: Path) -> None:
    images = folder.parent / "images"
    files = built.files
    assert files == ModelFiles.inside(images, "some/model")
    assert sorted(os.listdir(images)) == [
        "some_model.tar",
        "some_model.tar.hash",
        "some_model.tar.verity",
    ]
    assert files.root.read_text() == built.name.root.hex()
    assert files.archive.stat().st_size == built.size
    layout = VerityLayout(built.size // BLOCK)
    assert files.verity.stat().st_size == layout.size
    assert Superblock.from_bytes(files.verity.read_bytes()).blocks == layout.blocks
    assert str(built.name).startswith("some/model@c0ffee:")


def test_progress_comes_to_its_end(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    made_of = scan(folder)
    root_of(made_of, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (made_of.size, made_of.size)
    assert seen == sorted(seen)


def test_everything_there_verifies(built: Built, folder: Path) -> None:
    files, name = built.files, built.name
    for path, form in ((files.archive, Form.ARCHIVE), (folder, Form.DIRECTORY)):
        for tree in (None, files.verity):
            proven = verify(name, path, verity=tree)
            assert (proven.name, proven.form, proven.size) == (name, form, built.size)
            assert not proven.sha256
        assert form_of(path) is form
        assert root_of_path(path) == name.root


def test_building_again_changes_nothing_and_another_model_is_kept(
    built: Built, folder: Path
) -> None:
    images = folder.parent / "images"
    assert build(scan(folder), "some/model", "c0ffee", images) == built
    (folder / "more").write_bytes(b"x")
    with pytest.raises(ConfigError, match="another archive of this name"):
        build(scan(folder), "some/model", "c1", images)
    verify(built.name, built.files.archive, verity=built.files.verity)
    replaced = build(scan(folder), "some/model", "c1", images, replace=True)
    assert replaced.name != built.name
    verify(replaced.name, built.files.archive, verity=built.files.verity)
    assert len(os.listdir(images)) == 3


def test_an_unreadable_hash_file_counts_as_another_model(built: Built, folder: Path) -> None:
    built.files.root.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="no root"):
        build(scan(folder), "some/model", "c0ffee", folder.parent / "images")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ConfigError("changed")])
def test_an_interrupted_build_leaves_nothing(
    folder: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(done: int, _total: int) -> None:
        if done > 500_000:
            raise error

    images = folder.parent / "images"
    with pytest.raises(type(error)):
        build(scan(folder), "some/model", "c0ffee", images, progress=stop)
    assert os.listdir(images) == []

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build_module, "_synchronise", fail)
    with pytest.raises(ConfigError, match="No space left"):
        build(scan(folder), "some/model", "c0ffee", images)
    assert os.listdir(images) == []


def test_a_place_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        build(scan(folder), "some/model", "c0ffee", folder.parent / "missing")
    for name, commit in (("a@b", "c"), ("a", "c:d")):
        with pytest.raises(ConfigError):
            build(scan(folder), name, commit, folder.parent / "images")


# --- what differs ---


def test_a_changed_file_is_named_where_the_tree_is_at_hand(built: Built, folder: Path) -> None:
    data = bytearray((folder / "weights-2").read_bytes())
    data[150_000] ^= 1
    (folder / "weights-2").write_bytes(data)
    with pytest.raises(EvidenceError, match="its root is") as plain:
        verify(built.name, folder)
    assert "weights" not in str(plain.value)
    with pytest.raises(EvidenceError, match=r"holds parts of: weights-2$"):
        verify(built.name, folder, verity=built.files.verity)


def test_a_changed_length_is_named(built: Built, folder: Path) -> None:
    (folder / "weights-3").write_bytes(bytes(400_000))
    with pytest.raises(EvidenceError, match=r"its archive has \d+ bytes, not \d+.*weights-3"):
        verify(built.name, folder, verity=built.files.verity)
    (folder / "weights-3").unlink()
    with pytest.raises(EvidenceError, match="its archive has"):
        verify(built.name, folder, verity=built.files.verity)


def test_every_altered_block_of_an_archive_is_found(built: Built) -> None:
    archive, blocks = built.files.archive, built.size // BLOCK
    for block in range(0, blocks, 37):
        with open(archive, "r+b") as file:
            file.seek(block * BLOCK + block % BLOCK)
            old = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([old[0] ^ 0x10]))
        try:
            with pytest.raises(EvidenceError):
                verify(built.name, archive)
        finally:
            with open(archive, "r+b") as file:
                file.seek(block * BLOCK + block % BLOCK)
                file.write(old)
    verify(built.name, archive)


def test_an_altered_archive_names_its_file(built: Built) -> None:
    data = bytearray(built.files.archive.read_bytes())
    data[500_000] ^= 1
    built.files.archive.write_bytes(data)
    with pytest.raises(EvidenceError, match="holds parts of: weights-1"):
        verify(built.name, built.files.archive, verity=built.files.verity)
    data[0] ^= 1  # now its members cannot be read: the refusal stays
    built.files.archive.write_bytes(data)
    with pytest.raises(EvidenceError, match="its root is"):
        verify(built.name, built.files.archive, verity=built.files.verity)


def test_an_archive_with_more_or_less_is_refused(built: Built) -> None:
    archive = built.files.archive
    size = archive.stat().st_size
    os.truncate(archive, size + BLOCK)
    with pytest.raises(EvidenceError, match="its archive has"):
        verify(built.name, archive, verity=built.files.verity)
    os.truncate(archive, size - BLOCK)
    with pytest.raises(EvidenceError):
        verify(built.name, archive)
    os.truncate(archive, size - 1)
    with pytest.raises(EvidenceError, match="whole number of blocks"):
        verify(built.name, archive)


def test_a_hash_tree_is_not_believed_unseen(built: Built, folder: Path) -> None:
    tree = built.files.verity
    good = tree.read_bytes()
    for offset in range(0, len(good), 97):
        bad = bytearray(good)
        bad[offset] ^= 4
        tree.write_bytes(bad)
        if 16 <= offset < 32 or 512 <= offset < BLOCK:
            verify(built.name, folder, verity=tree)  # its UUID, and what nobody reads
            continue
        with pytest.raises(EvidenceError):
            verify(built.name, folder, verity=tree)
    for bad_file in (b"", good[:BLOCK], good[:-1], Superblock(7).to_bytes() + bytes(BLOCK)):
        tree.write_bytes(bad_file)
        with pytest.raises(EvidenceError):
            verify(built.name, folder, verity=tree)
    tree.write_bytes(Superblock(built.size // BLOCK, b"salt").to_bytes() + good[BLOCK:])
    with pytest.raises(EvidenceError, match="another salt"):
        verify(built.name, folder, verity=tree)
    tree.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        verify(built.name, folder, verity=tree)


def test_what_is_not_there(built: Built, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        verify(built.name, tmp_path / "missing")


# --- proofs of workers ---


def test_a_single_file_is_pinned_to_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" * 3000)
    name = ModelName("m", "c", root_of(single_file(file)))
    pinned: list[str] = []
    (proven,) = LoadedFileProof(lambda: file, pinned.append).prove(str(name), ignore)
    assert proven.form is Form.FILE
    assert pinned == [proven.sha256]
    assert len(pinned[0]) == 64
    file.write_bytes(b"GGUF" * 2999 + b"gguf")
    with pytest.raises(EvidenceError):
        LoadedFileProof(lambda: file, pinned.append).prove(str(name), ignore)
    assert len(pinned) == 1


def test_a_worker_proves_archive_and_directory(built: Built, folder: Path) -> None:
    files, name = built.files, str(built.name)
    proof = FilesProof(files.archive, files.verity, folder)
    assert [one.form for one in proof.prove(name, ignore)] == [Form.ARCHIVE, Form.DIRECTORY]
    (folder / "weights-0").write_bytes(b"other")
    with pytest.raises(EvidenceError, match="weights-0"):
        proof.prove(name, ignore)
    for wrong in ("some/model", "some/model@c0ffee", name[:-1]):
        with pytest.raises(ConfigError, match="full model name"):
            proof.prove(wrong, ignore)
    with pytest.raises(ConfigError, match="archive"):
        FilesProof()
    with pytest.raises(ConfigError, match="not a single model file"):
        LoadedFileProof(lambda: files.archive, lambda _: None).prove(name, ignore)
