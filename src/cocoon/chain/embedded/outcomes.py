"""What the emulator answers, as its JSON says it."""

import msgspec


class Emulated(msgspec.Struct, frozen=True):
    """What became of a message.

    Args:
        success: whether there is a transaction; false for an external message that was not
            accepted, and for input that the emulator does not understand.
        transaction: bag of cells.
        shard_account: bag of cells, the account afterwards.
        error: why there is none.
        vm_exit_code: exit code of the contract that did not accept.
        external_not_accepted: whether that was the reason.
        vm_log: what the virtual machine did, as far as the verbosity wants it.
    """

    success: bool
    transaction: bytes = b""
    shard_account: bytes = b""
    error: str = ""
    vm_exit_code: int | None = None
    external_not_accepted: bool = False
    vm_log: str = ""


class MethodOutcome(msgspec.Struct, frozen=True):
    """What a get-method did.

    Args:
        success: whether the virtual machine ran at all.
        stack: bag of cells, the stack at the end.
        gas_used: gas units, decimal.
        vm_exit_code: 0 or 1 if it ended well.
        error: why it did not run.
        vm_log: as for :class:`Emulated`.
    """

    success: bool
    stack: bytes = b""
    gas_used: str = "0"
    vm_exit_code: int = 0
    error: str = ""
    vm_log: str = ""


class TransactionAnswer(msgspec.Struct, frozen=True):
    """Of a transaction: an outcome, or the reason for none."""

    fail: bool = False
    message: str = ""
    output: Emulated | None = None


class MethodAnswer(msgspec.Struct, frozen=True):
    """Of a get-method: an outcome, or the reason for none."""

    fail: bool = False
    message: str = ""
    output: MethodOutcome | None = None
