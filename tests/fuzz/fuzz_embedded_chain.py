"""Any bytes as a message, a contract and arguments: the chain goes on, or raises a ChainError."""

from cocoon.chain.boc import from_boc
from cocoon.chain.contracts.state_init import contract_address, state_init
from cocoon.chain.embedded.emulator import shared_emulator
from cocoon.chain.message import external_in
from cocoon.errors import ChainError, DecodeError
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.probe import Probe

CHAIN = memory_chain()
PROBE = Probe().deploy(CHAIN)
START = CHAIN.snapshot()
CONFIG = shared_emulator().default_config


def fuzz_one(data: bytes) -> None:
    emulate(data)
    try:
        cell = from_boc(data, max_bytes=4096, max_cells=64)
    except DecodeError:
        # Most inputs are no bags of cells; make one of them.
        number = int.from_bytes(data[:127], "big")
        cell = Probe(1).code if not data else type(Probe(1).code)(number, 8 * len(data[:127]))
    address = contract_address(cell, cell)
    for work in (
        lambda: CHAIN.send(cell),
        lambda: CHAIN.send(external_in(PROBE.address, cell)),
        lambda: CHAIN.run(PROBE.address, "echo", (cell,)),
        lambda: CHAIN.faucet(address, TON, init=state_init(cell, cell), body=cell),
        lambda: CHAIN.run(address, "total"),
    ):
        try:
            work()
        except (ChainError, DecodeError):
            continue
    if CHAIN.head().seqno > 200:
        CHAIN.restore(START)
    if CHAIN.run(PROBE.address, "sum", (1, 2)).stack != (3,):
        raise AssertionError("the chain does not work any more")


def emulate(data: bytes) -> None:
    """The bytes without any parser of ours before the emulator."""
    half = len(data) // 2
    try:
        shared_emulator().transaction(
            data[:half],
            data[half:],
            config=CONFIG,
            now=1,
            lt=1,
            seed=bytes([7]) * 32,
            libraries=data[::3],
        )
    except ChainError:
        return


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
