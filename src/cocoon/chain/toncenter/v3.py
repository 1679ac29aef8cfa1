"""The v3 API: an index of the chain. One request tells more; transaction cells it does not send."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState, AccountStatus, Head, MethodResult
from cocoon.chain.cells import Cell
from cocoon.chain.toncenter.caller import Answer, Caller, printable
from cocoon.chain.toncenter.v2 import (
    Network,
    account_state,
    check_refusal,
    is_verdict,
    method_result,
)
from cocoon.chain.toncenter.values import cell_text, decode, read_cell, read_hash, write_v3
from cocoon.chain.vm_stack import StackValue
from cocoon.errors import ChainDataError, ChainError, DecodeError

PATH = "/api/v3/"

_STATES = {
    "uninit": AccountStatus.UNINIT,
    "nonexist": AccountStatus.NONEXISTENT,
    "active": AccountStatus.ACTIVE,
    "frozen": AccountStatus.FROZEN,
}


class _Block(msgspec.Struct):
    seqno: int
    gen_utime: int
    global_id: int | None = None


class _MasterchainInfo(msgspec.Struct):
    last: _Block


class _Account(msgspec.Struct):
    address: str
    balance: int = 0
    status: str = "nonexist"
    code_boc: str | None = None
    data_boc: str | None = None
    code_hash: str | None = None
    data_hash: str | None = None
    frozen_hash: str | None = None
    last_transaction_lt: int | None = None
    last_transaction_hash: str | None = None


class _Accounts(msgspec.Struct):
    accounts: list[_Account]


class _MethodResult(msgspec.Struct):
    exit_code: int
    stack: list[Any]
    gas_used: int = 0


class V3:
    """Calls of the v3 API.

    Args:
        caller: makes the requests.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def head(self) -> tuple[Head, Network]:
        """The newest block."""
        answer = await self._caller.get(PATH + "masterchainInfo", {})
        block = _value(answer, _MasterchainInfo).last
        return Head(block.seqno, block.gen_utime), Network(None, block.global_id)

    async def account(self, address: Address, time: int) -> AccountState:
        """An account; the API does not say of when, so ``time`` is taken."""
        query = {"address": address.raw(), "include_boc": "true"}
        answer = await self._caller.get(PATH + "accountStates", query)
        found = _value(answer, _Accounts).accounts
        if not found:
            return AccountState(address, AccountStatus.NONEXISTENT, 0, time=time)
        item = found[0]
        if len(found) != 1 or not _is(address, item.address):
            raise ChainDataError(f"server sends another account instead of {address}")
        last, frozen = item.last_transaction_hash, item.frozen_hash
        return account_state(
            address,
            _STATES.get(item.status),
            item.balance,
            code=_checked_cell(item.code_boc, item.code_hash, "code"),
            data=_checked_cell(item.data_boc, item.data_hash, "data"),
            last_lt=item.last_transaction_lt or 0,
            last_hash=read_hash(last, "transaction hash") if last else bytes(32),
            time=time,
            frozen_hash=read_hash(frozen, "frozen hash") if frozen else None,
        )

    async def send(self, message: Cell) -> None:
        """Hand over an external message."""
        body = {"boc": cell_text(message)}
        answer = await self._caller.post(PATH + "message", body, is_verdict)
        if answer.status != 200:
            check_refusal(answer)

    async def run(self, address: Address, method: str, stack: Sequence[StackValue]) -> MethodResult:
        """Run a get-method."""
        body = {"address": address.raw(), "method": method, "stack": write_v3(stack)}
        answer = await self._caller.post(PATH + "runGetMethod", body)
        return method_result(_value(answer, _MethodResult), address, method)


def _value(answer: Answer, kind: Any) -> Any:
    if answer.status != 200:
        text = printable(answer.body)
        raise ChainError(f"server refuses with HTTP {answer.status}: {text}")
    return decode(answer.body, kind)


def _is(address: Address, text: str) -> bool:
    try:
        return Address.parse(text) == address
    except DecodeError:
        return False


def _checked_cell(boc: str | None, claimed: str | None, what: str) -> Cell | None:
    """A cell that has the hash that the server says."""
    if not boc:
        return None
    cell = read_cell(boc, what)
    if claimed and read_hash(claimed, f"{what} hash") != cell.hash:
        raise ChainDataError(f"server's {what} does not have the hash that it says")
    return cell
