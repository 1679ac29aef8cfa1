"""Any bytes as a liteserver's answer or proof: read, or DecodeError."""

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.liteserver import tl
from cocoon.chain.liteserver.proofs import check_shard, prove_account, read_header
from cocoon.chain.liteserver.servers import read_servers
from cocoon.errors import ConfigError, DecodeError

BLOCK = tl.BlockId(-1, tl.ALL_OF_IT, 5, bytes(32), bytes(32))
ADDRESS = Address(bytes(32))


def read_tl(data: bytes) -> None:
    read = tl.TlReader(data)
    read.block()
    read.text()
    read.unsigned()
    read.text()
    read.end()


def round_trip(data: bytes) -> None:
    cell = from_boc(data, max_bytes=4096, max_cells=64, proofs=True)
    if from_boc(to_boc(cell), proofs=True) != cell:
        raise AssertionError("proof does not round-trip")


def fuzz_one(data: bytes) -> None:
    for read in (
        read_tl,
        round_trip,
        lambda data: read_header(data, BLOCK),
        lambda data: check_shard(data, BLOCK, BLOCK, ADDRESS),
        lambda data: prove_account(data, BLOCK, ADDRESS),
        read_servers,
    ):
        try:
            read(data)
        except (DecodeError, ConfigError):
            continue


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
