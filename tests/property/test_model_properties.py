"""Whatever a model holds: its archive can be read back, and every change has another root."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.attestation.measure.verity import (
    BLOCK,
    FANOUT,
    VerityBuilder,
    VerityLayout,
    hash_block,
    verify_block,
    verity_root,
)
from cocoon.errors import EvidenceError
from cocoon.model.archive import chunks, scan
from cocoon.model.name import ModelName
from cocoon.model.tar import (
    SIZE_LIMIT,
    Kind,
    Member,
    Placed,
    end_of_archive,
    header,
    read_members,
)

PARTS = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=80
).filter(lambda text: text not in (".", "..") and len(text.encode()) <= 255)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map(tuple)
SALTS = st.binary(max_size=256)


def naive_root(data: bytes, salt: bytes) -> bytes:
    """The definition, all in memory."""
    hashes = [hash_block(data[at : at + BLOCK], salt) for at in range(0, len(data), BLOCK)]
    while len(hashes) > 1:
        groups = [hashes[at : at + FANOUT] for at in range(0, len(hashes), FANOUT)]
        hashes = [hash_block(b"".join(group).ljust(BLOCK, b"\0"), salt) for group in groups]
    return hashes[0]


@settings(deadline=None)
@given(st.integers(1, 400), SALTS, st.lists(st.integers(1, 300_000), max_size=20), st.data())
def test_the_builder_follows_the_definition(
    blocks: int, salt: bytes, cuts: list[int], draw: st.DataObject
) -> None:
    data = b"".join(hash_block(index.to_bytes(BLOCK, "little")) * 128 for index in range(blocks))
    nodes: dict[int, bytes] = {}
    layout = VerityLayout(blocks)
    builder = VerityBuilder(
        salt, lambda level, index, node: nodes.__setitem__(layout.offset(level, index), node)
    )
    rest = data
    for cut in cuts:
        builder.feed(rest[:cut])
        rest = rest[cut:]
    builder.feed(rest)
    root = builder.finish()
    assert root == naive_root(data, salt)
    assert len(nodes) == sum(layout.levels) == layout.size // BLOCK - 1
    index = draw.draw(st.integers(0, blocks - 1))
    path = [nodes[offset] for offset in layout.path(index)]
    block = data[index * BLOCK : (index + 1) * BLOCK]
    verify_block(block, index, path, root, salt)
    bit = draw.draw(st.integers(0, BLOCK * 8 - 1))
    altered = bytearray(block)
    altered[bit // 8] ^= 1 << bit % 8
    try:
        verify_block(bytes(altered), index, path, root, salt)
    except EvidenceError:
        return
    raise AssertionError("an altered block passes")


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(PATHS, st.binary(max_size=1500), min_size=1, max_size=6), st.data())
def test_archives_of_any_files_are_read_back(
    files: dict[tuple[str, ...], bytes], draw: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for parts, content in files.items():
            path = Path(folder, *parts)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            except OSError:
                continue  # a file stands where a folder should be, or the name is too long
        made_of = scan(Path(folder))
        data = b"".join(chunks(made_of, draw.draw(st.integers(1, 3000))))
        held = {
            member.name: path.read_bytes() for member, path in made_of.members if path is not None
        }
    placed = list(read_members(lambda offset, size: data[offset : offset + size], len(data)))
    assert placed == list(made_of.placed())
    assert len(data) == made_of.size
    for one in placed:
        if one.member.kind is Kind.FILE:
            content = data[one.content : one.content + one.member.size]
            assert content == held[one.member.name]
    at = draw.draw(st.integers(0, len(data) - 1))
    assert verity_root([data[:at], bytes([data[at] ^ 1]), data[at + 1 :]]) != verity_root([data])


@given(
    st.binary(min_size=1, max_size=400).filter(
        lambda name: not set(name) & {0, ord("/")} and name not in (b".", b"..")
    ),
    st.integers(0, 0o7777),
    st.one_of(st.integers(0, 10_000), st.integers(SIZE_LIMIT - 2, SIZE_LIMIT * 4)),
)
def test_any_header_is_read_back(name: bytes, mode: int, size: int) -> None:
    member = Member(b"./" + name, Kind.FILE, mode, size)
    written = header(member)
    end = len(written) + member.padded_size
    tail = end_of_archive(end)

    def read(offset: int, length: int) -> bytes:
        if offset < len(written):
            return written[offset : offset + length]
        return tail[offset - end : offset - end + length]

    assert list(read_members(read, end + len(tail))) == [Placed(member, 0, len(written))]
    assert len(written) % 512 == 0
    assert (end + len(tail)) % 4096 == 0


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
    st.binary(min_size=32, max_size=32),
)
def test_any_name_is_read_back(name: str, commit: str, root: bytes) -> None:
    full = ModelName(name.replace("@", "_"), commit.replace(":", "_"), root)
    assert ModelName.parse(str(full)) == full
