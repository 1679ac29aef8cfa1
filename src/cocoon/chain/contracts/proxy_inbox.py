"""What arrives at a proxy contract, read from the bodies of its transactions (``onchain.md`` §9).

The proxy learns of registrations, top-ups, charges and its own commits by reading the incoming
messages of its contract. A body proves nothing: a caller must compare the message's source with
the address that it derives from the ``owner`` in the body, and look at the transaction's outcome
(the official client's notifications never execute and count all the same, defect D16).
"""

from dataclasses import dataclass
from typing import TypeAlias

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts.client_state import ClientSnapshot
from cocoon.chain.contracts.fields import ContractPhase, head, read_phase
from cocoon.chain.contracts.proxy import save_state_body
from cocoon.chain.contracts.proxy_envelopes import (
    CLOSE_OPERATIONS,
    SignedClose,
    SignedCommit,
    read_close,
    read_commit,
)
from cocoon.chain.contracts.proxy_messages import TEXT_CLOSE, TEXT_WITHDRAW
from cocoon.chain.message import Message
from cocoon.errors import DecodeError


@dataclass(frozen=True, slots=True)
class TopUp:
    """Payload: this much was prepaid. ``excesses``: who receives what is left."""

    amount: int
    excesses: Address


@dataclass(frozen=True, slots=True)
class Register:
    """Payload: the owner repeats the number that the proxy gave it."""

    nonce: int


@dataclass(frozen=True, slots=True)
class RefundGranted:
    """Payload: pay this much back to the client's owner."""

    amount: int
    excesses: Address


@dataclass(frozen=True, slots=True)
class RefundForced:
    """Payload: likewise, because the client waited long enough."""

    amount: int
    excesses: Address


ClientPayload: TypeAlias = TopUp | Register | RefundGranted | RefundForced


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A client contract's message.

    Args:
        query_id: 64-bit number.
        owner: the client; the sender must be the contract derived from it.
        snapshot: the contract's state after the operation.
        payload: what it wants; None for a mere notification of the state.
    """

    query_id: int
    owner: Address
    snapshot: ClientSnapshot
    payload: ClientPayload | None = None

    def cell(self) -> Cell:
        """The message body."""
        out = head(opcodes.CLIENT_PROXY_REQUEST, self.query_id).address(self.owner)
        out.ref(self.snapshot.cell())
        return out.maybe_ref(None if self.payload is None else _client_payload(self.payload)).cell()


@dataclass(frozen=True, slots=True)
class ClientCharged:
    """Our client contract: this much of the balance is charged (see ``ProxyLedger``).

    Args:
        query_id: 64-bit number.
        amount: nanoTON.
        owner: the client; the sender must be the contract derived from it.
        excesses: who receives what is left.
    """

    query_id: int
    amount: int
    owner: Address
    excesses: Address

    def cell(self) -> Cell:
        """The message body."""
        out = head(opcodes.CLIENT_PROXY_CHARGED, self.query_id).coins(self.amount)
        return out.address(self.owner).address(self.excesses).cell()


@dataclass(frozen=True, slots=True)
class PayoutRequest:
    """Payload: pay the worker, book the commission.

    Args:
        worker_part: nanoTON.
        proxy_part: nanoTON.
        excesses: who receives what is left.
    """

    worker_part: int
    proxy_part: int
    excesses: Address


@dataclass(frozen=True, slots=True)
class WorkerRequest:
    """A worker contract's message.

    Args:
        query_id: 64-bit number.
        owner: the worker's owner; the sender must be the contract derived from it.
        phase: of the worker contract.
        tokens: its counter after the operation.
        payload: what it wants; None for a mere greeting.
    """

    query_id: int
    owner: Address
    phase: ContractPhase
    tokens: int
    payload: PayoutRequest | None = None

    def cell(self) -> Cell:
        """The message body."""
        out = head(opcodes.WORKER_PROXY_REQUEST, self.query_id).address(self.owner)
        out.uint(self.phase, 2).uint(self.tokens, 64)
        payload = None
        if self.payload is not None:
            part = Builder().uint(opcodes.WORKER_PROXY_PAYOUT_REQUEST, 32)
            part.coins(self.payload.worker_part).coins(self.payload.proxy_part)
            payload = part.address(self.payload.excesses).cell()
        return out.maybe_ref(payload).cell()


@dataclass(frozen=True, slots=True)
class SaveState:
    """A commit of the official kind; only from the proxy's own wallet it means anything.

    Args:
        query_id: 64-bit number.
        seqno: of the flush, 0…2³¹-1.
        session_hash: 32 bytes of the process that wrote it.
    """

    query_id: int
    seqno: int
    session_hash: bytes

    def cell(self) -> Cell:
        """The message body."""
        return save_state_body(self.query_id, self.seqno, self.session_hash)


@dataclass(frozen=True, slots=True)
class StakeIncrease:
    """Somebody adds to the stake."""

    query_id: int
    amount: int
    excesses: Address


@dataclass(frozen=True, slots=True)
class CommissionRequest:
    """Somebody asks to pay the commission to the owner."""

    query_id: int
    excesses: Address


@dataclass(frozen=True, slots=True)
class OwnerClose:
    """The owner closes; ``excesses`` is None for the text command, which has no query id either."""

    query_id: int
    excesses: Address | None


@dataclass(frozen=True, slots=True)
class OwnerWithdraw:
    """The owner takes the commission by text command."""


ProxyInbox: TypeAlias = (
    ClientRequest
    | ClientCharged
    | WorkerRequest
    | SaveState
    | SignedCommit
    | SignedClose
    | StakeIncrease
    | CommissionRequest
    | OwnerClose
    | OwnerWithdraw
)


def parse_proxy_inbox(body: Cell) -> ProxyInbox | None:
    """Read the body of a message to a proxy contract that is not a bounced one.

    Returns:
        What it is; None for a deposit and for everything unknown or malformed, since anybody can
        send anything.
    """
    try:
        return _parse(body)
    except DecodeError:
        return None


def read_proxy_message(message: Message | None) -> ProxyInbox | None:
    """Likewise of a transaction's incoming message; None too for a bounced or external one."""
    if message is None or message.bounced or message.source is None:
        return None
    return parse_proxy_inbox(message.body)


def _parse(body: Cell) -> ProxyInbox | None:
    if body.bits < 32:
        return None
    operation = Reader(body).uint(32)
    if operation in CLOSE_OPERATIONS:
        return read_close(body)
    match operation:
        case opcodes.EXT_PROXY_COMMIT_SIGNED:
            return read_commit(body)
        case opcodes.TEXT_COMMENT:
            return _text(body)
    parser = _PARSERS.get(operation)
    if parser is None:
        return None
    read = Reader(body)
    read.uint(32)
    event = parser(read.uint(64), read)
    if event is not None:
        read.end()
    return event


def _text(body: Cell) -> ProxyInbox | None:
    read = Reader(body)
    read.uint(32)
    letter = read.raw(1)
    read.end()
    if letter == TEXT_CLOSE:
        return OwnerClose(0, None)
    return OwnerWithdraw() if letter == TEXT_WITHDRAW else None


def _client_request(query_id: int, read: Reader) -> ProxyInbox:
    owner, snapshot = read.address(), ClientSnapshot.from_cell(read.ref())
    payload = read.maybe_ref()
    return ClientRequest(
        query_id, owner, snapshot, None if payload is None else _read_client_payload(payload)
    )


def _client_charged(query_id: int, read: Reader) -> ProxyInbox:
    return ClientCharged(query_id, read.coins(), read.address(), read.address())


def _worker_request(query_id: int, read: Reader) -> ProxyInbox:
    owner, phase, tokens = read.address(), read_phase(read), read.uint(64)
    payload = read.maybe_ref()
    if payload is None:
        return WorkerRequest(query_id, owner, phase, tokens)
    part = Reader(payload)
    if part.uint(32) != opcodes.WORKER_PROXY_PAYOUT_REQUEST:
        raise DecodeError("unknown payload of a worker's request")
    request = PayoutRequest(part.coins(), part.coins(), part.address())
    part.end()
    return WorkerRequest(query_id, owner, phase, tokens, request)


def _note(query_id: int, read: Reader) -> ProxyInbox | None:
    if read.uint(32) != opcodes.PROXY_SAVE_STATE:
        return None
    seqno, session_hash = read.uint(32), read.raw(32)
    if seqno >> 31:
        raise DecodeError("number of the flush is negative")
    return SaveState(query_id, seqno, session_hash)


def _stake_increase(query_id: int, read: Reader) -> ProxyInbox:
    return StakeIncrease(query_id, read.coins(), read.address())


def _commission_request(query_id: int, read: Reader) -> ProxyInbox:
    return CommissionRequest(query_id, read.address())


def _owner_close(query_id: int, read: Reader) -> ProxyInbox:
    return OwnerClose(query_id, read.address())


_PARSERS = {
    opcodes.CLIENT_PROXY_REQUEST: _client_request,
    opcodes.CLIENT_PROXY_CHARGED: _client_charged,
    opcodes.WORKER_PROXY_REQUEST: _worker_request,
    opcodes.DO_NOT_PROCESS: _note,
    opcodes.EXT_PROXY_INCREASE_STAKE: _stake_increase,
    opcodes.EXT_PROXY_PAYOUT_REQUEST: _commission_request,
    opcodes.OWNER_PROXY_CLOSE: _owner_close,
}


def _client_payload(payload: ClientPayload) -> Cell:
    if isinstance(payload, Register):
        return Builder().uint(opcodes.CLIENT_PROXY_REGISTER, 32).uint(payload.nonce, 64).cell()
    operations = {
        TopUp: opcodes.CLIENT_PROXY_TOP_UP,
        RefundGranted: opcodes.CLIENT_PROXY_REFUND_GRANTED,
        RefundForced: opcodes.CLIENT_PROXY_REFUND_FORCE,
    }
    out = Builder().uint(operations[type(payload)], 32)
    return out.coins(payload.amount).address(payload.excesses).cell()


def _read_client_payload(cell: Cell) -> ClientPayload:
    read = Reader(cell)
    payload: ClientPayload
    match read.uint(32):
        case opcodes.CLIENT_PROXY_REGISTER:
            payload = Register(read.uint(64))
        case opcodes.CLIENT_PROXY_TOP_UP:
            payload = TopUp(read.coins(), read.address())
        case opcodes.CLIENT_PROXY_REFUND_GRANTED:
            payload = RefundGranted(read.coins(), read.address())
        case opcodes.CLIENT_PROXY_REFUND_FORCE:
            payload = RefundForced(read.coins(), read.address())
        case _:
            raise DecodeError("unknown payload of a client's request")
    read.end()
    return payload
