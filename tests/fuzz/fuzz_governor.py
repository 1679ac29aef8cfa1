"""Any cells as a governor's data, its log messages, and as what it decides about."""

import contextlib

from cocoon.chain.boc import from_boc
from cocoon.chain.contracts.governor import GovernorLog
from cocoon.chain.contracts.governor_state import GovernorState
from cocoon.chain.contracts.root_operations import describe_action, describe_operation
from cocoon.errors import DecodeError


def fuzz_one(data: bytes) -> None:
    try:
        cell = from_boc(data, max_bytes=4096, max_cells=64)
    except DecodeError:
        return
    describe_action(cell)
    describe_operation(cell)
    with contextlib.suppress(DecodeError):
        GovernorLog.from_body(cell)
    try:
        state = GovernorState.from_data(cell)
    except DecodeError:
        return
    if GovernorState.from_data(state.data()) != state:
        raise AssertionError("governor's data does not round-trip")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
