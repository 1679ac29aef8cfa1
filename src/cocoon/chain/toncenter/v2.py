"""The v2 API: an HTTP form of a liteserver. Every answer is wrapped in ``ok`` and ``result``."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState, AccountStatus, Head, MethodResult, TransactionRef
from cocoon.chain.cells import Cell
from cocoon.chain.refusals import exit_code_in, is_duplicate, is_rejection
from cocoon.chain.toncenter.caller import Answer, Caller, printable
from cocoon.chain.toncenter.values import (
    cell_text,
    decode,
    read_cell,
    read_hash,
    read_stack,
    write_v2,
)
from cocoon.chain.transaction import Transaction, parse_transaction
from cocoon.chain.vm_stack import StackValue
from cocoon.errors import (
    ChainDataError,
    ChainError,
    ContractError,
    DecodeError,
    MessageRejectedError,
)

PATH = "/api/v2/"
MASTERCHAIN = "-1"
NO_HASH = bytes(32)

_STATES = {
    "uninitialized": AccountStatus.UNINIT,
    "uninit": AccountStatus.UNINIT,
    "nonexist": AccountStatus.NONEXISTENT,
    "active": AccountStatus.ACTIVE,
    "frozen": AccountStatus.FROZEN,
}
METHOD_DONE = (0, 1)
"""Exit codes of a get-method that went well."""


class _Envelope(msgspec.Struct):
    ok: bool = False
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""


class _BlockId(msgspec.Struct):
    shard: str
    seqno: int
    root_hash: str


class _MasterchainInfo(msgspec.Struct):
    last: _BlockId
    init: _BlockId


class _Header(msgspec.Struct):
    gen_utime: int
    global_id: int | None = None


class _TransactionId(msgspec.Struct):
    lt: int
    hash: str


class _Account(msgspec.Struct):
    balance: int
    state: str
    last_transaction_id: _TransactionId
    sync_utime: int
    code: str = ""
    data: str = ""
    frozen_hash: str = ""


class _Transaction(msgspec.Struct):
    data: str
    transaction_id: _TransactionId


class _MethodResult(msgspec.Struct):
    exit_code: int
    stack: list[Any]
    gas_used: int = 0


class Network(msgspec.Struct):
    """What a server says of its network; None where it does not say."""

    zero_state: bytes | None
    network_id: int | None


class V2:
    """Calls of the v2 API.

    Args:
        caller: makes the requests.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def head(self, known: Head | None) -> tuple[Head, Network]:
        """The newest block; its header is only asked for if it is not the one known."""
        info = _result(await self._get("getMasterchainInfo"), _MasterchainInfo)
        network = Network(read_hash(info.init.root_hash, "zero state"), None)
        if known is not None and known.seqno == info.last.seqno:
            return known, network
        query = {
            "workchain": MASTERCHAIN,
            "shard": info.last.shard,
            "seqno": str(info.last.seqno),
        }
        header = _result(await self._get("getBlockHeader", **query), _Header)
        network.network_id = header.global_id
        return Head(info.last.seqno, header.gen_utime), network

    async def account(self, address: Address) -> AccountState:
        """An account."""
        answer = await self._get("getAddressInformation", address=address.raw())
        return _account(address, _result(answer, _Account))

    async def transactions(
        self, address: Address, limit: int, start: TransactionRef | None
    ) -> list[Transaction]:
        """Transactions from the newest, or from one given and that included, backwards."""
        query = {"address": address.raw(), "limit": str(limit)}
        if start is not None:
            query |= {"lt": str(start.lt), "hash": start.hash.hex()}
        answer = await self._get("getTransactions", **query)
        items = _result(answer, list[_Transaction])
        if len(items) > limit:
            raise ChainDataError(f"server sent {len(items)} transactions instead of {limit}")
        return [_transaction(item) for item in items]

    async def send(self, message: Cell) -> None:
        """Hand over an external message."""
        body = {"boc": cell_text(message)}
        answer = await self._caller.post(PATH + "sendBoc", body, is_verdict)
        if answer.status != 200 or not decode(answer.body, _Envelope).ok:
            check_refusal(answer)

    async def run(self, address: Address, method: str, stack: Sequence[StackValue]) -> MethodResult:
        """Run a get-method."""
        body = {"address": address.raw(), "method": method, "stack": write_v2(stack)}
        answer = await self._caller.post(PATH + "runGetMethod", body)
        return method_result(_result(answer, _MethodResult), address, method)

    async def _get(self, method: str, **query: str) -> Answer:
        return await self._caller.get(PATH + method, query)


def _result(answer: Answer, kind: Any) -> Any:
    envelope = decode(answer.body, _Envelope)
    if not envelope.ok or answer.status != 200:
        text = printable(envelope.error.encode(errors="replace"))
        raise ChainError(f"server refuses with HTTP {answer.status}: {text}")
    return decode(bytes(envelope.result), kind)


def is_verdict(body: bytes) -> bool:
    """Whether an error of the server is its contract's refusal: the same again tomorrow."""
    text = body.decode(errors="replace")
    return is_duplicate(text) or is_rejection(text)


def check_refusal(answer: Answer) -> None:
    """What it means that a server did not take a message.

    Raises:
        MessageRejectedError: its contract does not accept it.
        ChainError: another reason.
    """
    text = printable(answer.body)
    if is_duplicate(text):
        return
    if not is_rejection(text):
        raise ChainError(f"server does not take the message, HTTP {answer.status}: {text}")
    if answer.uncertain:
        # An attempt before may have got through, and then the contract rightly refuses the second.
        return
    raise MessageRejectedError(
        f"contract does not accept the message: {text}", exit_code_in(answer.body.decode("latin-1"))
    )


def method_result(result: Any, address: Address, method: str) -> MethodResult:
    """Check the exit code and read the stack of a get-method.

    Raises:
        ContractError: it failed.
        ChainDataError: the stack is malformed.
    """
    if result.exit_code not in METHOD_DONE:
        raise ContractError(
            f"get-method {method} of {address} fails with exit code {result.exit_code}",
            result.exit_code,
        )
    return MethodResult(read_stack(result.stack), result.gas_used)


def _account(address: Address, item: _Account) -> AccountState:
    status = _STATES.get(item.state)
    last = item.last_transaction_id.hash
    lt, balance = item.last_transaction_id.lt, item.balance
    if status is AccountStatus.UNINIT and not lt and balance <= 0:
        # This API has one name for both.
        status = AccountStatus.NONEXISTENT
    return account_state(
        address,
        status,
        max(balance, 0),
        code=read_cell(item.code, "code") if item.code else None,
        data=read_cell(item.data, "data") if item.data else None,
        last_lt=lt,
        last_hash=read_hash(last, "transaction hash") if last else NO_HASH,
        time=item.sync_utime,
        frozen_hash=read_hash(item.frozen_hash, "frozen hash") if item.frozen_hash else None,
    )


def account_state(
    address: Address, status: AccountStatus | None, balance: int, **rest: Any
) -> AccountState:
    """An account whose parts agree with each other.

    Raises:
        ChainDataError: they do not.
    """
    if status is None or balance < 0 or rest["last_lt"] < 0:
        raise ChainDataError(f"server's state of {address} is malformed")
    empty = rest["code"] is None and rest["data"] is None
    if not empty and status is not AccountStatus.ACTIVE:
        raise ChainDataError(f"server says that {address} has code, but is {status.value}")
    return AccountState(address, status, balance, **rest)


def _transaction(item: _Transaction) -> Transaction:
    cell = read_cell(item.data, "transaction")
    try:
        transaction = parse_transaction(cell)
    except DecodeError as error:
        raise ChainDataError(f"server's transaction is malformed: {error}") from None
    claimed = (item.transaction_id.lt, read_hash(item.transaction_id.hash, "transaction hash"))
    if claimed != (transaction.lt, transaction.hash):
        raise ChainDataError("server's transaction is not the one that it says it is")
    return transaction
