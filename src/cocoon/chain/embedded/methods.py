"""Get-methods on the embedded chain."""

import binascii
from collections.abc import Sequence

from cocoon.chain.backend import MethodResult
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.embedded.accounts import Contract
from cocoon.chain.embedded.emulator import Emulator
from cocoon.chain.embedded.records import MAX_RECORD_BYTES, MAX_RECORD_CELLS
from cocoon.chain.exit_codes import describe
from cocoon.chain.vm_stack import StackValue, parse_stack, serialize_stack
from cocoon.errors import ChainDataError, ContractError, DecodeError

_SUCCESS = (0, 1)
_NO_SUCH_METHOD = 11


def method_id(name: str) -> int:
    """The number of a get-method: CRC-16 of its name, in the range of user methods."""
    return binascii.crc_hqx(name.encode(), 0) | 0x10000


def run_method(
    emulator: Emulator,
    contract: Contract,
    method: str | int,
    stack: Sequence[StackValue],
    *,
    config: bytes,
    libraries: bytes,
    now: int,
    seed: bytes,
) -> MethodResult:
    """Run a get-method.

    Args:
        emulator: the virtual machine.
        contract: what to run it on.
        method: name, or number.
        stack: arguments, first is the bottom of the stack.
        config: network configuration, bag of cells.
        libraries: dictionary of published cells, bag of cells; empty for none.
        now: Unix seconds.
        seed: 32 bytes.

    Raises:
        ContractError: there is no such contract or method, or it failed.
        ChainDataError: it returned something that no backend can pass on.
    """
    state = contract.state
    if not state.is_active:
        raise ContractError(f"there is no contract at {state.address}: {state.status.value}")
    try:
        arguments = to_boc(serialize_stack(stack))
    except DecodeError as error:
        raise ContractError(f"the arguments of {method} do not fit: {error}") from error
    outcome = emulator.run_method(
        code=contract.code,
        data=contract.data,
        method_id=method if isinstance(method, int) else method_id(method),
        stack=arguments,
        address=state.address,
        balance=state.balance,
        config=config,
        now=now,
        seed=seed,
        libraries=libraries,
    )
    if not outcome.success:
        raise ContractError(f"get-method {method} of {state.address} did not run: {outcome.error}")
    code = outcome.vm_exit_code
    if code not in _SUCCESS:
        text = "no such method" if code == _NO_SUCH_METHOD else describe(code)
        raise ContractError(f"get-method {method} of {state.address}: {text}", code)
    try:
        cell = from_boc(outcome.stack, max_bytes=MAX_RECORD_BYTES, max_cells=MAX_RECORD_CELLS)
        return MethodResult(parse_stack(cell), int(outcome.gas_used))
    except DecodeError as error:
        raise ChainDataError(f"get-method {method} of {state.address}: {error}") from error
