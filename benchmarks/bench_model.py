"""Hashing a model against ``hashlib.sha256`` alone over the same bytes, in one run.

Prints MB/s of one SHA-256 over everything in memory (the most that any of this can reach), of the
dm-verity tree in memory, of the root of a directory's archive (read, framed and hashed), of a build
(the same, written and synchronised) and of a verification with the hash file at hand; and the peak
memory that the root of a directory needs beyond what is there before::

    python benchmarks/bench_model.py [--rounds 5] [--megabytes 256]
"""

import argparse
import hashlib
import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from cocoon.attestation.measure.verity import verity_root
from cocoon.model.archive import scan
from cocoon.model.build import build, root_of
from cocoon.model.verify import verify

MB = 10**6
FILES = 4


def make(folder: Path, megabytes: int) -> bytes:
    """A directory of a few files; returns one of their contents."""
    part = os.urandom(megabytes * MB // FILES // 4096 * 4096)
    for number in range(FILES):
        (folder / f"weights-{number}.safetensors").write_bytes(part)
    return part


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak(work: Callable[[], object]) -> int:
    """Bytes that one call needs at most, of those that Python knows."""
    tracemalloc.start()
    work()
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return used


def main() -> None:
    """Measure, interleaved, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=256)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, images = Path(place) / "model", Path(place) / "images"
        folder.mkdir()
        images.mkdir()
        part = make(folder, arguments.megabytes)
        made_of = scan(folder)
        built = build(made_of, "benchmark", "1", images)
        total = FILES * len(part)

        def alone() -> None:
            digest = hashlib.sha256()
            for _ in range(FILES):
                digest.update(part)

        cases: dict[str, Callable[[], object]] = {
            "hashlib.sha256 alone": alone,
            "verity tree in memory": lambda: verity_root([part] * FILES),
            "root of a directory": lambda: root_of(made_of),
            "build": lambda: build(made_of, "benchmark", "1", images),
            "verify with the hash file": lambda: verify(
                built.name, built.files.archive, verity=built.files.verity
            ),
        }
        rounds = [
            {name: seconds(work) for name, work in cases.items()} for _ in range(arguments.rounds)
        ]
        base = statistics.median(one["hashlib.sha256 alone"] for one in rounds)
        for name in cases:
            took = statistics.median(one[name] for one in rounds)
            print(f"{name:28} {total / took / MB:7.0f} MB/s   {base / took:5.2f}")
        print(
            f"peak memory of a directory's root: {peak(cases['root of a directory']) / MB:.1f} MB"
        )


if __name__ == "__main__":
    main()
