"""Any bytes as a liteserver's answer or proof: read, or DecodeError."""

from cocoon.chain.address import Address
from cocoon.chain.liteserver import tl
from cocoon.chain.liteserver.proof_cells import read_proofs
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


def fuzz_one(data: bytes) -> None:
    for read in (
        read_tl,
        lambda data: read_proofs(data, max_bytes=4096, max_cells=64, roots=1),
        lambda data: read_proofs(data, max_bytes=4096, max_cells=64, roots=2),
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
