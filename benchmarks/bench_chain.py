"""The embedded chain against its emulator alone, in one run.

Prints transactions per second of a bare call of the emulator (the same message on the same account,
again and again), of a chain in memory and of a chain in a file, all one block an order; an order is
one external message that makes three transactions: a contract, the contract that it calls, and the
answer. Then get-methods, and what snapshots cost::

    python benchmarks/bench_chain.py [--rounds 3] [--orders 100]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cocoon.chain.boc import to_boc
from cocoon.chain.embedded import EmbeddedChain
from cocoon.chain.embedded.emulator import shared_emulator
from cocoon.chain.message import OutMessage
from cocoon.testing.chain import GENESIS, TON
from cocoon.testing.probe import Probe, add

FIRST, SECOND = Probe(1), Probe(2)


def new_chain(path: Path | None) -> EmbeddedChain:
    chain = EmbeddedChain(path, now=GENESIS)
    for probe in (FIRST, SECOND):
        probe.deploy(chain, 1000 * TON)
    return chain


def order(number: int) -> OutMessage:
    return OutMessage(SECOND.address, TON // 10, add(100 + number))


def rate(work: Callable[[int], int], count: int) -> float:
    """Transactions a second of so many calls, each of which says how many it made."""
    started = time.perf_counter()
    done = sum(work(number) for number in range(count))
    return done / (time.perf_counter() - started)


def bare(orders: int) -> float:
    emulator = shared_emulator()
    with new_chain(None) as chain:
        account = chain._accounts.boc(FIRST.address)
        assert account is not None
        message = to_boc(FIRST.order(0, order(0)))

        def call(_number: int) -> int:
            for _ in range(3):
                outcome = emulator.transaction(
                    account,
                    message,
                    config=emulator.default_config,
                    now=GENESIS,
                    lt=10**9,
                    seed=bytes([7]) * 32,
                )
                assert outcome.success
            return 3

        return rate(call, orders)


def sending(path: Path | None, orders: int) -> float:
    with new_chain(path) as chain:
        return rate(lambda number: len(chain.send(FIRST.order(number, order(number)))), orders)


def batches(path: Path | None, orders: int) -> float:
    """Four orders an external message, so 12 transactions a block."""
    with new_chain(path) as chain:

        def batch(number: int) -> int:
            messages = [order(4 * number + k) for k in range(4)]
            return len(chain.send(FIRST.order(number, *messages)))

        return rate(batch, orders // 4)


def methods(path: Path | None, orders: int) -> float:
    with new_chain(path) as chain:
        return rate(lambda _: len(chain.run(SECOND.address, "total").stack), orders)


def snapshots(path: Path | None, orders: int) -> float:
    """Rounds of going back and one faucet message, on a chain with as many orders."""
    with new_chain(path) as chain:
        for number in range(orders):
            chain.send(FIRST.order(number, order(number)))
        kept = chain.snapshot()

        def back(_number: int) -> int:
            chain.restore(kept)
            return len(chain.faucet(SECOND.address, TON))

        return rate(back, 20)


CASES = {
    "3 a block, transactions/s": sending,
    "12 a block, transactions/s": batches,
    "get-methods/s": methods,
    "restore and one transaction/s": snapshots,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--orders", type=int, default=100)
    options = parser.parse_args()
    started = time.perf_counter()
    shared_emulator()
    print(f"emulator ready after {time.perf_counter() - started:.2f} s")
    results: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            cases: dict[str, Callable[[int], float]] = {"emulator alone, transactions/s": bare}
            for name, case in CASES.items():
                file = Path(folder) / f"{number} {case.__name__}.sqlite"
                cases[f"memory, {name}"] = partial(case, None)
                cases[f"file, {name}"] = partial(case, file)
            for name, case in cases.items():
                results.setdefault(name, []).append(case(options.orders))
    base = results["emulator alone, transactions/s"]
    print(f"medians of {options.rounds} interleaved rounds\n{'':44}{'':>8}{'/ emulator':>12}")
    for name, values in results.items():
        ratios = [value / one for value, one in zip(values, base, strict=True)]
        print(f"{name:44}{statistics.median(values):8.0f}{statistics.median(ratios):12.2f}")


if __name__ == "__main__":
    main()
