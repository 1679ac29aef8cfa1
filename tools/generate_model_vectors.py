"""Write ``vectors/attestation/verity.json`` and ``model.json``, with the official tools.

Needs GNU tar and ``veritysetup``: they are the source of every root here. The options are those of
the official ``build-model`` (``attestation.md`` §9)::

    python tools/generate_model_vectors.py
"""

import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "vectors" / "attestation"
SALT = "00010203040506070809101a1b1c1d1e1f"
UUID = "645ac31f-7610-42e1-8434-9d733699eac0"
TAR = [
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
C_LOCALE = {**os.environ, "LC_ALL": "C"}

BLOCKS = (1, 2, 127, 128, 129, 16_384, 16_385)
SALTS = ("", "00", "ff" * 32, "a5" * 256)

SMALL = [
    {"path": "config.json", "size": 700},
    {"path": "model.safetensors", "size": 300_001},
    {"path": "empty", "size": 0},
    {"path": "tokenizer/merges.txt", "size": 512},
    {"path": "Z", "size": 5, "mode": 0o755},
]
TREES: dict[str, list[dict[str, Any]]] = {
    "a small model": SMALL,
    "what a download leaves behind is left out": [*SMALL, {"path": ".cache/x/lock", "size": 9}],
    "only the owner's bits of the mode count": [
        {**entry, "mode": mode}
        for entry, mode in zip(SMALL, (0o600, 0o664, 0o666, 0o640, 0o700), strict=True)
    ],
    "other modes are another model": [
        {"path": "readonly", "size": 1, "mode": 0o444},
        {"path": "run", "size": 1, "mode": 0o700},
    ],
    "a single file": [{"path": "model.gguf", "size": 5000}],
    "names are sorted by bytes, folder by folder": [
        {"path": path, "size": 1} for path in ("a/x", "a.b/x", "a-b", "B", "b", "ab/c/d", "ab/c.d")
    ],
    "long names": [{"path": "n" * length, "size": 3} for length in (97, 98, 99, 100, 200, 255)]
    + [{"path": f"{'d' * 200}/{'e' * 200}/f", "size": 3}],
    "names that are not ASCII": [
        {"path": "modèle/poids-é.bin", "size": 3},
        {"path": "模型.json", "size": 3},
        {"path": "two\nlines", "size": 1},
    ],
    "links": [
        {"path": "weights.bin", "size": 600},
        {"path": "link", "link": "weights.bin"},
        {"path": "sub/up", "link": "../weights.bin"},
        {"path": "poids-é", "size": 1},
        {"path": "to-poids", "link": "poids-é"},
        {"path": "y" * 110, "size": 1},
        {"path": "k" * 110, "link": "y" * 110},
    ],
    "a file with two names": [
        {"path": "a/weights.bin", "size": 600},
        {"path": "b/weights.bin", "same_as": "a/weights.bin"},
    ],
    "content that fills its blocks exactly": [{"path": "x", "size": 512 * 13}],
}
NAMES = [
    {
        "name": "Qwen/Qwen3-8B@b968826d9c46dd6066d109eabc6255188de91218:"
        "7e9d33bebf5518e0dc666e5a04ffbab247ff5878f91a9a55a6e942fe245a8ee9",
        "expect": "ok",
        "hash": "4e8d0d15a82615d4fa5aff8bb7a114152c7c17a517a809d7a7670c149079d2d3",
        "archive": "Qwen_Qwen3_8B.tar",
    },
    *(
        {"name": name, "expect": "ConfigError"}
        for name in (
            "",
            "name",
            "name@commit",
            "name@commit:",
            "@commit:" + "0" * 64,
            "name@:" + "0" * 64,
            "name@commit:" + "0" * 63,
            "name@commit:" + "0" * 65,
            "name@commit:" + "A" * 64,
            "na me@commit:" + "0" * 64,
            "name@com\nmit:" + "0" * 64,
            "näme@commit:" + "0" * 64,
            "name@commit:" + "0" * 64 + "\n",
            "n" * 512 + "@commit:" + "0" * 64,
        )
    ),
]
BAD_ARCHIVES = [
    ("a bit of the content", 3000, "00"),
    ("another mode", 100, "0000777"),
    ("another owner", 108, "0000001"),
    ("a time", 136, "00000000001"),
    ("a checksum", 148, "000000"),
    ("a name that leads out", 512, "../conf"),
    ("a type that no model has", 512 + 156, "3"),
    ("a size that is no number", 512 + 124, "0000000000x"),
]


def content(path: str, size: int) -> bytes:
    """A file's bytes: its path and a line's end, again and again."""
    line = path.encode() + b"\n"
    return (line * (size // len(line) + 1))[:size]


def make(folder: Path, tree: list[dict[str, Any]]) -> None:
    """Put the files of a case into a folder, which gets mode 755."""
    folder.mkdir(mode=0o755)
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


def gnu_tar(folder: Path) -> bytes:
    """The official archive of a folder."""
    command = ["tar", "-cf", "-", *TAR, "--exclude=./.cache", "-C", str(folder), "."]
    data = subprocess.run(command, check=True, capture_output=True, env=C_LOCALE).stdout
    return data + bytes(4096 - len(data) % 4096)


def huge_header(folder: Path) -> dict[str, Any]:
    """What GNU tar writes before a file of more than 8 GiB; nobody waits for its content."""
    place, name, size = folder / "huge", "L" * 120, 8**11 + 5
    place.mkdir(mode=0o755)
    with open(place / name, "wb") as file:
        file.truncate(size)  # a hole, not a byte is stored
    command = ["tar", "-cf", "-", *TAR, "-C", str(place), "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=C_LOCALE) as running:
        assert running.stdout is not None
        data = running.stdout.read(512 * 4)
        running.kill()
    return {
        "name": "a file of more than 8 GiB",
        "source": "GNU tar 1.34",
        "expect": "ok",
        "member": f"./{name}",
        "size": size,
        "mode": 0o644,
        "header": data[512:].hex(),
    }


def veritysetup(data: Path, salt: str = SALT) -> tuple[str, bytes]:
    """Root and hash file, as the official tool makes them."""
    with tempfile.TemporaryDirectory() as folder:
        tree, root = Path(folder) / "tree", Path(folder) / "root"
        command = ["veritysetup", "format", f"--uuid={UUID}", f"--salt={salt or '-'}"]
        command += [str(data), str(tree), f"--root-hash-file={root}"]
        subprocess.run(command, check=True, capture_output=True)
        return root.read_text().strip(), tree.read_bytes()


def verity_cases(folder: Path) -> list[dict[str, Any]]:
    """Trees of all heights, and salts of all lengths."""
    cases = []
    wanted = [(count, SALT) for count in BLOCKS] + [(130, salt) for salt in SALTS]
    for count, salt in wanted:
        data = folder / "data"
        data.write_bytes(b"".join(index.to_bytes(8, "little") * 512 for index in range(count)))
        root, tree = veritysetup(data, salt)
        cases.append(
            {
                "name": f"{count} blocks, salt of {len(salt) // 2} bytes",
                "source": "veritysetup 2.6.1; block i is i as 8 little-endian bytes, 512 times",
                "expect": "ok",
                "blocks": count,
                "salt": salt,
                "root": root,
                "hash_file_bytes": len(tree),
                "hash_file_sha256": hashlib.sha256(tree).hexdigest(),
                "superblock": tree[:512].hex(),
            }
        )
    return cases


def model_cases(folder: Path) -> list[dict[str, Any]]:
    """Archives of all kinds of directories."""
    cases = []
    for number, (name, tree) in enumerate(TREES.items()):
        place = folder / f"model-{number}"
        make(place, tree)
        data = gnu_tar(place)
        archive = folder / "archive"
        archive.write_bytes(data)
        cases.append(
            {
                "name": name,
                "source": "GNU tar 1.34 and veritysetup 2.6.1, as attestation.md §9 says",
                "expect": "ok",
                "tree": tree,
                "archive_bytes": len(data),
                "archive_sha256": hashlib.sha256(data).hexdigest(),
                "root": veritysetup(archive)[0],
            }
        )
    return cases


def main() -> None:
    """Write both files."""
    with tempfile.TemporaryDirectory() as folder:
        verity = verity_cases(Path(folder))
        models = model_cases(Path(folder))
        huge = huge_header(Path(folder))
    document = {
        "content": "a file is its path and a line feed, repeated up to its size; mode 644 unless "
        "given, folders 755",
        "archives": models,
        "headers": [huge],
        "names": NAMES,
        "bad_archives": [
            {"name": name, "offset": offset, "bytes": text, "expect": "EvidenceError"}
            for name, offset, text in BAD_ARCHIVES
        ],
    }
    (FOLDER / "verity.json").write_text(json.dumps(verity, indent=1) + "\n")
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    (FOLDER / "model.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
